"""Flags on prices that look wrong or incomplete, from the figures that measure it."""

from collections.abc import Iterator

from crew.analytics.book import EvidenceBook
from crew.domain.factsheet import QualityFlag

HALVED = -50.0
DOUBLED = 100.0


def price_flags(book: EvidenceBook) -> Iterator[QualityFlag]:
    """Flags on the last year's prices once `enter_prices` has entered its figures into `book`.

    A day on which the price halved or doubled is more often a split the source has not adjusted for than news.
    """
    if book.number("price.missing_closes_1y"):
        message = "the source leaves out closes of the last year"
        yield QualityFlag(code="missing_closes", severity="warning", message=message, evidence=("price.missing_closes_1y",))
    worst, best = book.number("price.worst_day_1y"), book.number("price.best_day_1y")
    if worst is not None and worst <= HALVED:
        yield _jump("lost half or more", "price.worst_day_1y")
    if best is not None and best >= DOUBLED:
        yield _jump("doubled or more", "price.best_day_1y")


def _jump(what: str, id: str) -> QualityFlag:
    message = f"in the last year the price {what} within one day: a split may not have been adjusted for"
    return QualityFlag(code="price_jump", severity="warning", message=message, evidence=(id,))
