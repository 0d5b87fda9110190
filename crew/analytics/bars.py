"""Daily bars as arrays, and the calendar windows that figures speak of.

Only bars with a close are kept; those without are remembered as missing, never read as zero.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crew.domain.evidence import GapReason
from crew.domain.market import PriceHistory, SeriesSource

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

# The longest closures of stock exchanges (lunar new year, national days) stay within ten calendar days.
LONGEST_CLOSURE_DAYS = 10

WINDOW_MONTHS = {"1m": 1, "3m": 3, "6m": 6, "1y": 12, "3y": 36, "5y": 60}
WINDOW_WORDS = {
    "1w": "1 week",
    "1m": "1 month",
    "3m": "3 months",
    "6m": "6 months",
    "ytd": "year to date",
    "1y": "1 year",
    "3y": "3 years",
    "5y": "5 years",
}


class Shortfall(Exception):
    """Why a figure cannot be had, in the terms of a gap. `BarLedger.withholding` turns it into gaps."""

    def __init__(self, reason: GapReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: GapReason = reason
        self.detail = detail


class Window(NamedTuple):
    """A calendar window: positions of the bar it starts from and of its last bar, and its name (`1y`)."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class Bars:
    """Bars that have a close, oldest first, prices in major units. Missing highs, lows, opens and volumes are NaN.

    `days` are date ordinals. `payout` is the cash per share of dividends whose ex-date lies after the bar before and up to
    this bar. `adjacent` says whether the source's bar right before also has a close and is at most ten days older.
    `missing` are the ordinals of bars without a usable close.
    """

    symbol: str
    source: SeriesSource
    days: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    payout: Floats
    dividend_days: Days
    adjacent: NDArray[np.bool_]
    missing: Days
    dividends_in_prices: bool
    minor_units: int

    @property
    def lowered_since(self) -> bool:
        """Whether dividends after the last bar may have been taken out of these prices, so that not even the last level was ever traded."""
        return self.dividends_in_prices and self.source.retrieved_at.date().toordinal() - int(self.days[-1]) > LONGEST_CLOSURE_DAYS

    def __len__(self) -> int:
        return len(self.days)

    def day(self, position: int) -> date:
        """The date of the bar at `position`."""
        return date.fromordinal(int(self.days[position]))

    @cached_property
    def growth(self) -> Floats:
        """(close + dividend) ÷ close before, for every bar but the first."""
        return (self.close[1:] + self.payout[1:]) / self.close[:-1]

    @cached_property
    def wealth(self) -> Floats:
        """What 1.0 invested at the first close becomes, dividends reinvested at the close of their ex-date."""
        return np.concatenate(([1.0], np.cumprod(self.growth)))

    def at_or_before(self, day: date) -> int:
        """Position of the last bar on or before `day`; -1 when there is none."""
        return int(np.searchsorted(self.days, day.toordinal(), side="right")) - 1


def read_bars(history: PriceHistory, *, minor_units: int = 1) -> Bars:
    """Read a history into arrays, in major units of its currency."""
    close = _floats(history.close) / minor_units
    all_days = np.fromiter(map(date.toordinal, history.dates), dtype=np.int64, count=len(history.dates))
    usable = np.isfinite(close) & (close > 0.0)
    kept = np.flatnonzero(usable)
    days = all_days[kept]
    adjacent = np.zeros(len(kept), dtype=np.bool_)
    adjacent[1:] = (np.diff(kept) == 1) & (np.diff(days) <= LONGEST_CLOSURE_DAYS)
    paid = () if history.dividends_in_prices else tuple(item for item in history.dividends if item.amount > 0.0)
    return Bars(
        symbol=history.symbol,
        source=history.source,
        days=days,
        open=_floats(history.open)[kept] / minor_units,
        high=_floats(history.high)[kept] / minor_units,
        low=_floats(history.low)[kept] / minor_units,
        close=close[kept],
        volume=_floats(history.volume)[kept],
        payout=_payouts([(item.on, item.amount / minor_units) for item in paid], days),
        dividend_days=np.array(sorted(item.on.toordinal() for item in paid), dtype=np.int64),
        adjacent=adjacent,
        missing=all_days[~usable],
        dividends_in_prices=history.dividends_in_prices,
        minor_units=minor_units,
    )


def window_start(name: str, as_of: date) -> date:
    """The day a window begins on: `1w`, `1m` … `5y` before `as_of`, `ytd` the last day of the year before.

    A day that the month does not have becomes its last day.
    """
    if name == "ytd":
        return date(as_of.year - 1, 12, 31)
    if name == "1w":
        return as_of - timedelta(days=7)
    year, month = divmod(as_of.year * 12 + as_of.month - 1 - WINDOW_MONTHS[name], 12)
    return date(year, month + 1, min(as_of.day, calendar.monthrange(year, month + 1)[1]))


def find_window(bars: Bars, name: str, as_of: date) -> Window:
    """The window from the last bar on or before its calendar start to the last bar.

    Raises:
        Shortfall: the history begins later, has a hole there, or its end is too old.
    """
    require_current(bars, as_of)
    start = window_start(name, as_of)
    first = bars.at_or_before(start)
    if first < 0:
        raise Shortfall("insufficient_history", f"prices begin on {bars.day(0)}, after the start of the window on {start}")
    if start.toordinal() - int(bars.days[first]) > LONGEST_CLOSURE_DAYS:
        raise Shortfall(
            "insufficient_history", f"no close within {LONGEST_CLOSURE_DAYS} days before {start}: the last one before is of {bars.day(first)}"
        )
    return Window(name, first, len(bars) - 1)


def require_current(bars: Bars, as_of: date) -> None:
    """Make sure that there is a close and that the last is not older than any closure of an exchange.

    Raises:
        Shortfall: nothing can be said as of that day.
    """
    if not len(bars):
        raise Shortfall("insufficient_history", f"no close on or before {as_of}")
    age = as_of.toordinal() - int(bars.days[-1])
    if age > LONGEST_CLOSURE_DAYS:
        raise Shortfall("stale", f"the last close is of {bars.day(-1)}, {age} days before {as_of}")


def _floats(column: tuple[float | None, ...]) -> Floats:
    return np.array(column, dtype=np.float64)


def _payouts(paid: list[tuple[date, float]], days: Days) -> Floats:
    cash = np.zeros(len(days))
    for on, amount in paid:
        position = int(np.searchsorted(days, on.toordinal(), side="left"))
        if position < len(days):
            cash[position] += amount
    return cash
