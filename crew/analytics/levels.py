"""Support and resistance: the swing lows and highs of the last six months nearest to the price."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from crew.analytics.bar_evidence import BarLedger, Name
from crew.analytics.bars import Shortfall, Window

SIDE_BARS = 5


def swing_positions(values: NDArray[np.float64], side: int = SIDE_BARS) -> NDArray[np.int64]:
    """Positions whose value is the highest among the `side` values before and after it, the first of equals. Negate for lows.

    A value with a missing neighbour is no swing, nor is one that has fewer than `side` values after it.
    """
    if len(values) < 2 * side + 1:
        return np.empty(0, dtype=np.int64)
    windows = sliding_window_view(values, 2 * side + 1)
    complete = np.isfinite(windows).all(axis=1)
    return np.flatnonzero(complete & (windows.argmax(axis=1) == side)) + side


def enter_levels(ledger: BarLedger, first: int, suffix: str) -> None:
    """Enter the nearest swing low below and swing high above the last price. `first` is the first bar that may count."""
    for column, name in (("low", Name("technical.support", f"Support{suffix}")), ("high", Name("technical.resistance", f"Resistance{suffix}"))):
        with ledger.withholding(name):
            window = ledger.window("6m")
            _enter_level(ledger, name, column, Window("6m", max(first, window.first), window.last))


def _enter_level(ledger: BarLedger, name: Name, column: str, window: Window) -> None:
    if not np.isfinite(getattr(ledger.bars, column)[window.first :]).any():
        raise Shortfall("not_reported", f"the source states no daily {column}s")
    sign = 1.0 if column == "high" else -1.0
    values = sign * getattr(ledger.bars, column)[window.first : window.last + 1]
    swings = swing_positions(values)
    beyond = swings[values[swings] > sign * float(ledger.bars.close[-1])]
    order, side = ("lowest", "above") if column == "high" else ("highest", "below")
    if not len(beyond):
        raise Shortfall("not_applicable", f"no swing {column} of the last six months lies {side} the last price")
    position = window.first + int(beyond[values[beyond].argmin()])
    inputs = (ledger.bar(column, position), ledger.span(column, window), ledger.last_close())
    extreme = "highest" if column == "high" else "lowest"
    formula = (
        f"{order} swing {column} {side} the last price; a swing {column} is the {extreme} of itself and the {SIDE_BARS} bars before and after it"
    )
    ledger.figure(name, float(getattr(ledger.bars, column)[position]), ledger.price_unit, formula=formula, inputs=inputs, period="6m")
