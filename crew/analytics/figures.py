"""Entering derived figures so that a missing or meaningless input becomes a named gap, never a default."""

from collections.abc import Callable, Sequence
from datetime import date

from crew.analytics.book import EvidenceBook
from crew.domain.evidence import Gap, GapReason, Unit


class Undefined(Exception):
    """A formula has no meaningful answer for these inputs; becomes a gap."""

    def __init__(self, detail: str, reason: GapReason = "not_applicable") -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason: GapReason = reason


class Figures:
    """Derives figures into a book and remembers why any is missing, so that causes are passed on."""

    def __init__(self, book: EvidenceBook) -> None:
        self.book = book

    def derive(
        self,
        id: str,
        label: str,
        unit: Unit,
        compute: Callable[..., float],
        inputs: Sequence[str],
        *,
        formula: str,
        period: str = "spot",
        as_of: date | None = None,
        currency: str | None = None,
        cite: Sequence[str] = (),
    ) -> float | None:
        """Enter `compute(*numbers of inputs)` under `id`, or a gap when an input is missing or the answer is `Undefined`.

        `cite` are further inputs that the formula rests on without being an argument.
        """
        values: list[float] = []
        for name in inputs:
            number = self.book.number(name)
            if number is None:
                self.miss(id, label, name)
                return None
            values.append(number)
        try:
            value = compute(*values)
        except Undefined as undefined:
            self.book.gap(id, label, undefined.reason, undefined.detail)
            return None
        unique = tuple(dict.fromkeys((*inputs, *cite)))
        self.book.derive(id, label, value, unit, formula=formula, inputs=unique, period=period, as_of=as_of, currency=currency)
        return value

    def miss(self, id: str, label: str, cause: str) -> None:
        """Enter a gap that passes on why `cause` is missing."""
        gap = self.gap_of(cause)
        if gap is None:
            self.book.gap(id, label, "not_reported", f"needs {cause}, which is not reported")
        else:
            root = gap.detail if gap.detail.startswith("needs ") else f"needs {cause}: {gap.detail}"
            self.book.gap(id, label, gap.reason, root)

    def require(self, id: str) -> float:
        """The number under `id`.

        Raises:
            KeyError: it is not in the book.
        """
        number = self.book.number(id)
        if number is None:
            raise KeyError(id)
        return number

    def gap_of(self, id: str) -> Gap | None:
        """The gap under `id`, if that is why it is missing."""
        return self.book.find_gap(id)


def quotient(numerator: float, denominator: float) -> float:
    """Numerator ÷ denominator.

    Raises:
        Undefined: the denominator is not above zero, so that the quotient says nothing.
    """
    if denominator <= 0:
        raise Undefined("the denominator is zero or negative")
    return numerator / denominator


def percent_of(numerator: float, denominator: float) -> float:
    """Numerator as percent of a positive denominator."""
    return 100 * quotient(numerator, denominator)


def change_in_percent(now: float, before: float) -> float:
    """Growth from `before` to `now` in percent.

    Raises:
        Undefined: growth from a base of zero or below has no meaning.
    """
    if before <= 0:
        raise Undefined("growth from a base that is zero or negative has no meaning")
    return 100 * (now / before - 1)
