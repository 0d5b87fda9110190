"""What the company costs: shares in units of the listing, market value and enterprise value in the listing's currency."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from crew.analytics.bars import LONGEST_CLOSURE_DAYS
from crew.analytics.book import EvidenceBook
from crew.analytics.exchange import Exchange
from crew.analytics.figures import Figures, Undefined, quotient
from crew.analytics.periods import TTM
from crew.analytics.statements import Reported
from crew.domain.evidence import Unit
from crew.domain.market import MarketSnapshot

STALE_AFTER = timedelta(days=548)
LISTED_UNIT = "shares.per_listed_unit"
IMPLIED = "stat.implied_shares_outstanding"
_TOLERANCE = 0.2


@dataclass(frozen=True)
class Listing:
    """How figures of the statements meet the price.

    `basis` is the period that flows are taken from (TTM, or a fiscal year), `balance` that of balance-sheet figures; None
    when there is none fresh enough. `newest_shares` is the period of the newest share count. `scaled` says that one listed
    unit is not one share of the statements.
    """

    figures: Figures
    reported: Reported
    exchange: Exchange
    basis: str | None
    balance: str | None
    newest_shares: str | None
    scaled: bool

    def derive(
        self,
        id: str,
        label: str,
        unit: Unit,
        compute: Callable[..., float],
        *,
        inputs: Sequence[str],
        amounts: Sequence[str],
        formula: str,
        period: str = "spot",
        on: date | None = None,
    ) -> float | None:
        """Like `Figures.derive`, with `amounts` (ids in the statements' currency) brought into the listing's before `compute(*inputs, *amounts)`."""
        day = on or self.figures.book.as_of
        rate = self.exchange.rate(day, period)
        if not rate:
            return self.figures.derive(id, label, unit, compute, (*inputs, *amounts), formula=formula, period=period, as_of=on)
        count = len(inputs)

        def converted(*values: float) -> float:
            return compute(*values[:count], *(value * values[-1] for value in values[count:-1]))

        full = f"{formula}; amounts × {self.exchange.reporting}/{self.exchange.listing} rate"
        return self.figures.derive(id, label, unit, converted, (*inputs, *amounts, rate), formula=full, period=period, as_of=on)

    def shares(self, label: str) -> tuple[str, ...]:
        """The inputs that give the count of listed units of a period."""
        return (f"shares.diluted.{label}", LISTED_UNIT) if self.scaled else (f"shares.diluted.{label}",)


def listed_units(shares: float, per_unit: float = 1.0) -> float:
    """Shares ÷ shares per listed unit."""
    return quotient(shares, per_unit)


def stale_price(book: EvidenceBook) -> str | None:
    """Why nothing may be valued at the last price, when that is older than any closure of an exchange."""
    age = book.number("price.age_days")
    return f"the last price is {age:.0f} days old" if age is not None and age > LONGEST_CLOSURE_DAYS else None


def enter_listing(figures: Figures, snapshot: MarketSnapshot, reported: Reported) -> Listing:
    """Enter `shares.per_listed_unit` where it is not one, `valuation.market_cap` and `valuation.enterprise_value`."""
    exchange = Exchange(figures, snapshot, reported.currency)
    newest = _newest_shares(figures, reported)
    scaled = _enter_listed_unit(figures, exchange, newest)
    listing = Listing(figures, reported, exchange, _basis(figures, reported), _balance(figures, reported), newest, scaled)
    _enter_market_value(listing)
    _enter_enterprise_value(listing)
    return listing


def _newest_shares(figures: Figures, reported: Reported) -> str | None:
    columns = sorted((*reported.quarterly, *reported.annual), key=lambda column: column.end, reverse=True)
    return next((column.label for column in columns if figures.book.has(f"shares.diluted.{column.label}")), None)


def _enter_listed_unit(figures: Figures, exchange: Exchange, newest: str | None) -> bool:
    """Whether a listed unit stands for another number of shares (a depositary receipt, a class of another par).

    The source's implied count of listed units tells. Where statements are in another currency than the price, as with most
    depositary receipts, nothing is assumed without it.
    """
    book, label = figures.book, "Shares of the statements for one listed unit"
    shares = book.number(f"shares.diluted.{newest}") if newest else None
    implied = book.number(IMPLIED)
    if shares is None or shares <= 0:
        return False
    if implied is None or implied <= 0:
        if exchange.needed:
            detail = "statements and price differ in currency, and the source does not say how many listed units there are"
            book.gap(LISTED_UNIT, label, "unit_mismatch", detail)
        return exchange.needed
    times = shares / implied
    whole = float(round(times)) if times >= 1 else 1 / round(1 / times)
    if whole == 1.0:
        return False
    inputs = (f"shares.diluted.{newest}", IMPLIED)
    if abs(times / whole - 1) > _TOLERANCE:
        detail = f"{inputs[0]} is {times:.2f} times the listed units that the source implies, which is no whole ratio"
        book.gap(LISTED_UNIT, label, "unit_mismatch", detail)
        return True
    formula = "diluted average shares ÷ listed units implied by the source, to the nearest whole ratio"
    figures.derive(LISTED_UNIT, label, "ratio", lambda *_: whole, inputs, formula=formula)
    return True


def _basis(figures: Figures, reported: Reported) -> str | None:
    if any(figures.book.has(f"income.{name}.{TTM}") for name in ("revenue", "net_income")):
        fresh = reported.ttm is not None and figures.book.as_of - reported.ttm.end <= STALE_AFTER
        return TTM if fresh else None
    newest = reported.annual[0] if reported.annual else None
    return newest.label if newest is not None and figures.book.as_of - newest.end <= STALE_AFTER else None


def _balance(figures: Figures, reported: Reported) -> str | None:
    label = reported.newest_balance
    end = next((column.end for column in (*reported.quarterly, *reported.annual) if column.label == label), None)
    return label if end is not None and figures.book.as_of - end <= STALE_AFTER else None


def _enter_market_value(listing: Listing) -> None:
    figures, newest, key, label = listing.figures, listing.newest_shares, "valuation.market_cap", "Market value"
    stale = stale_price(figures.book)
    if stale is not None:
        figures.book.gap(key, label, "stale", stale)
        return
    if newest is None:
        figures.book.gap(key, label, "not_reported", "the source states no diluted average shares")
        return
    end = next(column.end for column in (*listing.reported.quarterly, *listing.reported.annual) if column.label == newest)
    if figures.book.as_of - end > STALE_AFTER:
        figures.book.gap(key, label, "stale", f"the newest share count is of {end}, more than 18 months old")
        return
    formula = "last price × diluted average shares of the newest statement" + (" ÷ shares per listed unit" if listing.scaled else "")
    figures.derive(
        key,
        label,
        "currency",
        lambda price, *shares: price * _issued(*shares),
        ("price.last", *listing.shares(newest)),
        formula=formula,
    )


def _issued(shares: float, per_unit: float = 1.0) -> float:
    if shares <= 0:
        raise Undefined("the share count is zero or negative")
    return listed_units(shares, per_unit)


def _enter_enterprise_value(listing: Listing) -> None:
    figures, key, label = listing.figures, "valuation.enterprise_value", "Enterprise value"
    if listing.reported.is_financial:
        figures.book.gap(key, label, "not_applicable", "debt is a bank's or insurer's raw material, so enterprise value says nothing")
        return
    if listing.balance is None:
        figures.book.gap(key, label, "stale", "there is no balance sheet of the last 18 months")
        return
    claims = [name for name in ("minority_interest", "preferred_equity") if figures.book.has(f"balance.{name}.{listing.balance}")]
    listing.derive(
        key,
        label,
        "currency",
        lambda cap, net_debt, *others: cap + net_debt + sum(others),
        inputs=("valuation.market_cap",),
        amounts=(f"balance.net_debt.{listing.balance}", *(f"balance.{name}.{listing.balance}" for name in claims)),
        formula="market value + net debt + minority interest and preferred equity where reported",
    )
