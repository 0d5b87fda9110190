"""Warnings about the quality of earnings, and about figures on which code and source disagree."""

from collections.abc import Iterator

from crew.analytics.book import EvidenceBook
from crew.analytics.figures import Figures
from crew.analytics.listing import IMPLIED, LISTED_UNIT
from crew.analytics.statements import Reported
from crew.domain.factsheet import QualityFlag

# Figure of a fiscal year, the value above which it warns, and the warning.
_SIGNS = (
    ("quality.accruals", 10.0, "earnings_accruals", "profit runs ahead of cash: accruals exceed a tenth of assets"),
    ("quality.receivables_over_revenue", 15.0, "earnings_receivables", "receivables grow much faster than revenue"),
    ("shares.change_yoy", 3.0, "earnings_dilution", "the share count grows by more than three percent a year"),
)
_SHARES_APART = 0.2
_COUNT = "quality.red_flags"

# What the source states, the figure computed here, how the first becomes the second's unit, and how far apart they may be.
_STATED = (("stat.payout_ratio", "quality.dividend_payout.TTM", 100.0, 10.0),)


def enter_red_flags(figures: Figures, reported: Reported) -> None:
    """Enter `quality.red_flags.FY2025` and so on: how many of the signs of poor earnings a fiscal year shows."""
    for column in reported.annual:
        known = [(f"{figure}.{column.label}", limit) for figure, limit, _, _ in _SIGNS if figures.book.has(f"{figure}.{column.label}")]
        if not known:
            continue
        limits = [limit for _, limit in known]
        figures.derive(
            f"{_COUNT}.{column.label}",
            f"Warning signs in the earnings {column.label}",
            "count",
            lambda *values, limits=limits: float(sum(value > limit for value, limit in zip(values, limits, strict=True))),
            [name for name, _ in known],
            formula="how many hold of those known: accruals above 10 %, receivables 15 points faster than revenue, share count up by more than 3 %",
            period=column.label,
            as_of=column.end,
        )


def earnings_flags(book: EvidenceBook, reported: Reported) -> Iterator[QualityFlag]:
    """The signs that the newest fiscal year shows."""
    for figure, limit, code, message in _SIGNS:
        name = f"{figure}.{reported.annual[0].label}" if reported.annual else figure
        value = book.number(name)
        if value is not None and value > limit:
            yield QualityFlag(code=code, severity="info", message=message, evidence=(name,))


def conflict_flags(book: EvidenceBook, reported: Reported) -> Iterator[QualityFlag]:
    """Figures that the source states otherwise than they follow from its own statements."""
    newest = f"shares.diluted.{reported.newest.label}" if reported.newest else ""
    shares, implied = book.number(newest), book.number(IMPLIED)
    if shares is not None and implied and not book.has(LISTED_UNIT) and abs(shares / implied - 1) > _SHARES_APART:
        message = "the source's count of shares differs by more than a fifth from the newest diluted average"
        yield QualityFlag(code="source_conflict", severity="warning", message=message, evidence=(IMPLIED, newest))
    for stated, computed, factor, tolerance in _STATED:
        theirs, ours = book.number(stated), book.number(computed)
        if theirs is not None and ours is not None and abs(theirs * factor - ours) > tolerance:
            message = f"the source states {stated} otherwise than it follows from its statements"
            yield QualityFlag(code="source_conflict", severity="warning", message=message, evidence=(stated, computed))
