"""The periods a company reported on, how they are named, and which of them make up the last twelve months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from crew.analytics.lines import ANCHORS
from crew.domain.market import Frequency, Statement, StatementKind

MAX_YEARS = 10
MAX_QUARTERS = 9
_QUARTER_DAYS = range(75, 112)
YEAR_DAYS = range(350, 381)

TTM = "TTM"
PRIOR_TTM = "TTM-1Y"


@dataclass(frozen=True)
class Column:
    """One period. `prior` is the same period a year before, `closing` and `opening` the balance sheets at its end and a year
    before that; each is a label, or None where there is no such statement.
    """

    label: str
    end: date
    frequency: Frequency
    prior: str | None
    closing: str | None
    opening: str | None


class StatementSet:
    """The usable statements of one company in one currency, by kind, frequency and period end.

    Attributes:
        currency: ISO code of the newest statement; statements in another currency are left out.
        fragments: statements left out because they carry none of the lines that make one.
        foreign: statements left out because of their currency.
        clashes: statements left out because a newer one bears the same label.
    """

    def __init__(self, statements: Sequence[Statement]) -> None:
        ordered = sorted(statements, key=lambda item: (item.period_end, item.filed or date.max), reverse=True)
        self.currency = ordered[0].currency if ordered else None
        self.fragments: list[Statement] = []
        self.foreign: list[Statement] = []
        self.clashes: list[Statement] = []
        self._by_label: dict[tuple[StatementKind, str], Statement] = {}
        self._ends: dict[str, date] = {}
        for item in ordered:
            self._place(item)

    def find(self, kind: StatementKind, label: str) -> Statement | None:
        """The statement of that kind under that label."""
        return self._by_label.get((kind, label))

    def ends(self, frequency: Frequency) -> list[date]:
        """Period ends of that frequency, newest first."""
        found = {item.period_end for item in self._by_label.values() if item.frequency == frequency}
        return sorted(found, reverse=True)[: MAX_YEARS if frequency == "annual" else MAX_QUARTERS]

    def columns(self, frequency: Frequency) -> tuple[Column, ...]:
        """The periods of that frequency, newest first."""
        ends = self.ends(frequency)
        found = []
        for end in ends:
            label = label_of(frequency, end)
            before = next((other for other in ends if (end - other).days in YEAR_DAYS), None)
            prior = label_of(frequency, before) if before else None
            found.append(
                Column(
                    label,
                    end,
                    frequency,
                    prior,
                    label if self.find("balance", label) else None,
                    prior if prior and self.find("balance", prior) else None,
                )
            )
        return tuple(found)

    def quarters_up_to(self, end: date, kind: StatementKind) -> tuple[str, ...]:
        """Labels of four consecutive quarters of that kind, the newest ending on `end`; empty when they are not all known."""
        known = [day for day in self.ends("quarterly") if day <= end and self.find(kind, label_of("quarterly", day))][:4]
        gaps = [(later - earlier).days for later, earlier in pairwise(known)]
        if len(known) < 4 or known[0] != end or any(days not in _QUARTER_DAYS for days in gaps):
            return ()
        return tuple(label_of("quarterly", day) for day in known)

    def balance_at(self, end: date) -> str | None:
        """Label of the balance sheet at `end`: the quarter's, else the fiscal year's."""
        labels = (label_of("quarterly", end), label_of("annual", end))
        return next((label for label in labels if (found := self.find("balance", label)) and found.period_end == end), None)

    def balance_a_year_before(self, end: date) -> str | None:
        """Label of the balance sheet a year before `end`."""
        known = (*self.ends("quarterly"), *self.ends("annual"))
        return next((label for day in known if (end - day).days in YEAR_DAYS and (label := self.balance_at(day))), None)

    @property
    def newest_balance(self) -> str | None:
        """Label of the newest balance sheet."""
        days = sorted({*self.ends("quarterly"), *self.ends("annual")}, reverse=True)
        return next((label for day in days if (label := self.balance_at(day))), None)

    def twelve_months(self) -> Column | None:
        """The twelve months up to the newest income statement, or None when there is none."""
        days = [item.period_end for item in self._by_label.values() if item.kind == "income"]
        if not days:
            return None
        end = max(days)
        before = next((day for day in self.ends("quarterly") if (end - day).days in YEAR_DAYS), None)
        prior = PRIOR_TTM if before and self.quarters_up_to(before, "income") else None
        return Column(TTM, end, "ttm", prior, self.balance_at(end), self.balance_a_year_before(end))

    def _place(self, item: Statement) -> None:
        label = label_of(item.frequency, item.period_end)
        known = self._by_label.get((item.kind, label))
        if not any(name in item.lines for name in ANCHORS[item.kind]):
            self.fragments.append(item)
        elif item.currency != self.currency:
            self.foreign.append(item)
        elif known is None:
            self._by_label[item.kind, label] = item
        elif known.period_end != item.period_end:
            self.clashes.append(item)


def label_of(frequency: Frequency, end: date) -> str:
    """FY2025 for a fiscal year, Q3-2025 for the calendar quarter a quarter ends in, TTM for twelve months."""
    if frequency == "annual":
        return f"FY{end.year}"
    return TTM if frequency == "ttm" else f"Q{(end.month + 2) // 3}-{end.year}"
