"""Indicators against the reference results of Stock.Indicators, against TA-Lib, and against their own definitions."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crew.analytics import indicators, risk

DATA = Path(__file__).parent.parent / "data"
EXPECTED = json.loads((DATA / "skender_expected.json").read_text())
with (DATA / "skender_quotes.csv").open() as _file:
    _ROWS = list(csv.DictReader(_file))
HIGH, LOW, CLOSE, OTHER = (np.array([float(row[name]) for row in _ROWS]) for name in ("high", "low", "close", "compare_close"))

prices = arrays(np.float64, st.integers(60, 120), elements=st.floats(1.0, 1000.0))


def rolling_beta(days: int) -> np.ndarray:
    """Beta of the second instrument against the first over the last `days` returns of each bar."""
    asset, market = risk.simple_returns(OTHER), risk.simple_returns(CLOSE)
    return np.array([np.nan] * days + [risk.beta(asset[bar - days : bar], market[bar - days : bar]) for bar in range(days, len(CLOSE))])


def computed() -> dict[str, np.ndarray]:
    """Every indicator that has reference results, by the name they go under."""
    macd = indicators.macd(CLOSE)
    bands = indicators.bollinger(CLOSE)
    movement = indicators.adx(HIGH, LOW, CLOSE)
    slow = indicators.stochastic(HIGH, LOW, CLOSE)
    return {
        "sma_20": indicators.sma(CLOSE, 20),
        "ema_20": indicators.ema(CLOSE, 20),
        "rsi_14": indicators.rsi(CLOSE),
        "atr_14": indicators.atr(HIGH, LOW, CLOSE),
        "macd": macd.line,
        "macd_signal": macd.signal,
        "macd_histogram": macd.histogram,
        "bollinger_upper": bands.upper,
        "bollinger_lower": bands.lower,
        "adx_14": movement.adx,
        "plus_di_14": movement.plus,
        "minus_di_14": movement.minus,
        "stochastic_k": slow.k,
        "stochastic_d": slow.d,
        "beta_50": rolling_beta(50),
    }


def test_reference_covers_every_indicator():
    """Every reference series has at least 60 bars and something computed to compare it with."""
    assert computed().keys() == EXPECTED.keys()
    assert all(len(bars) >= 60 for bars in EXPECTED.values())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_equals_stock_indicators(name):
    """An indicator equals the reference to 1e-9 and is undefined before the first bar of the reference."""
    values = computed()[name]
    bars = {int(bar): value for bar, value in EXPECTED[name].items()}

    assert np.isnan(values[: min(bars)]).all()
    assert values[list(bars)] == pytest.approx(list(bars.values()), abs=1e-9, rel=0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (indicators.sma(CLOSE, 50), talib.SMA(CLOSE, 50)),
        (indicators.ema(CLOSE, 26), talib.EMA(CLOSE, 26)),
        (indicators.rsi(CLOSE), talib.RSI(CLOSE, 14)),
        (indicators.atr(HIGH, LOW, CLOSE), talib.ATR(HIGH, LOW, CLOSE, 14)),
        (indicators.bollinger(CLOSE).upper, talib.BBANDS(CLOSE, 20, 2, 2)[0]),
        (indicators.bollinger(CLOSE).lower, talib.BBANDS(CLOSE, 20, 2, 2)[2]),
        (indicators.stochastic(HIGH, LOW, CLOSE).d, talib.STOCH(HIGH, LOW, CLOSE, 14, 3, 0, 3, 0)[1]),
    ],
    ids=["sma", "ema", "rsi", "atr", "bollinger upper", "bollinger lower", "stochastic"],
)
def test_equals_talib_from_the_first_bar(ours, theirs):
    """Where both are seeded alike, every bar equals TA-Lib's, the undefined ones included."""
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance"),
    [
        (indicators.macd(CLOSE).line, talib.MACD(CLOSE)[0], 1e-9),
        (indicators.macd(CLOSE).signal, talib.MACD(CLOSE)[1], 1e-9),
        (indicators.adx(HIGH, LOW, CLOSE).adx, talib.ADX(HIGH, LOW, CLOSE, 14), 1e-6),
    ],
    ids=["macd", "macd signal", "adx"],
)
def test_meets_talib_once_the_seed_is_forgotten(ours, theirs, tolerance):
    """Where TA-Lib seeds otherwise, both agree once 350 bars have passed."""
    np.testing.assert_allclose(ours[350:], theirs[350:], rtol=0, atol=tolerance)


