"""Technical evidence: the last value of each indicator, with the bars it rests on, or the reason it is missing."""

from datetime import date, timedelta

import numpy as np
import pytest
import talib
from fakes.price_histories import growing, history, price_book, reasons, repeated, snapshot_of, weekdays

from crew.analytics.levels import swing_positions

TECHNICALS = (
    *("sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "rsi_14", "macd", "macd_signal", "macd_histogram", "atr_14", "adx_14"),
    *("bollinger_upper", "bollinger_middle", "bollinger_lower", "stochastic_k", "stochastic_d"),
    *("price_vs_sma_50", "price_vs_sma_200", "sma_50_vs_200", "support", "resistance"),
)


def noisy(count: int) -> list[float]:
    """A wandering price that is the same in every run."""
    steps = np.random.default_rng(7).normal(0.0005, 0.02, count)
    return (100 * np.exp(np.cumsum(steps))).tolist()


def test_every_technical_figure_is_evidence_or_a_gap():
    """Each id that other parts cite is accounted for, whatever the history."""
    for count in (0, 1, 30, 199, 400):
        book = price_book(snapshot_of(history(noisy(count))))
        known = {item.id for item in book.evidence} | set(reasons(book))
        assert known >= {f"technical.{name}" for name in TECHNICALS}, count


def test_figures_are_the_last_bar_of_each_indicator():
    """What the book holds is what an independent library says of the last bar."""
    closes = noisy(400)
    prices = history(closes)
    book = price_book(snapshot_of(prices))
    high, low, close = (np.array(column) for column in (prices.high, prices.low, prices.close))
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    slow_k, slow_d = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    expected = {
        "sma_20": close[-20:].mean(),
        "sma_50": close[-50:].mean(),
        "sma_200": close[-200:].mean(),
        "ema_12": talib.EMA(close, 12)[-1],
        "ema_26": talib.EMA(close, 26)[-1],
        "rsi_14": talib.RSI(close, 14)[-1],
        "macd": talib.MACD(close)[0][-1],
        "macd_signal": talib.MACD(close)[1][-1],
        "macd_histogram": talib.MACD(close)[2][-1],
        "atr_14": talib.ATR(high, low, close, 14)[-1],
        "bollinger_upper": upper[-1],
        "bollinger_middle": middle[-1],
        "bollinger_lower": lower[-1],
        "adx_14": talib.ADX(high, low, close, 14)[-1],
        "stochastic_k": slow_k[-1],
        "stochastic_d": slow_d[-1],
        "price_vs_sma_50": (close[-1] / close[-50:].mean() - 1) * 100,
        "price_vs_sma_200": (close[-1] / close[-200:].mean() - 1) * 100,
        "sma_50_vs_200": (close[-50:].mean() / close[-200:].mean() - 1) * 100,
        "atr_percent": talib.ATR(high, low, close, 14)[-1] / close[-1] * 100,
    }

    assert {name: book.number(f"technical.{name}") for name in expected} == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("sma_20", 20),
        ("sma_200", 200),
        ("ema_26", 26),
        ("rsi_14", 15),
        ("macd", 26),
        ("macd_signal", 34),
        ("atr_14", 15),
        ("adx_14", 28),
        ("stochastic_k", 16),
        ("stochastic_d", 18),
    ],
)
def test_one_bar_too_few_is_a_gap(name, needed):
    """With exactly the bars it needs a figure exists, with one fewer it is a gap."""
    assert price_book(snapshot_of(history(noisy(needed)))).number(f"technical.{name}") is not None
    assert reasons(price_book(snapshot_of(history(noisy(needed - 1)))))[f"technical.{name}"] == "insufficient_history"


def test_fewer_than_200_bars_pass_the_gap_on():
    """What is measured against a missing average is missing for the average's reason."""
    book = price_book(snapshot_of(history(noisy(199))))

    assert reasons(book)["technical.price_vs_sma_200"] == "insufficient_history"
    assert reasons(book)["technical.sma_50_vs_200"] == "insufficient_history"
    assert book.number("technical.price_vs_sma_50") is not None


def test_indicators_start_anew_after_a_long_break():
    """Bars before a break of more than 30 days do not mix with those after it."""
    days = weekdays(400)
    resumed = [day for day in days if not date(2025, 1, 1) <= day <= date(2025, 2, 15)]
    before = sum(day < date(2025, 1, 1) for day in resumed)
    closes = [10.0] * before + noisy(len(resumed) - before)
    book = price_book(snapshot_of(history(closes, days=resumed)))

    assert book.number("technical.rsi_14") == pytest.approx(talib.RSI(np.array(closes[before:]), 14)[-1])
    assert book.get("series.close_history").label.endswith("2025-02-17 to 2025-06-30")
    assert reasons(book)["technical.sma_200"] == "insufficient_history"


