"""Discounting against worked examples of others, transcribed: Excel's documentation, numpy-financial, and textbook pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crew.analytics import dcf


def test_npv_agrees_with_the_example_in_excels_documentation() -> None:
    """Excel's NPV discounts the first value by one period."""
    assert dcf.npv(0.1, [-10000, 3000, 4200, 6800], first_period=1) == pytest.approx(1188.44, abs=0.005)


def test_npv_agrees_with_numpy_financial() -> None:
    """With the first value undiscounted, the value is numpy-financial's."""
    assert dcf.npv(0.08, [-40000, 5000, 8000, 12000, 30000]) == pytest.approx(3065.22267, abs=5e-6)


def test_irr_agrees_with_numpy_financial() -> None:
    """The internal rate of return is numpy-financial's to the digits it states."""
    assert dcf.irr([-100, 39, 59, 55, 20]) == pytest.approx(0.28095, abs=5e-6)


def test_irr_of_flows_without_a_sign_change_is_refused() -> None:
    """Flows that only come in have no internal rate of return."""
    with pytest.raises(ValueError, match="no sign change"):
        dcf.irr([100, 50, 50])


def test_a_worked_example_of_a_discounted_cash_flow() -> None:
    """The example's value of the firm and per share, to its author's rounding."""
    whole = dcf.worth([100, 110, 121, 133, 146], 0.10, 0.03)

    assert whole.terminal_value == pytest.approx(2149, rel=5e-4)
    assert whole.terminal == pytest.approx(1334.5, rel=5e-4)
    assert whole.enterprise == pytest.approx(1788.7, rel=5e-4)
    # Its author rounded on the way, to 15.89 per share; unrounded it is a cent less.
    assert whole.enterprise == pytest.approx(1788.14, abs=0.005)
    assert (whole.enterprise - 200) / 100 == pytest.approx(15.88, abs=0.005)


def test_a_firm_growing_for_five_years_discounts_the_first_flow_by_one_year() -> None:
    """The textbook value, not that of a toolkit which discounts every flow one year too much."""
    whole = dcf.worth(dcf.projected(500, (0.05,) * 5), 0.1, 0.02)

    assert whole.enterprise / 100 == pytest.approx(72.310591, abs=1e-4)
    assert whole.terminal_value == pytest.approx(8136.294960937502)


def test_gordons_terminal_value() -> None:
    """80 growing at 2.5 % and discounted at 7.5 % is worth 1640 at the time of the last flow."""
    assert dcf.terminal_value(80, 0.075, 0.025) == pytest.approx(1640)


def test_a_terminal_value_needs_a_rate_above_growth() -> None:
    """Growth as high as the discount rate has no finite value."""
    with pytest.raises(ValueError, match="above the terminal growth"):
        dcf.terminal_value(80, 0.03, 0.03)


def test_weighted_cost_of_capital() -> None:
    """60 % equity at 10 % and 40 % debt at 5 % taxed at 25 % cost 7.5 %."""
    assert dcf.wacc(equity_weight=0.6, cost_of_equity=0.1, cost_of_debt=0.05, tax=0.25) == pytest.approx(0.075)


def test_free_cash_flow_from_ebit() -> None:
    """EBIT 100 taxed at 25 %, depreciation 10, capital expenditure 20 and working capital 5 leave 60."""
    assert dcf.free_cash_flow(ebit=100, tax=0.25, depreciation=10, capex=20, working_capital=5) == pytest.approx(60)


def test_growth_fades_in_equal_steps() -> None:
    """The first year has the first growth, the last the terminal one."""
    assert dcf.faded_growth(0.10, 0.02, 5) == pytest.approx((0.10, 0.08, 0.06, 0.04, 0.02))


@given(flows=st.lists(st.floats(20, 200), min_size=1, max_size=12))
def test_flows_are_worth_nothing_at_their_internal_rate_of_return(flows: list[float]) -> None:
    """Whatever comes in for an outlay of 100, its internal rate of return makes it worth nothing."""
    assert dcf.npv(dcf.irr([-100, *flows]), [-100, *flows]) == pytest.approx(0, abs=1e-6)