@given(prices, st.integers(1, 30))
def test_later_values_change_no_earlier_result(close, cut):
    """No indicator looks ahead: computed on a prefix it gives the prefix of its result."""
    high, low = close * 1.01, close * 0.99

    def everything(end):
        parts = (high[:end], low[:end], close[:end])
        return [
            indicators.sma(close[:end], 20),
            indicators.ema(close[:end], 12),
            indicators.rsi(close[:end]),
            indicators.atr(*parts),
            indicators.macd(close[:end]).signal,
            indicators.bollinger(close[:end]).upper,
            indicators.adx(*parts).adx,
            indicators.stochastic(*parts).d,
        ]

    end = len(close) - cut
    for whole, part in zip(everything(len(close)), everything(end), strict=True):
        np.testing.assert_array_equal(whole[:end], part)


@given(prices, st.floats(0.01, 100.0))
def test_scaling_prices_scales_levels_and_leaves_oscillators(close, factor):
    """Averages, MACD, ATR and bands are in units of the price; RSI, ADX and stochastic have none."""
    high, low = close * 1.01, close * 0.99
    scaled = (high * factor, low * factor, close * factor)
    levels = [
        (indicators.ema(scaled[2], 12), indicators.ema(close, 12)),
        (indicators.macd(scaled[2]).line, indicators.macd(close).line),
        (indicators.atr(*scaled), indicators.atr(high, low, close)),
        (indicators.bollinger(scaled[2]).lower, indicators.bollinger(close).lower),
    ]
    for after, before in levels:
        np.testing.assert_allclose(after, before * factor, rtol=1e-9, atol=1e-9 * factor * close.max())
    if np.ptp(close) > 1.0:
        np.testing.assert_allclose(indicators.rsi(scaled[2]), indicators.rsi(close), rtol=0, atol=1e-6)


@given(prices)
def test_oscillators_stay_within_their_scale(close):
    """RSI, stochastic, directional indicators and ADX lie between 0 and 100 wherever they are defined."""
    high, low = close * 1.02, close * 0.98
    movement = indicators.adx(high, low, close)
    slow = indicators.stochastic(high, low, close)
    for values in (indicators.rsi(close), slow.k, slow.d, movement.plus, movement.minus, movement.adx):
        defined = values[np.isfinite(values)]
        assert ((defined >= -1e-9) & (defined <= 100 + 1e-9)).all()


def test_flat_market_has_no_rsi_and_no_stochastic():
    """Where nothing moved, oscillators are undefined rather than 0, 50 or 100."""
    flat = np.full(40, 5.0)

    assert np.isnan(indicators.rsi(flat)).all()
    assert np.isnan(indicators.stochastic(flat, flat, flat).k).all()
    assert indicators.atr(flat, flat, flat)[-1] == 0.0


def test_a_market_that_only_rises_has_the_highest_rsi():
    """Without a single loss RSI is 100, without a single gain 0."""
    rising = np.arange(1.0, 41.0)

    assert indicators.rsi(rising)[14:] == pytest.approx(np.full(26, 100.0))
    assert indicators.rsi(rising[::-1])[14:] == pytest.approx(np.zeros(26))


@pytest.mark.parametrize("length", [0, 1, 13, 14, 19, 25])
def test_too_short_a_series_is_undefined_throughout(length):
    """A series shorter than the period gives NaN of the same length, never a figure on too few bars."""
    close = np.linspace(1.0, 2.0, length)
    high, low = close + 0.1, close - 0.1

    assert np.isnan(indicators.ema(close, 26)).all()
    assert len(indicators.macd(close).signal) == length
    assert np.isnan(indicators.macd(close).signal).all()
    assert np.isnan(indicators.adx(high, low, close).adx).all()
    assert len(indicators.bollinger(close).upper) == length
