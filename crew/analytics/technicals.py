"""Technical evidence: averages, momentum, bands, trend strength, support and resistance at the last bar.

Indicators run over the bars since the last break, a stretch of more than 30 calendar days without a close; those that need
highs and lows leave out bars without them. Where the source has taken dividends out of past prices, the labels say so.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crew.analytics import indicators
from crew.analytics.bar_evidence import BarLedger, Name
from crew.analytics.bars import Bars, Shortfall, Window, read_bars, require_current
from crew.analytics.book import EvidenceBook
from crew.analytics.levels import enter_levels
from crew.domain.evidence import Unit
from crew.domain.market import MarketSnapshot

BREAK_DAYS = 30

_WIDE = "high,low,close"
_SEEDED = "Wilder's average over 14 days, seeded with the mean of the first 14,"
_STILL = "the price did not move"


class _Basis(NamedTuple):
    """What an indicator rests on: its columns, the bars it needs, and how many of the last bars count (0: all since the break)."""

    columns: str
    needed: int
    span: int = 0


def enter_technicals(book: EvidenceBook, snapshot: MarketSnapshot) -> None:
    """Enter all `technical.*` evidence of a snapshot already cut to the book's as-of day.

    The last close is cited as `price.last` when `enter_prices` came first.
    """
    bars = read_bars(snapshot.prices, minor_units=snapshot.instrument.minor_units)
    study = _Study(BarLedger(book, bars, snapshot.instrument))
    study.enter_averages()
    study.enter_momentum()
    study.enter_bands()
    study.enter_positions()
    enter_levels(study.ledger, study.first, study.suffix)


def first_after_break(bars: Bars) -> int:
    """Position of the first bar after the last stretch of more than 30 calendar days without a close."""
    breaks = np.flatnonzero(np.diff(bars.days) > BREAK_DAYS)
    return int(breaks[-1]) + 1 if len(breaks) else 0


class _Study:
    """The indicators of one ledger, each entered with the bars it rests on."""

    def __init__(self, ledger: BarLedger) -> None:
        self.ledger = ledger
        self.first = first_after_break(ledger.bars)
        self.suffix = " (on prices less later dividends)" if ledger.bars.dividends_in_prices else ""
        bars = ledger.bars
        since = np.arange(self.first, len(bars))
        whole = since[np.isfinite(bars.high[since]) & np.isfinite(bars.low[since])]
        self.positions = {"close": since, _WIDE: whole}
        self.close = bars.close[since]
        self.ranges = (bars.high[whole], bars.low[whole], bars.close[whole])

    def enter_averages(self) -> None:
        """Enter the simple and exponential moving averages."""
        for days in (20, 50, 200):
            values = indicators.sma(self.close[-days:], days)
            formula = f"mean of the last {days} closes"
            self._enter(f"technical.sma_{days}", f"{days}-day average", values, _Basis("close", days, days), formula=formula)
        for days in (12, 26):
            formula = f"exponential average of the closes, weight 2 ÷ {days + 1}, seeded with the mean of the first {days}"
            values = indicators.ema(self.close, days)
            self._enter(f"technical.ema_{days}", f"{days}-day exponential average", values, _Basis("close", days), formula=formula)

    def enter_momentum(self) -> None:
        """Enter RSI, MACD and the stochastic oscillator."""
        formula = f"100 × average gain ÷ (average gain + average loss), each {_SEEDED} of the changes of the close"
        self._enter("technical.rsi_14", "RSI, 14 days", indicators.rsi(self.close), _Basis("close", 15), formula=formula, unit="points")
        macd = indicators.macd(self.close)
        formula = "12-day − 26-day exponential average, each seeded with the mean of its first closes"
        self._enter("technical.macd", "MACD", macd.line, _Basis("close", 26), formula=formula)
        formula = "9-day exponential average of MACD, seeded with the mean of its first 9"
        self._enter("technical.macd_signal", "MACD signal", macd.signal, _Basis("close", 34), formula=formula)
        self._enter("technical.macd_histogram", "MACD histogram", macd.histogram, _Basis("close", 34), formula="MACD − MACD signal")
        slow = indicators.stochastic(*self.ranges)
        formula = "3-day mean of 100 × (close − lowest low) ÷ (highest high − lowest low), lows and highs of 14 days"
        self._enter("technical.stochastic_k", "Stochastic %K", slow.k, _Basis(_WIDE, 16, 16), formula=formula, unit="points")
        formula = f"3-day mean of %K, and %K is the {formula}"
        self._enter("technical.stochastic_d", "Stochastic %D", slow.d, _Basis(_WIDE, 18, 18), formula=formula, unit="points")

    def enter_bands(self) -> None:
        """Enter ATR, Bollinger bands and ADX."""
        name = Name("technical.atr_percent", f"Average true range as share of the price{self.suffix}")
        values = indicators.atr(*self.ranges)
        formula = f"{_SEEDED} of the true range: largest of high − low, |high − close before| and |low − close before|"
        self._enter("technical.atr_14", "Average true range, 14 days", values, _Basis(_WIDE, 15), formula=formula)
        with self.ledger.withholding(name):
            self._require_bars(1)
            last = self.ledger.last_close()
            share = self.ledger.require("technical.atr_14") / self.ledger.require(last) * 100
            self.ledger.figure(name, share, "percent", formula="ATR ÷ last close × 100", inputs=("technical.atr_14", last))
        bands = indicators.bollinger(self.close[-20:])
        texts = ("mean + 2 × population standard deviation", "mean", "mean − 2 × population standard deviation")
        for side, values, formula in zip(("upper", "middle", "lower"), bands, texts, strict=True):
            label = f"{side.capitalize()} Bollinger band, 20 days"
            self._enter(f"technical.bollinger_{side}", label, values, _Basis("close", 20, 20), formula=f"{formula} of the last 20 closes")
        strength = indicators.adx(*self.ranges).adx
        formula = f"{_SEEDED} of 100 × |+DI − −DI| ÷ (+DI + −DI); ±DI is the average directional movement ÷ the average true range"
        self._enter("technical.adx_14", "ADX trend strength, 14 days", strength, _Basis(_WIDE, 28), formula=formula, unit="points")

    def enter_positions(self) -> None:
        """Enter where the price stands against its averages, and the averages against each other."""
        for days in (50, 200):
            name = Name(f"technical.price_vs_sma_{days}", f"Price against its {days}-day average{self.suffix}")
            with self.ledger.withholding(name):
                self._require_bars(1)
                self._enter_ratio(name, self.ledger.last_close(), f"technical.sma_{days}")
        name = Name("technical.sma_50_vs_200", f"50-day against 200-day average{self.suffix}")
        with self.ledger.withholding(name):
            self._enter_ratio(name, "technical.sma_50", "technical.sma_200")

    def _enter_ratio(self, name: Name, top: str, bottom: str) -> None:
        value = (self.ledger.require(top) / self.ledger.require(bottom) - 1) * 100
        self.ledger.figure(name, value, "percent", formula=f"({top} ÷ {bottom} − 1) × 100", inputs=(top, bottom))

    def _require_bars(self, needed: int, columns: str = "close") -> NDArray[np.int64]:
        """The positions of the bars since the break that have `columns`.

        Raises:
            Shortfall: there are fewer than `needed`, the last bar is not among them, or it is stale.
        """
        bars = self.ledger.bars
        require_current(bars, self.ledger.book.as_of)
        found, all_of_them = self.positions[columns], self.positions["close"]
        if len(all_of_them) < needed:
            raise Shortfall("insufficient_history", f"{len(all_of_them)} bars since {bars.day(self.first)}, {needed} needed")
        if len(found) < needed or found[-1] != len(bars) - 1:
            raise Shortfall(
                "not_reported", f"{len(found)} of {len(all_of_them)} bars have a high and a low, {needed} with the last bar among them are needed"
            )
        return found

    def _enter(self, id: str, label: str, values: NDArray[np.float64], basis: _Basis, *, formula: str, unit: Unit | None = None) -> None:
        """Enter the last of `values`, in the unit of the price unless another is given."""
        name = Name(id, label + self.suffix)
        with self.ledger.withholding(name):
            found = self._require_bars(basis.needed, basis.columns)
            window = Window(f"{basis.span}d" if basis.span else "history", int(found[-basis.span]), int(found[-1]))
            inputs = (self.ledger.span(basis.columns, window),)
            period = window.name if basis.span else "spot"
            self.ledger.figure(
                name, float(values[-1]), unit or self.ledger.price_unit, formula=formula, inputs=inputs, period=period, undefined=_STILL
            )
