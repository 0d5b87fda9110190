"""What must hold for the price evidence of any history, whatever the prices."""

from datetime import date, timedelta
from random import Random

import pytest
from fakes.price_histories import AS_OF, history, mapped, price_book, snapshot_of, weekdays
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crew.domain.market import MarketSnapshot, PriceHistory, Split
from crew.market.point_in_time import known_at

LEVELS = {"currency", "currency_per_share"}
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def histories(draw, least: int = 300, most: int = 420) -> PriceHistory:
    """Histories of weekdays with moves of up to a tenth a day, some dividends and some missing closes."""
    count = draw(st.integers(least, most))
    moves = Random(draw(st.integers(0, 10**9)))
    days = weekdays(count)
    close, closes = draw(st.floats(1.0, 500.0)), []
    for _ in range(count):
        close *= 1 + moves.uniform(-0.1, 0.1)
        closes.append(close)
    missing = draw(st.sets(st.integers(1, count - 2), max_size=4))
    paid = sorted(draw(st.sets(st.integers(1, count - 1), max_size=4)))
    return history(
        [None if position in missing else value for position, value in enumerate(closes)],
        days=days,
        spread=0.01,
        dividends=[(days[position], closes[position] * 0.01) for position in paid],
    )


def benchmark() -> PriceHistory:
    """The same market for every history."""
    closes = [100.0 + (step * 7) % 13 for step in range(420)]
    return history(closes, days=weekdays(420), symbol="SPY")


def figures(snapshot: MarketSnapshot, as_of: date = AS_OF) -> dict[str, tuple[float | str, str]]:
    """Value and unit of all evidence by id."""
    return {item.id: (item.value, item.unit) for item in price_book(snapshot, as_of=as_of, risk_free_rate=3.0).evidence}


def close_to(value: float | str):
    """Equal but for rounding; texts and dates exactly."""
    return value if isinstance(value, str) else pytest.approx(value, rel=1e-6, abs=1e-6)


@FEW
@given(histories(), st.floats(0.05, 20.0))
def test_scaling_prices_scales_levels_and_leaves_everything_else(prices, factor):
    """Amounts scale with the price; percentages, ratios, counts and days do not."""
    before = figures(snapshot_of(prices, benchmark=benchmark()))
    after = figures(snapshot_of(mapped(prices, lambda value: value * factor), benchmark=benchmark()))

    assert after.keys() == before.keys()
    for name, (value, unit) in before.items():
        assert after[name][0] == close_to(value * factor if unit in LEVELS else value), name


@FEW
@given(histories(), st.sampled_from([2.0, 4.0, 0.1, 1.5]))
def test_a_restated_split_changes_no_ratio(prices, ratio):
    """Restated for a split, prices fall, volumes rise, and turnover, returns and risk stay as they were."""
    split = mapped(prices, lambda value: value / ratio).model_copy(update={"volume": tuple(value * ratio for value in prices.volume)})
    before = figures(snapshot_of(prices, benchmark=benchmark()))
    after = figures(snapshot_of(split, benchmark=benchmark()))

    assert after.keys() == before.keys()
    for name, (value, unit) in before.items():
        scale = {"currency_per_share": 1 / ratio, "shares": ratio}.get(unit, 1.0)
        assert after[name][0] == close_to(value * scale if scale != 1.0 else value), name


@FEW
@given(histories(), st.integers(1, 20), st.sampled_from([1.0, 2.0, 0.1]))
def test_later_data_changes_no_figure(prices, later, ratio):
    """Bars, dividends and a split after the as-of day, which restates everything before it, leave every figure as it was."""
    end = len(prices.dates) - later
    as_of = prices.dates[end - 1]
    columns = {name: getattr(prices, name)[:end] for name in ("dates", "open", "high", "low", "close", "volume")}
    then = prices.model_copy(update={**columns, "dividends": tuple(item for item in prices.dividends if item.on <= as_of)})
    restated = mapped(prices, lambda value: value / ratio).model_copy(update={"volume": tuple(value * ratio for value in prices.volume)})
    now = restated.model_copy(update={"splits": (Split(on=as_of + timedelta(days=1), ratio=ratio),)})
    market = benchmark()
    before = figures(known_at(snapshot_of(then, benchmark=market), as_of), as_of)
    after = figures(known_at(snapshot_of(now, benchmark=market), as_of), as_of)

    assert {name: close_to(value) for name, (value, _) in before.items()} == {name: value for name, (value, _) in after.items()}


@FEW
@given(histories())
def test_ranges_hold(prices):
    """Falls lie between ruin and nothing, oscillators between 0 and 100, the price within its year, bands in their order."""
    book = price_book(snapshot_of(prices))

    def number(id):
        value = book.number(id)
        assert value is not None, id
        return value

    assert -100 <= number("price.max_drawdown_1y") <= number("price.drawdown_now_1y") <= 0
    assert number("price.low_52w") <= number("price.last") <= number("price.high_52w")
    assert number("price.from_high_52w") <= 0 <= number("price.from_low_52w")
    assert number("price.worst_day_1y") <= number("price.var_95_1y") <= number("price.best_day_1y")
    assert number("technical.bollinger_lower") <= number("technical.bollinger_middle") <= number("technical.bollinger_upper")
    assert number("technical.macd_histogram") == pytest.approx(number("technical.macd") - number("technical.macd_signal"))
    assert number("price.total_return_1y") >= number("price.return_1y") - 1e-9
    for name in ("technical.rsi_14", "technical.adx_14", "technical.stochastic_k", "technical.stochastic_d"):
        assert -1e-9 <= number(name) <= 100 + 1e-9
