"""Ratios of the statements by period, and growth over several years."""

import math
from collections.abc import Iterable
from itertools import pairwise

from crew.analytics.figures import Figures, Undefined
from crew.analytics.lines import LINES
from crew.analytics.periods import TTM, Column
from crew.analytics.quality_table import QUALITY_RATIOS
from crew.analytics.ratio_table import RATIOS, Ratio
from crew.analytics.share_counts import disagreement
from crew.analytics.statements import Reported

_NOT_FOR_BANKS = "says nothing about a bank or insurer"
# What companies without such an item leave out, and what is made from it.
_OPTIONAL = frozenset(line.id for line in LINES if line.optional) | {"balance.tangible_equity"}
_COMPOUND = (("revenue", "Revenue", "income.revenue"), ("eps", "Diluted EPS", "income.eps_diluted"), ("fcf", "Free cash flow", "cashflow.free"))


def enter_ratios(figures: Figures, reported: Reported) -> None:
    """Enter `margin.*`, `growth.*`, `returns.*`, `leverage.*`, `liquidity.*`, `quality.*`, `shares.change_yoy.*` and `per_share.*`."""
    enter_by_period(figures, reported, (*RATIOS, *QUALITY_RATIOS))
    for name, label, figure in _COMPOUND:
        _enter_compound_growth(figures, reported, name, label, figure)


def enter_by_period(figures: Figures, reported: Reported, ratios: Iterable[Ratio]) -> None:
    """Enter each of `ratios` for the periods that it is made for."""
    for ratio in ratios:
        for column in reported.columns:
            if column.frequency in ratio.on:
                _enter(figures, reported, ratio, column)


def _enter(figures: Figures, reported: Reported, ratio: Ratio, column: Column) -> None:
    key, label = f"{ratio.id}.{column.label}", f"{ratio.label} {column.label}"
    newest = column.label == TTM or column in (reported.annual[:1] + reported.quarterly[:1])
    if reported.is_financial and not ratio.banks:
        if newest:
            figures.book.gap(key, label, "not_applicable", _NOT_FOR_BANKS)
        return
    inputs = [_resolve(name, column) for name in ratio.inputs]
    if None in inputs:
        growth_only = all("@prior" in name for name, found in zip(ratio.inputs, inputs, strict=True) if found is None)
        if newest and not (column.label == TTM and growth_only):
            figures.book.gap(key, label, "insufficient_history", f"no statement a year before {column.label}")
        return
    known = [name for name in inputs if name is not None]
    if ratio.id == "shares.change_yoy" and column.prior and (why := disagreement(figures.book, column.label, column.prior)):
        figures.book.gap(key, label, "vendor_error", why)
        return
    if any(name.rpartition(".")[0] in _OPTIONAL and not figures.book.has(name) for name in known):
        return
    figures.derive(
        key,
        label,
        ratio.unit,
        ratio.compute,
        known,
        formula=ratio.formula,
        period=column.label,
        as_of=column.end,
        currency=reported.currency,
    )


def _resolve(name: str, column: Column) -> str | None:
    base, _, which = name.partition("@")
    label = {"": column.label, "prior": column.prior, "closing": column.closing, "opening": column.opening}[which]
    return f"{base}.{label}" if label else None


def _enter_compound_growth(figures: Figures, reported: Reported, name: str, label: str, figure: str) -> None:
    key, title = f"growth.{name}_cagr_3y", f"{label} growth per year over three years"
    if reported.is_financial and figure == "cashflow.free":
        figures.book.gap(key, title, "not_applicable", _NOT_FOR_BANKS)
        return
    years = reported.annual[:4]
    if len(years) < 4 or any(later.prior != earlier.label for later, earlier in pairwise(years)):
        figures.book.gap(key, title, "insufficient_history", "four consecutive fiscal years are not known")
        return
    figures.derive(
        key,
        title,
        "percent",
        _compound,
        (f"{figure}.{years[0].label}", f"{figure}.{years[3].label}"),
        formula=f"100 × (({label.lower()} ÷ {label.lower()} three fiscal years before) ^ (1 ÷ 3) − 1); both must be positive",
        period="3y",
        as_of=years[0].end,
    )


def _compound(now: float, before: float) -> float:
    if now <= 0 or before <= 0:
        raise Undefined("growth between figures that are zero or negative has no meaning")
    return 100 * (math.pow(now / before, 1 / 3) - 1)