@pytest.mark.parametrize(("pause", "bars"), [(30, 100), (31, 50)])
def test_a_break_is_longer_than_thirty_days(pause, bars):
    """Thirty days without a close still belong to one history, thirty-one do not."""
    days = weekdays(50)
    earlier = weekdays(50, last=days[0] - timedelta(days=pause))
    earlier[-1] = days[0] - timedelta(days=pause)
    book = price_book(snapshot_of(history(noisy(100), days=[*earlier, *days])))

    assert book.number("series.close_history") == bars


def test_bars_without_high_or_low_are_left_out_of_ranges():
    """A bar without its high takes no part in ranges but does in averages of the close; one on the last day leaves ranges out."""
    prices = history(noisy(100))
    high = list(prices.high)
    high[50] = None
    kept = [position for position in range(100) if position != 50]
    wide = [np.array(column)[kept].astype(float) for column in (prices.high, prices.low, prices.close)]
    book = price_book(snapshot_of(prices.model_copy(update={"high": tuple(high)})))

    assert book.number("technical.atr_14") == pytest.approx(talib.ATR(*wide, 14)[-1])
    assert book.number("series.bars_history") == 99
    assert book.number("technical.sma_50") is not None
    last = price_book(snapshot_of(prices.model_copy(update={"high": (*prices.high[:-1], None)})))
    assert reasons(last)["technical.atr_14"] == "not_reported"


def test_a_price_that_never_moves_has_no_oscillators():
    """RSI and stochastic of a flat price are gaps; averages and bands are the price itself."""
    book = price_book(snapshot_of(history([50.0] * 300, spread=0.0)))

    assert reasons(book)["technical.rsi_14"] == "not_applicable"
    assert reasons(book)["technical.stochastic_d"] == "not_applicable"
    assert book.number("technical.bollinger_upper") == 50.0
    assert book.number("technical.atr_14") == 0.0
    assert book.number("technical.adx_14") == 0.0


def test_support_and_resistance_are_the_nearest_swings():
    """Support is the highest swing low below the price, resistance the lowest swing high above it, each a bar that was observed."""
    days = weekdays(300)
    closes = [100.0] * 300
    for position, close in ((200, 90.0), (230, 95.0), (250, 120.0), (270, 110.0)):
        closes[position] = close
    book = price_book(snapshot_of(history(closes, days=days, spread=0.0)))

    assert book.number("technical.support") == 95.0
    assert book.number("technical.resistance") == 110.0
    assert f"price.low.{days[230]}" in book.get("technical.support").inputs
    assert f"price.high.{days[270]}" in book.get("technical.resistance").inputs


def test_a_price_above_every_swing_has_no_resistance():
    """A level that never existed is not made up."""
    book = price_book(snapshot_of(history(growing(300))))

    assert reasons(book)["technical.resistance"] == "not_applicable"
    assert reasons(book)["technical.support"] == "not_applicable"


def test_a_swing_needs_its_neighbours():
    """The extreme of a window needs five bars on both sides, all of them known; of equals the first counts."""
    peak = [1.0, 2.0, 3.0, 4.0, 5.0, 9.0, 5.0, 4.0, 3.0, 2.0, 1.0]

    assert swing_positions(np.array(peak)).tolist() == [5]
    assert swing_positions(np.array(peak[:-1])).tolist() == []
    assert swing_positions(np.array([*peak[:3], np.nan, *peak[4:]])).tolist() == []
    assert swing_positions(np.array([*peak[:6], 9.0, *peak[6:]])).tolist() == [5]


def test_figures_unfold_to_observed_bars():
    """Following inputs from any figure ends at observed evidence or at a stated assumption, never at nothing."""
    closes = repeated([0.02, -0.01, 0.005], 1400)
    prices = history(closes, dividends=[(weekdays(1400)[1300], 1.0)])
    book = price_book(snapshot_of(prices, benchmark=history(growing(1400), symbol="SPY")), risk_free_rate=4.0)
    by_id = {item.id: item for item in book.evidence}

    for item in book.evidence:
        assert item.label
        if item.kind == "derived":
            assert item.formula, item.id
            assert item.inputs, item.id
        if item.kind == "observed":
            assert item.locator.startswith(("prices/TEST#", "prices/SPY#")), item.id
        seen = [item.id]
        while seen:
            current = by_id[seen.pop()]
            assert current.kind in {"observed", "assumption"} or current.inputs
            seen.extend(current.inputs)
