"""Putting prices, dividends, targets and statement lines into the share basis of an earlier day.

Sources restate the past for every split: after a 10-for-1 split, old prices and earnings per share are divided by ten and old
share counts multiplied. In the basis of a day before that split, they stand as people saw them then.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from math import prod

from crew.domain.market import Dividend, KeyStatistic, PriceHistory, Split
from crew.market.line_items import is_per_share, is_share_count

CENT_DIGITS = 2
# What earnings per share are the quotient of: profit (the first of these that is stated), average shares.
_EARNINGS = {
    "diluted_eps": (("diluted_ni_availto_com_stockholders", "net_income_common_stockholders"), "diluted_average_shares"),
    "basic_eps": (("net_income_common_stockholders",), "basic_average_shares"),
}


def level_factor(splits: Iterable[Split], *, basis: date, day: date) -> float:
    """What a price level in the share basis of `basis` is multiplied by to stand in that of `day`; share counts are divided by it."""
    known = tuple(splits)
    undone = prod(split.ratio for split in known if day < split.on <= basis)
    applied = prod(split.ratio for split in known if basis < split.on <= day)
    return undone / applied


def scaled(values: Iterable[float | None], factor: float) -> tuple[float | None, ...]:
    """The values times `factor`, missing ones left missing."""
    return tuple(values) if factor == 1 else tuple(None if value is None else value * factor for value in values)


def rebased_history(history: PriceHistory, day: date) -> PriceHistory:
    """The history with levels, volume and dividends in the share basis of `day`. Bars and events are all kept."""
    factor = level_factor(history.splits, basis=history.basis, day=day)
    if factor == 1:
        return history.model_copy(update={"basis": day})
    columns = {name: scaled(getattr(history, name), factor) for name in ("open", "high", "low", "close")}
    return history.model_copy(
        update={
            **columns,
            "basis": day,
            "volume": scaled(history.volume, 1 / factor),
            "dividends": tuple(Dividend(on=one.on, amount=one.amount * factor) for one in history.dividends),
        }
    )


def rebased_lines(lines: Mapping[str, float], factor: float) -> dict[str, float]:
    """Statement lines with per-share amounts times `factor` and share counts divided by it.

    Restated earnings per share are rounded to the cent, so that undoing a 10-for-1 split alone would leave an error of up to
    five cents. Where profit ÷ average shares lies within that rounding, it is taken instead, to the cent as companies report it.
    """
    if factor == 1:
        return dict(lines)
    moved = {name: _moved(name, value, factor) for name, value in lines.items()}
    for name, (profits, shares) in _EARNINGS.items():
        profit = next((lines[candidate] for candidate in profits if candidate in lines), None)
        if name in lines and lines[name] == round(lines[name], CENT_DIGITS) and profit is not None and lines.get(shares, 0) > 0:
            exact = profit / moved[shares]
            if abs(exact - moved[name]) <= 0.5 * 10**-CENT_DIGITS * (factor + 1):
                moved[name] = round(exact, CENT_DIGITS)
    return moved


def rebased_statistics(statistics: Iterable[KeyStatistic], factor: float) -> tuple[KeyStatistic, ...]:
    """Key statistics with share counts divided by `factor` and amounts per share multiplied by it."""
    times = {"shares": 1 / factor, "currency_per_share": factor}
    return tuple(one.model_copy(update={"value": one.value * times[one.unit]}) if one.unit in times else one for one in statistics)


def _moved(name: str, value: float, factor: float) -> float:
    if is_per_share(name):
        return value * factor
    return value / factor if is_share_count(name) else value
