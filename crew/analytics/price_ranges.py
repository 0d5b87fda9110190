"""Where the price lies in its 52-week range, how much is traded, and how complete the history is."""

import numpy as np

from crew.analytics.bar_evidence import BarLedger, Name
from crew.analytics.bars import Shortfall, Window, window_start

VOLUME_DAYS = 20
VOLUME_BASE_DAYS = 60

_VOLUME = Name("price.volume_avg_20d", "Average daily volume, 20 days")
_TURNOVER = Name("price.turnover_avg_20d", "Average daily turnover, 20 days")
_TREND = Name("price.volume_trend", "Volume trend, 20 days against the 60 before")
_MISSING = Name("price.missing_closes_1y", "Days without a close, 1 year")
_LONGEST = Name("price.longest_gap_1y", "Longest time between two closes, 1 year")


def enter_range(ledger: BarLedger, *, unknowable: str | None = None) -> None:
    """Enter the 52-week high and low with their days and the last price's distance from each; `unknowable` says why they cannot be known."""
    for column, word in (("high", "highest"), ("low", "lowest")):
        level = Name(f"price.{column}_52w", f"52-week {column}")
        day = Name(f"price.{column}_52w_date", f"Day of the 52-week {column}")
        distance = Name(f"price.from_{column}_52w", f"Distance from the 52-week {column}")
        with ledger.withholding(level, day, distance):
            position, inputs = _find_extreme(ledger, column, unknowable)
            value = float(getattr(ledger.bars, column)[position])
            formula = f"{word} daily {column} after the same day one year ago"
            ledger.figure(level, value, ledger.price_unit, formula=formula, inputs=inputs, period="1y")
            ledger.day_figure(day, position, formula=f"day of the {word} daily {column}", inputs=(level.id, *inputs), period="1y")
            percent = (float(ledger.bars.close[-1]) / value - 1) * 100
            formula = f"(last price ÷ 52-week {column} − 1) × 100"
            ledger.figure(distance, percent, "percent", formula=formula, inputs=("price.last", level.id), period="1y")


def _find_extreme(ledger: BarLedger, column: str, unknowable: str | None) -> tuple[int, tuple[str, ...]]:
    """Position of the bar with the extreme, and the evidence that shows it."""
    window = ledger.window("1y")
    if unknowable:
        raise Shortfall("not_applicable", unknowable)
    first = int(np.searchsorted(ledger.bars.days, window_start("1y", ledger.book.as_of).toordinal(), side="right"))
    values = getattr(ledger.bars, column)[first:]
    if not np.isfinite(values).any():
        raise Shortfall("not_reported", f"the source states no daily {column}s")
    position = first + int(np.nanargmax(values) if column == "high" else np.nanargmin(values))
    return position, (ledger.bar(column, position), ledger.span(column, Window("52w", first, window.last)))


def enter_volume(ledger: BarLedger) -> None:
    """Enter the average volume and turnover of the last 20 bars and how that compares with the 60 bars before."""
    with ledger.withholding(_VOLUME, _TURNOVER, _TREND):
        recent = ledger.last_bars(VOLUME_DAYS)
        volume = _stated_volume(ledger, recent)
        span = ledger.span("volume", recent)
        formula = "mean of the volumes stated for the last 20 bars"
        now = float(np.nanmean(volume))
        ledger.figure(_VOLUME, now, ledger.volume_unit, formula=formula, inputs=(span,), period="20d")
        _enter_turnover(ledger, recent, span)
        before = ledger.last_bars(VOLUME_BASE_DAYS, before=VOLUME_DAYS)
        base = float(np.nanmean(_stated_volume(ledger, before)))
        ledger.figure(
            _TREND,
            (now / base - 1) * 100 if base > 0.0 else float("nan"),
            "percent",
            formula="(average volume of the last 20 bars ÷ mean of the volumes stated for the 60 bars before − 1) × 100",
            inputs=(_VOLUME.id, ledger.span("volume", before)),
            period="80d",
            undefined="nothing was traded in the 60 bars before",
        )


def _enter_turnover(ledger: BarLedger, recent: Window, volume_span: str) -> None:
    with ledger.withholding(_TURNOVER):
        if ledger.volume_unit != "shares":
            raise Shortfall("not_applicable", "the volume of this kind of instrument is not counted in shares")
        values = (ledger.bars.volume * ledger.bars.close)[recent.first : recent.last + 1]
        inputs = (volume_span, ledger.span("close", recent))
        formula = "mean of volume × close over the last 20 bars that state a volume"
        ledger.figure(_TURNOVER, float(np.nanmean(values)), "currency", formula=formula, inputs=inputs, period="20d")


def _stated_volume(ledger: BarLedger, window: Window) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    volume = ledger.bars.volume[window.first : window.last + 1]
    stated = int(np.isfinite(volume).sum())
    if stated * 4 < len(volume) * 3:
        raise Shortfall("not_reported", f"the source states the volume of {stated} of {len(volume)} bars, three in four are needed")
    return volume


def enter_continuity(ledger: BarLedger) -> None:
    """Enter how many bars of the last year have no close and the longest stretch of days between two closes."""
    with ledger.withholding(_MISSING, _LONGEST):
        window = ledger.window("1y")
        days = ledger.bars.days[window.first :]
        inputs = (ledger.span("close", window),)
        without = int((ledger.bars.missing > days[0]).sum())
        ledger.figure(_MISSING, without, "count", formula="bars of the source in the window that have no close", inputs=inputs, period="1y")
        longest = int(np.diff(days).max(initial=0))
        ledger.figure(_LONGEST, longest, "days", formula="most calendar days between two successive closes", inputs=inputs, period="1y")
