"""What a reader must know about the data first: how complete and fresh it is, and where it does not add up."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from crew.analytics.book import EvidenceBook
from crew.analytics.listing import STALE_AFTER
from crew.analytics.periods import Column
from crew.analytics.price_flags import price_flags
from crew.analytics.red_flags import conflict_flags, earnings_flags
from crew.analytics.statements import Reported
from crew.domain.factsheet import DataQuality, QualityFlag
from crew.domain.market import MarketSnapshot, PriceHistory

TRADING_DAYS_UNTIL_STALE = 5
FEWEST_BARS = 200
_HOLE_DAYS = 10
_ROUNDING = 0.005
_EPS_ROUNDING = 0.03
_FURTHER_OUT = ("peer.", "fx.", "series.", "benchmark.")


def assess(book: EvidenceBook, snapshot: MarketSnapshot, reported: Reported | None, *, retrieved: date | None = None) -> DataQuality:
    """Coverage and flags of everything in the book, the most serious flags first. Call it when all else has been entered.

    `retrieved` is the day that prices should reach, when that is not the book's as-of day.

    Figures of peers, series and rates count neither for nor against coverage; gaps that are `not_applicable` do not count.
    """
    flags = [*_price_flags(book, snapshot.prices, max(book.as_of, retrieved or book.as_of)), *price_flags(book), *_statement_flags(book, reported)]
    for column in reported.columns if reported is not None else ():
        flags.extend(_identity_flags(book, column))
    if reported is not None:
        flags.extend((*earnings_flags(book, reported), *conflict_flags(book, reported)))
    flags.extend(
        QualityFlag(code=f"series_{gap.reason}", severity="info", message=f"{gap.series.replace('_', ' ')}: {gap.detail}") for gap in snapshot.gaps
    )
    order = {"serious": 0, "warning": 1, "info": 2}
    figures = sum(not item.id.startswith(_FURTHER_OUT) for item in book.evidence)
    missing = sum(gap.reason != "not_applicable" and not gap.id.startswith(_FURTHER_OUT) for gap in book.gaps)
    days = [item.as_of for item in book.evidence if item.kind in {"observed", "text"}]
    return DataQuality(
        coverage=round(100 * figures / (figures + missing), 1) if figures + missing else 0.0,
        figures=figures,
        missing=missing,
        oldest=min(days, default=None),
        newest=max(days, default=None),
        flags=tuple(sorted(flags, key=lambda flag: order[flag.severity])),
    )


def trading_days_between(earlier: date, later: date) -> int:
    """Weekdays after `earlier` up to and including `later`: holidays count, so that data is called old rather late than never."""
    weeks, rest = divmod((later - earlier).days, 7)
    return weeks * 5 + sum((earlier + timedelta(days=day + 1)).weekday() < 5 for day in range(rest))


def _price_flags(book: EvidenceBook, prices: PriceHistory, due: date) -> Iterator[QualityFlag]:
    known = [day for day, close in zip(prices.dates, prices.close, strict=True) if close is not None]
    last = ("price.last",) if book.has("price.last") else ()
    if not known:
        yield QualityFlag(code="no_prices", severity="serious", message="there is no price at all")
        return
    age = trading_days_between(known[-1], due)
    if age > TRADING_DAYS_UNTIL_STALE:
        message = f"the last price is of {known[-1]}, {age} trading days before {due}"
        yield QualityFlag(code="stale_prices", severity="serious", message=message, evidence=last)
    elif known[-1] < book.as_of:
        message = f"there is no price of {book.as_of}; the last one is of {known[-1]}"
        yield QualityFlag(code="no_trading_on_day", severity="info", message=message, evidence=last)
    if len(known) < FEWEST_BARS:
        message = f"{len(known)} daily prices are known, so figures that need more are missing"
        yield QualityFlag(code="short_history", severity="warning", message=message)
    holes = [(earlier, later) for earlier, later in pairwise(known) if (later - earlier).days > _HOLE_DAYS]
    if holes:
        first, then = max(holes, key=lambda hole: hole[1] - hole[0])
        message = f"{len(holes)} gaps in the prices, the longest from {first} to {then}"
        yield QualityFlag(code="history_gap", severity="warning", message=message)
    if prices.dividends_in_prices:
        message = "past prices have dividends taken out by the source, so figures that need traded prices are withheld"
        yield QualityFlag(code="dividends_in_prices", severity="warning", message=message)


def _statement_flags(book: EvidenceBook, reported: Reported | None) -> Iterator[QualityFlag]:
    if reported is None:
        return
    newest = reported.newest
    if newest is not None and book.as_of - newest.end > STALE_AFTER:
        message = f"the newest statement is of the period that ended {newest.end}, more than 18 months before {book.as_of}"
        yield QualityFlag(code="stale_statements", severity="serious", message=message)
    ends = reported.statements.ends("quarterly")
    if any((later - earlier).days in range(150, 220) for later, earlier in pairwise(ends)):
        message = "interim statements lie further apart than a quarter, so a figure labelled by its quarter may cover half a year"
        yield QualityFlag(code="uneven_interims", severity="warning", message=message)
    for code, severity, why, items in (
        ("statement_fragment", "info", "they have a few lines only", reported.statements.fragments),
        ("statement_currency", "warning", f"they are in another currency than {reported.currency}", reported.statements.foreign),
        ("statement_clash", "warning", "a newer period bears the same name", reported.statements.clashes),
    ):
        if items:
            listed = ", ".join(f"{item.kind.replace('_', ' ')} {item.frequency} {item.period_end}" for item in items)
            yield QualityFlag(code=code, severity=severity, message=f"statements left out, since {why}: {listed}")


def _identity_flags(book: EvidenceBook, column: Column) -> Iterator[QualityFlag]:
    """Accounting identities that do not hold within rounding."""
    label = column.label

    def ids(*names: str) -> tuple[str, ...]:
        return tuple(f"{name}.{label}" for name in names)

    checks = (
        (
            "identity_gross_profit",
            ids("income.gross_profit", "income.revenue", "income.cost_of_revenue"),
            "gross profit is not revenue less its cost",
            _difference,
        ),
        ("identity_balance", _balance_ids(book, label), "assets are not liabilities plus equity", _balance),
        (
            "identity_free_cash_flow",
            ids("cashflow.free_reported", "cashflow.operating", "cashflow.capex"),
            "free cash flow is not operating cash flow plus capital expenditure",
            _sum,
        ),
        (
            "identity_eps",
            ids("income.net_income_common", "income.eps_diluted", "shares.diluted"),
            "net income is not earnings per share times shares",
            _product,
        ),
    )
    for code, inputs, message, expected in checks:
        if column.frequency == "ttm" or not inputs or not book.has(*inputs):
            continue
        stated, *rest = (book.number(name) or 0.0 for name in inputs)
        tolerance = _EPS_ROUNDING * abs(stated) + 0.006 * abs(rest[1]) if code == "identity_eps" else _ROUNDING * max(abs(stated), *map(abs, rest))
        if abs(stated - expected(*rest)) > tolerance:
            yield QualityFlag(code=code, severity="warning", message=f"{message} in {label}", evidence=inputs)


def _balance_ids(book: EvidenceBook, label: str) -> tuple[str, ...]:
    names = ["balance.total_assets", "balance.total_liabilities", "balance.equity"]
    if book.has(f"balance.minority_interest.{label}"):
        names.append("balance.minority_interest")
    return tuple(f"{name}.{label}" for name in names)


def _difference(whole: float, part: float) -> float:
    return whole - part


def _sum(*parts: float) -> float:
    return sum(parts)


_balance = _sum


def _product(left: float, right: float) -> float:
    return left * right
