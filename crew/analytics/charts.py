"""The series drawn in a report: price with its averages, drawdown, volume, and performance against the benchmark."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crew.analytics import indicators, risk
from crew.analytics.bar_evidence import SHARES_TRADED
from crew.analytics.bars import Bars, read_bars, window_start
from crew.domain.factsheet import ChartSeries
from crew.domain.instrument import Instrument
from crew.domain.market import MarketSnapshot

MOST_POINTS = 260

Floats = NDArray[np.float64]


def chart_series(snapshot: MarketSnapshot) -> tuple[ChartSeries, ...]:
    """Series of a snapshot already cut to its as-of day, at most 260 points each, oldest first, ending on the last bar.

    `chart.price`, `chart.sma_50`, `chart.sma_200` and `chart.volume` cover the last year, `chart.drawdown` the last five
    (percent below the highest wealth so far), `chart.performance` and `chart.benchmark_performance` the last year of total
    return, 100 on their first common day; all less where the history is shorter. A series that cannot be had is left out.
    """
    bars = read_bars(snapshot.prices, minor_units=snapshot.instrument.minor_units)
    if len(bars) < 2:
        return ()
    return (*_last_year(bars, snapshot.instrument), _drawdown(bars), *_performance(bars, snapshot))


def _last_year(bars: Bars, instrument: Instrument) -> list[ChartSeries]:
    first = _start(bars, "1y")
    positions = np.arange(first, len(bars))
    traded = "shares" if instrument.quote_type in SHARES_TRADED else "count"
    columns = (
        ("chart.price", "Price", instrument.currency, bars.close),
        ("chart.sma_50", "50-day average", instrument.currency, indicators.sma(bars.close, 50)),
        ("chart.sma_200", "200-day average", instrument.currency, indicators.sma(bars.close, 200)),
        ("chart.volume", "Volume", traded, bars.volume),
    )
    drawn: list[ChartSeries] = []
    for name, label, unit, values in columns:
        if np.isfinite(values[first:]).any():
            drawn.append(_drawn(ChartSeries(id=name, label=label, unit=unit, dates=(), values=()), bars, positions, values[first:]))
    return drawn


def _drawdown(bars: Bars) -> ChartSeries:
    first = _start(bars, "5y")
    falls = risk.drawdowns(bars.growth[first:] - 1) * 100
    empty = ChartSeries(id="chart.drawdown", label="Fall from the highest value so far, with dividends", unit="percent", dates=(), values=())
    return _drawn(empty, bars, np.arange(first, len(bars)), falls, keep_lowest=True)


def _performance(bars: Bars, snapshot: MarketSnapshot) -> tuple[ChartSeries, ...]:
    if snapshot.benchmark is None or snapshot.benchmark.symbol == bars.symbol:
        return ()
    benchmark = read_bars(snapshot.benchmark)
    first = _start(bars, "1y")
    common, mine, theirs = np.intersect1d(bars.days[first:], benchmark.days, assume_unique=True, return_indices=True)
    if len(common) < 2:
        return ()
    own, other = bars.wealth[first + mine], benchmark.wealth[theirs]
    series = (
        ("chart.performance", bars, snapshot.instrument.currency, first + mine, own),
        ("chart.benchmark_performance", benchmark, snapshot.benchmark_currency, theirs, other),
    )
    return tuple(
        _drawn(
            ChartSeries(id=name, label=f"{of.symbol}, total return in {currency}", unit="index", dates=(), values=()),
            of,
            positions,
            wealth / wealth[0] * 100,
        )
        for name, of, currency, positions, wealth in series
    )


def _start(bars: Bars, period: str) -> int:
    return max(0, bars.at_or_before(window_start(period, bars.day(-1))))


def _drawn(empty: ChartSeries, bars: Bars, positions: NDArray[np.int64], values: Floats, *, keep_lowest: bool = False) -> ChartSeries:
    chosen = _lowest_of_stretches(values) if keep_lowest else _evenly_spread(len(values))
    dates = tuple(bars.day(position) for position in positions[chosen].tolist())
    return empty.model_copy(update={"dates": dates, "values": tuple(None if math.isnan(value) else value for value in values[chosen].tolist())})


def _evenly_spread(count: int) -> NDArray[np.int64]:
    """At most 260 positions, the first and the last among them."""
    return np.arange(count) if count <= MOST_POINTS else np.linspace(0, count - 1, MOST_POINTS).round().astype(np.int64)


def _lowest_of_stretches(values: Floats) -> NDArray[np.int64]:
    """At most 260 positions: the first, the last, and between them the lowest value of each stretch, so that no trough is thinned away."""
    count = len(values)
    if count <= MOST_POINTS:
        return np.arange(count)
    edges = np.linspace(1, count - 1, MOST_POINTS - 1).round().astype(np.int64).tolist()
    lowest = [start + int(values[start:end].argmin()) for start, end in pairwise(edges)]
    return np.array([0, *lowest, count - 1], dtype=np.int64)
