"""Whether the source's share counts of two periods go together: profit ÷ earnings per share tells each count a second time."""

from crew.analytics.book import EvidenceBook

_APART = 0.03
_CENT = 0.005


def disagreement(book: EvidenceBook, label: str, other: str) -> str | None:
    """Why the diluted share counts of two periods must not be compared; None where they may be, or where nothing tells.

    Both counts may be off by the same factor (earnings per receipt, counts of shares); what matters is that it is the same.
    """
    one, two = _told_against_stated(book, label), _told_against_stated(book, other)
    if one is None or two is None:
        return None
    (first, first_rounding), (second, second_rounding) = one, two
    apart = abs(first / second - 1)
    if apart <= _APART + first_rounding + second_rounding:
        return None
    odd = label if abs(first - 1) > abs(second - 1) else other
    return (
        f"the source's share counts of {label} and {other} do not go together: "
        f"net income ÷ earnings per share tells another count in {odd} than the one stated"
    )


def _told_against_stated(book: EvidenceBook, label: str) -> tuple[float, float] | None:
    """Count told by profit and earnings per share ÷ count stated, and how far rounding of the earnings to the cent may move it."""
    profit, per_share, stated = (book.number(f"{name}.{label}") for name in ("income.net_income_common", "income.eps_diluted", "shares.diluted"))
    if profit is None or per_share is None or stated is None or stated <= 0 or profit * per_share <= 0:
        return None
    return profit / per_share / stated, _CENT / abs(per_share)
