"""The series drawn in a report."""

from datetime import date, timedelta

import pytest
from fakes.price_histories import AS_OF, growing, history, repeated, snapshot_of, weekdays

from crew.analytics.charts import MOST_POINTS, chart_series


def charts(prices, **options):
    """The series by id."""
    return {series.id: series for series in chart_series(snapshot_of(prices, **options))}


def test_series_are_short_ordered_and_end_on_the_last_bar():
    """No series has more than 260 points, dates ascend, and the last point is the last bar."""
    drawn = charts(history(repeated([0.02, -0.01], 1400)), benchmark=history(growing(1400), symbol="SPY"))

    assert set(drawn) == {
        "chart.price", "chart.sma_50", "chart.sma_200", "chart.volume", "chart.drawdown", "chart.performance", "chart.benchmark_performance",
    }  # fmt: skip
    for series in drawn.values():
        assert len(series.dates) == len(series.values) <= MOST_POINTS
        assert list(series.dates) == sorted(set(series.dates))
        assert series.dates[-1] == AS_OF


def test_values_are_those_of_their_days():
    """A point is the close of its day, averages are of the days before it, and performance starts at 100."""
    days = weekdays(500)
    closes = [100.0 + position for position in range(500)]
    drawn = charts(history(closes, days=days), benchmark=history([50.0] * 500, days=days, symbol="SPY"))
    price, average = drawn["chart.price"], drawn["chart.sma_50"]

    assert all(value == closes[days.index(day)] for day, value in zip(price.dates, price.values, strict=True))
    assert average.values[-1] == pytest.approx(sum(closes[-50:]) / 50)
    assert drawn["chart.sma_200"].values[-1] == pytest.approx(sum(closes[-200:]) / 200)
    assert drawn["chart.performance"].values[0] == 100.0
    assert drawn["chart.performance"].values[-1] == pytest.approx(closes[-1] / closes[days.index(date(2024, 6, 28))] * 100)
    assert set(drawn["chart.benchmark_performance"].values) == {100.0}


@pytest.mark.parametrize("back", [2, 3, 622, 1303, 1304])
def test_thinning_keeps_the_deepest_fall(back):
    """A trough of a single day in five years is still drawn, wherever it lies."""
    closes = [100.0] * 1400
    closes[-back] = 40.0
    drawn = charts(history(closes))["chart.drawdown"]

    assert min(drawn.values) == pytest.approx(-60.0)
    assert drawn.values[0] == drawn.values[-1] == 0.0


def test_a_market_open_every_day_is_thinned():
    """A year of 366 daily bars is spread over 260 points with the first and last kept."""
    days = [AS_OF - timedelta(days=back) for back in range(800)][::-1]
    drawn = charts(history(growing(800), days=days), quote_type="crypto")["chart.price"]

    assert len(drawn.dates) == MOST_POINTS
    assert drawn.dates[0] == date(2024, 6, 30)


def test_missing_values_are_gaps_in_the_line():
    """A volume the source does not state is None, and an average that never existed is left out."""
    prices = history(growing(60))
    drawn = charts(prices.model_copy(update={"volume": (*prices.volume[:-1], None)}))

    assert drawn["chart.volume"].values[-1] is None
    assert drawn["chart.sma_50"].values[0] is None
    assert "chart.sma_200" not in drawn
    assert "chart.performance" not in drawn


def test_nothing_to_draw():
    """A history of one close or none draws nothing."""
    assert chart_series(snapshot_of(history([None, 5.0]))) == ()


def test_pence_are_drawn_in_pounds():
    """Prices are drawn in major units of their currency."""
    drawn = charts(history([250.0] * 60), currency="GBP", minor_units=100)

    assert set(drawn["chart.price"].values) == {2.5}
    assert drawn["chart.price"].unit == "GBP"
