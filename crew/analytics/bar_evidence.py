"""How figures made from many bars unfold to what was observed.

Two kinds of observed evidence stand under every price figure. A bar that a figure rests on by itself (the close a return
starts from, the low of the year) is entered as `price.close.2025-03-12`, located as `endpoint#close@2025-03-12`. Where
every bar of a window counts, the window is entered once as `series.close_1y`: the number of bars observed, located as
`endpoint#close@2025-03-12..2026-03-12`; `series.dividends_1y` counts the dividends in it. Benchmark bars are
`benchmark.close.…` and `series.benchmark_close_1y`.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple

import numpy as np

from crew.analytics.bars import Bars, Shortfall, Window, find_window, require_current
from crew.analytics.book import EvidenceBook
from crew.domain.evidence import Unit
from crew.domain.instrument import Instrument, QuoteType

SHARES_TRADED: frozenset[QuoteType] = frozenset({"equity", "etf", "fund"})
_PRICE_UNITS: dict[QuoteType, Unit] = {"crypto": "currency", "index": "index", "currency": "ratio"}


class Name(NamedTuple):
    """What a figure is called: its id and its label."""

    id: str
    label: str


class BarLedger:
    """Enters bars, windows and the figures made from them into a book. Every entry is dated by the last bar it rests on.

    Args:
        benchmark: the currency of the bars where they are the benchmark's; None where they are the instrument's own.

    Raises:
        ValueError: there are bars after the book's as-of day.
    """

    def __init__(self, book: EvidenceBook, bars: Bars, instrument: Instrument, *, benchmark: str | None = None) -> None:
        if len(bars) and bars.day(-1) > book.as_of:
            raise ValueError(f"{bars.symbol} has prices after {book.as_of}: cut the snapshot with known_at first")
        self.book = book
        self.bars = bars
        self.is_benchmark = benchmark is not None
        self.currency = benchmark or instrument.currency
        # A benchmark's level serves for its changes only.
        self.price_unit: Unit = "index" if self.is_benchmark else _PRICE_UNITS.get(instrument.quote_type, "currency_per_share")
        self.volume_unit: Unit = "shares" if instrument.quote_type in SHARES_TRADED else "count"
        self.periods_per_year = 365 if instrument.quote_type == "crypto" else 252

    @contextmanager
    def withholding(self, *names: Name) -> Iterator[None]:
        """Turn a `Shortfall` inside the block into a gap for each of `names` that is not in the book by then."""
        try:
            yield
        except Shortfall as short:
            for name in names:
                if not self.book.has(name.id):
                    self.book.gap(name.id, name.label, short.reason, short.detail)

    def window(self, name: str) -> Window:
        """The calendar window `name` that ends at the book's as-of day.

        Raises:
            Shortfall: the bars do not cover it.
        """
        return find_window(self.bars, name, self.book.as_of)

    def last_bars(self, count: int, *, before: int = 0) -> Window:
        """The last `count` bars, leaving out the last `before`; named `20d`, or `60d_before` with some left out.

        Raises:
            Shortfall: there are fewer, or the last is too old.
        """
        require_current(self.bars, self.book.as_of)
        end = len(self.bars) - before
        if end < count:
            raise Shortfall("insufficient_history", f"{len(self.bars)} bars, {count + before} needed")
        return Window(f"{count}d_before" if before else f"{count}d", end - count, end - 1)

    def bar(self, field: str, position: int, *, name: Name | None = None) -> str:
        """Enter one observed price of one bar, once, and return its id. `field` is a price column of Bars, `position` not negative."""
        day = self.bars.day(position)
        if name is None:
            if not self.is_benchmark and field == "close" and position == len(self.bars) - 1 and self.book.has("price.last"):
                return "price.last"
            prefix, whose = ("benchmark", f"{self.bars.symbol}: ") if self.is_benchmark else ("price", "")
            name = Name(f"{prefix}.{field}.{day}", f"{whose}{field.capitalize()} on {day}")
        if not self.book.has(name.id):
            scaled = f" ÷ {self.bars.minor_units}" if self.bars.minor_units != 1 else ""
            value = float(getattr(self.bars, field)[position])
            located = f"{field}@{day}{scaled}"
            self.book.observe(name.id, name.label, value, self.price_unit, source=self.bars.source, field=located, as_of=day, currency=self.currency)
        return name.id

    def last_close(self) -> str:
        """The id of the last close, `price.last` where that is in the book."""
        return self.bar("close", len(self.bars) - 1)

    def span(self, columns: str, window: Window) -> str:
        """Enter the observed bars of a window, once, and return the id.

        `columns` joins column names with commas; the value counts the bars that have all of them.
        """
        names = columns.split(",")
        complete = np.ones(window.last + 1 - window.first, dtype=np.bool_)
        for name in names:
            complete &= np.isfinite(getattr(self.bars, name)[window.first : window.last + 1])
        subject = "bars" if len(names) > 1 else names[0]
        return self._observe_span(subject, f"Days with {' and '.join(names)}", columns, int(complete.sum()), window)

    def total_return_span(self, window: Window) -> tuple[str, ...]:
        """Enter what a total return over the window rests on: its closes, and its dividends unless the closes hold them already."""
        closes = self.span("close", window)
        if self.bars.dividends_in_prices:
            return (closes,)
        after, until = self.bars.days[window.first], self.bars.days[window.last]
        count = int(((self.bars.dividend_days > after) & (self.bars.dividend_days <= until)).sum())
        return (closes, self._observe_span("dividends", "Dividends after the first day", "dividends", count, window))

    def figure(
        self,
        name: Name,
        value: float,
        unit: Unit,
        *,
        formula: str,
        inputs: Sequence[str],
        period: str = "spot",
        undefined: str = "the formula divides by zero",
    ) -> None:
        """Enter a derived number; a value that is not finite becomes a gap with `undefined` as its detail."""
        if not math.isfinite(value):
            self.book.gap(name.id, name.label, "not_applicable", undefined)
            return
        self.book.derive(
            name.id, name.label, value, unit, formula=formula, inputs=inputs, period=period, as_of=self._last_day, currency=self.currency
        )

    def day_figure(self, name: Name, position: int, *, formula: str, inputs: Sequence[str], period: str = "spot") -> None:
        """Enter the date of the bar at `position`."""
        day = self.bars.day(position).isoformat()
        self.book.derive(name.id, name.label, day, "date", formula=formula, inputs=inputs, period=period, as_of=self._last_day)

    def require(self, id: str) -> float:
        """The number under `id`.

        Raises:
            Shortfall: it is missing; for the reason it is missing.
        """
        number = self.book.number(id)
        if number is not None:
            return number
        gap = next((item for item in self.book.gaps if item.id == id), None)
        raise Shortfall(gap.reason if gap else "not_reported", f"needs {id}" + (f": {gap.detail}" if gap else ""))

    @property
    def _last_day(self) -> date:
        return self.bars.day(-1)

    def _observe_span(self, subject: str, what: str, columns: str, count: int, window: Window) -> str:
        name = f"series.{'benchmark_' if self.is_benchmark else ''}{subject}_{window.name}"
        if not self.book.has(name):
            first, last = self.bars.day(window.first), self.bars.day(window.last)
            whose = f"{self.bars.symbol}: " if self.is_benchmark else ""
            adjusted = "; the source has taken dividends out of past prices" if self.bars.dividends_in_prices else ""
            label = f"{whose}{what}, {first} to {last}{adjusted}"
            located = f"{columns}@{first}..{last}"
            self.book.observe(name, label, count, "count", source=self.bars.source, field=located, period=window.name, as_of=last)
        return name
