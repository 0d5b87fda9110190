"""Risk measures against the reference figures of empyrical and against series whose answers are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crew.analytics import risk

# Inputs and results of empyrical-reloaded's own tests (Apache-2.0), transcribed. Its annualisation counts nine rows.
WEEKLY = np.array([0.0, 0.01, 0.1, -0.04, 0.02, 0.03, 0.02, 0.01, -0.1])
MIXED = WEEKLY[1:]
BENCHMARK = np.array([0.0, 0.01, 0.0, 0.01, 0.0, 0.01, 0.0, 0.01, 0.0])
NEGATIVE = np.array([0.0, -0.06, -0.07, -0.01, -0.09, -0.02, -0.06, -0.08, -0.05])
POSITIVE = np.array([0.01, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])
ROWS = 9

returns = arrays(np.float64, st.integers(2, 80), elements=st.floats(-0.5, 0.5))


def test_volatility_equals_empyrical():
    """Sample deviation × √periods, daily, weekly and monthly."""
    assert risk.volatility(MIXED) == pytest.approx(0.9136465399704637, abs=1e-12)
    assert risk.volatility(WEEKLY, periods_per_year=52) == pytest.approx(0.38851569394870583, abs=1e-8)
    assert risk.volatility(WEEKLY, periods_per_year=12) == pytest.approx(0.18663690238892558, abs=1e-8)


def test_sharpe_equals_empyrical():
    """Without a risk-free rate and against a benchmark's returns as the rate."""
    assert risk.sharpe(MIXED) == pytest.approx(1.7238613961706866, abs=1e-8)
    assert risk.sharpe(POSITIVE) == pytest.approx(52.915026221291804, abs=1e-8)
    assert risk.sharpe(NEGATIVE) == pytest.approx(-24.406808633910085, abs=1e-8)
    assert risk.sharpe(MIXED - BENCHMARK[1:]) == pytest.approx(0.34111411441060574, abs=1e-8)


def test_sortino_equals_empyrical():
    """Only returns below the target count as risk."""
    assert risk.sortino(MIXED) == pytest.approx(2.605531251673693, abs=1e-8)
    assert risk.sortino(NEGATIVE) == pytest.approx(-13.5327430750434, abs=1e-8)


def test_drawdown_equals_empyrical():
    """The deepest fall, counting the start at 1.0 as a peak."""
    assert risk.max_drawdown(MIXED).depth == pytest.approx(-0.1, abs=1e-8)
    assert risk.max_drawdown(NEGATIVE).depth == pytest.approx(-0.3659073, abs=1e-7)
    assert [risk.max_drawdown(NEGATIVE[start : start + 6]).depth for start in range(4)] == pytest.approx(
        [-0.2282, -0.2745, -0.2899, -0.2747], abs=1e-4
    )
    assert risk.max_drawdown(BENCHMARK).depth == 0.0
    assert risk.max_drawdown(np.array([-0.5])) == (-0.5, 0, 1)


def test_cagr_and_calmar_equal_empyrical():
    """Growth per year over nine rows of 252, and that growth over the deepest fall."""
    growth = float(np.prod(1 + MIXED))
    annual = risk.cagr(growth, ROWS / 252)

    assert annual == pytest.approx(1.9135925373194231, abs=1e-8)
    assert risk.cagr(growth, ROWS / 52) == pytest.approx(0.24690830513998208, abs=1e-8)
    assert risk.cagr(growth, ROWS / 12) == pytest.approx(0.052242061386048144, abs=1e-8)
    assert risk.cagr(1.01, 1 / 252) == pytest.approx(11.274002099240244, abs=1e-8)
    assert risk.calmar(annual, risk.max_drawdown(MIXED).depth) == pytest.approx(19.135925373194233, abs=1e-8)
    assert growth - 1 == pytest.approx(0.03893, abs=1e-5)


def test_value_at_risk_equals_empyrical():
    """A quantile, linear between neighbours."""
    sample = np.array([1.0, 81.0, 82.0, 83.0, 84.0, 85.0])

    assert [risk.value_at_risk(sample, cutoff) for cutoff in (0.1, 0.2, 0.3)] == pytest.approx([41, 81, 81.5], abs=1e-9)


def test_alpha_and_beta_equal_empyrical():
    """A series moves one for one with itself and against its mirror image."""
    assert risk.beta(MIXED, MIXED) == pytest.approx(1.0, abs=1e-12)
    assert risk.beta(MIXED, -MIXED) == pytest.approx(-1.0, abs=1e-12)
    assert risk.beta(MIXED, NEGATIVE[1:]) == pytest.approx(-0.7129629629629631, abs=1e-8)
    assert risk.alpha(MIXED, NEGATIVE[1:]) == pytest.approx(-0.9997853834885004, abs=1e-8)
    assert risk.correlation(MIXED, -MIXED) == pytest.approx(-1.0, abs=1e-12)


def test_drawdown_names_the_peak_before_the_trough():
    """Peak and trough are positions of wealth, so that 0 is the start."""
    assert risk.max_drawdown(np.array([0.1, -0.2, 0.05, -0.1, 0.5, -0.01])) == (pytest.approx(0.8 * 1.05 * 0.9 - 1), 1, 4)


def test_constant_growth_has_no_risk_and_no_ratio():
    """Without any spread there is nothing to divide by, rounding in the last digits notwithstanding."""
    steady = risk.simple_returns(100 * 1.001 ** np.arange(300))

    assert risk.volatility(steady) == 0.0
    assert math.isnan(risk.sharpe(steady))
    assert math.isnan(risk.sortino(steady))
    assert math.isnan(risk.calmar(0.2, risk.max_drawdown(steady).depth))
    assert math.isnan(risk.beta(MIXED, np.full(8, 0.01)))


def test_too_few_returns_are_undefined():
    """One return has no spread, none has no quantile."""
    assert math.isnan(risk.volatility(np.array([0.01])))
    assert math.isnan(risk.sharpe(np.array([0.01])))
    assert math.isnan(risk.sortino(np.array([0.01])))
    assert math.isnan(risk.value_at_risk(np.array([])))
    assert math.isnan(risk.cagr(0.0, 3.0))


@given(returns)
def test_drawdown_lies_between_ruin_and_nothing(sample):
    """A fall is never deeper than everything and never a gain, and the deepest of all falls is the reported one."""
    worst = risk.max_drawdown(sample)
    falls = risk.drawdowns(sample)

    assert -1.0 <= worst.depth <= 0.0
    assert worst.depth == falls.min()
    assert worst.peak <= worst.trough
    assert len(falls) == len(sample) + 1


@given(returns, st.floats(0.1, 10.0))
def test_ratios_do_not_depend_on_the_size_of_a_position(sample, factor):
    """Sharpe and Sortino of scaled excess returns stay, volatility scales."""
    if risk.deviation(sample) < 1e-6 or np.sqrt(np.square(np.minimum(sample, 0)).mean()) < 1e-6:
        return
    assert risk.sharpe(sample * factor) == pytest.approx(risk.sharpe(sample), rel=1e-9, abs=1e-9)
    assert risk.sortino(sample * factor) == pytest.approx(risk.sortino(sample), rel=1e-9, abs=1e-9)
    assert risk.volatility(sample * factor) == pytest.approx(risk.volatility(sample) * factor, rel=1e-9)
