"""Multiples and yields: today's, those of past fiscal years at the price of the day each was known, and one against the other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from statistics import median

from crew.analytics.bar_evidence import BarLedger
from crew.analytics.bars import LONGEST_CLOSURE_DAYS, read_bars
from crew.analytics.figures import Figures, Undefined, percent_of, quotient
from crew.analytics.listing import Listing, listed_units, stale_price
from crew.analytics.periods import Column
from crew.analytics.share_counts import disagreement
from crew.domain.evidence import GapReason, Unit
from crew.domain.market import MarketSnapshot
from crew.market.point_in_time import available_from

_FEWEST_YEARS = 3
_NO_STATEMENT = "there is no statement of twelve months that ended in the last 18"


@dataclass(frozen=True)
class Multiple:
    """Value of `over` (market value or enterprise value) against one statement figure; an `optional` one that many companies do not state."""

    id: str
    label: str
    unit: Unit
    over: str
    figure: str
    compute: Callable[[float, float], float]
    formula: str
    banks: bool = True
    optional: bool = False


def _times(value: float, figure: float) -> float:
    if figure <= 0:
        raise Undefined("the figure below the line is zero or negative, so the multiple has no meaning")
    return value / figure


def _yield(value: float, figure: float) -> float:
    return percent_of(figure, value)


MULTIPLES: tuple[Multiple, ...] = (
    Multiple(
        "valuation.pe", "Price to earnings", "multiple", "cap", "income.net_income_common", _times, "market value ÷ net income to common shareholders"
    ),
    Multiple("valuation.ps", "Price to sales", "multiple", "cap", "income.revenue", _times, "market value ÷ revenue"),
    Multiple("valuation.pb", "Price to book", "multiple", "cap", "balance.common_equity", _times, "market value ÷ common shareholders' equity"),
    Multiple(
        "valuation.ptb",
        "Price to tangible book",
        "multiple",
        "cap",
        "balance.tangible_equity",
        _times,
        "market value ÷ tangible common equity",
        optional=True,
    ),
    Multiple(
        "valuation.ev_ebitda", "Enterprise value to EBITDA", "multiple", "ev", "income.ebitda", _times, "enterprise value ÷ EBITDA", banks=False
    ),
    Multiple("valuation.ev_ebit", "Enterprise value to EBIT", "multiple", "ev", "income.ebit", _times, "enterprise value ÷ EBIT", banks=False),
    Multiple(
        "valuation.ev_sales", "Enterprise value to sales", "multiple", "ev", "income.revenue", _times, "enterprise value ÷ revenue", banks=False
    ),
    Multiple(
        "valuation.fcf_yield", "Free cash flow yield", "percent", "cap", "cashflow.free", _yield, "100 × free cash flow ÷ market value", banks=False
    ),
    Multiple(
        "valuation.earnings_yield",
        "Earnings yield",
        "percent",
        "cap",
        "income.net_income_common",
        _yield,
        "100 × net income to common shareholders ÷ market value",
    ),
)
_COMPARED = ("valuation.pe", "valuation.ps", "valuation.pb", "valuation.ptb", "valuation.ev_ebitda", "valuation.ev_sales", "valuation.fcf_yield")


def enter_multiples(listing: Listing, snapshot: MarketSnapshot) -> None:
    """Enter `valuation.*` multiples and yields, `….FY2024` of past years, `…_history_median` and `…_vs_history`."""
    enter_multiples_of_today(listing, MULTIPLES)
    _enter_forward(listing.figures)
    _enter_peg(listing.figures)
    _enter_payouts(listing)
    _enter_past(listing, snapshot)
    for multiple in MULTIPLES:
        if multiple.id in _COMPARED:
            _enter_against_history(listing, multiple)


def enter_multiples_of_today(listing: Listing, multiples: Iterable[Multiple]) -> None:
    """Enter each of `multiples` as of today."""
    for multiple in multiples:
        _enter_today(listing, multiple)


def enter_dividend_yield(figures: Figures) -> None:
    """Enter `valuation.dividend_yield` from the dividends of the last year and the last price."""
    figures.derive(
        "valuation.dividend_yield",
        "Dividend yield",
        "percent",
        percent_of,
        ("price.dividends_1y", "price.last"),
        formula="100 × dividends per share of the last year ÷ last price",
    )


def _withheld(listing: Listing, multiple: Multiple) -> tuple[GapReason, str] | None:
    if listing.reported.is_financial and not multiple.banks:
        return "not_applicable", "says nothing about a bank or insurer"
    stale = stale_price(listing.figures.book)
    if stale is not None:
        return "stale", stale
    if (listing.balance if multiple.figure.startswith("balance.") else listing.basis) is None:
        return "stale", _NO_STATEMENT
    return None


def _enter_today(listing: Listing, multiple: Multiple) -> None:
    book = listing.figures.book
    if multiple.optional and not any(book.has(f"{multiple.figure}.{column.label}") for column in listing.reported.columns):
        return
    withheld = _withheld(listing, multiple)
    if withheld is not None:
        book.gap(multiple.id, multiple.label, *withheld)
        return
    period = listing.balance if multiple.figure.startswith("balance.") else listing.basis
    if multiple.id == "valuation.pe" and not listing.scaled and not listing.exchange.needed:
        listing.figures.derive(
            multiple.id,
            multiple.label,
            "multiple",
            _times,
            ("price.last", f"income.eps_diluted.{period}"),
            formula=f"last price ÷ diluted earnings per share ({period}), which must be positive",
        )
        return
    over = "valuation.market_cap" if multiple.over == "cap" else "valuation.enterprise_value"
    formula = f"{multiple.formula} ({_words(period)})"
    listing.derive(
        multiple.id, multiple.label, multiple.unit, multiple.compute, inputs=(over,), amounts=(f"{multiple.figure}.{period}",), formula=formula
    )


def _words(period: str | None) -> str:
    return "last twelve months" if period == "TTM" else "newest fiscal year" if (period or "").startswith("FY") else "newest balance sheet"


def _enter_forward(figures: Figures) -> None:
    key, label, expected = "valuation.forward_pe", "Price to expected earnings", "stat.forward_eps"
    stale = stale_price(figures.book)
    if stale is not None:
        figures.book.gap(key, label, "stale", stale)
        return
    formula = "last price ÷ earnings per share that analysts expect for the next fiscal year, as the source states them, which must be positive"
    figures.derive(key, label, "multiple", _times, ("price.last", expected), formula=formula)


def _enter_peg(figures: Figures) -> None:
    figures.derive(
        "valuation.peg",
        "Price to earnings to growth",
        "ratio",
        _times,
        ("valuation.pe", "growth.eps_cagr_3y"),
        formula="price to earnings ÷ growth of diluted EPS per year over three years in percent, which must be positive",
    )


def _enter_payouts(listing: Listing) -> None:
    key, label = "valuation.shareholder_yield", "Shareholder yield"
    if listing.basis is None:
        listing.figures.book.gap(key, label, "stale", _NO_STATEMENT)
        return
    paid = [f"cashflow.{name}.{listing.basis}" for name in ("dividends", "buybacks")]
    known = [name for name in paid if listing.figures.book.has(name)]
    if not known:
        listing.figures.miss(key, label, paid[0])
        return
    listing.derive(
        key,
        label,
        "percent",
        lambda cap, *amounts: percent_of(-sum(amounts), cap),
        inputs=("valuation.market_cap",),
        amounts=known,
        formula="100 × (dividends paid + shares bought back, each where reported) ÷ market value",
    )


def _enter_past(listing: Listing, snapshot: MarketSnapshot) -> None:
    if snapshot.prices.dividends_in_prices:
        return
    bars = read_bars(snapshot.prices, minor_units=snapshot.instrument.minor_units)
    ledger = BarLedger(listing.figures.book, bars, snapshot.instrument)
    for column in listing.reported.annual:
        statement = listing.reported.statements.find("income", column.label)
        day = available_from(statement) if statement is not None else None
        position = bars.at_or_before(day) if day is not None else -1
        if day is None or position < 0 or (day - bars.day(position)).days > LONGEST_CLOSURE_DAYS:
            continue
        _enter_year(listing, column, ledger.bar("close", position), day)


def _enter_year(listing: Listing, column: Column, price: str, day: date) -> None:
    figures, label = listing.figures, column.label
    newest = listing.newest_shares
    if not figures.book.has(*listing.shares(label)) or (newest and disagreement(figures.book, label, newest)):
        return
    cap = f"valuation.market_cap.{label}"
    figures.derive(
        cap,
        f"Market value when {label} was known",
        "currency",
        lambda close, *shares: close * listed_units(*shares),
        (price, *listing.shares(label)),
        formula="close on the day the statements were known × diluted average shares" + (" ÷ shares per listed unit" if listing.scaled else ""),
        period=label,
        as_of=day,
    )
    value = f"valuation.enterprise_value.{label}"
    claims = [f"balance.{name}.{label}" for name in ("minority_interest", "preferred_equity") if figures.book.has(f"balance.{name}.{label}")]
    if not listing.reported.is_financial and figures.book.has(f"balance.net_debt.{label}"):
        listing.derive(
            value,
            f"Enterprise value when {label} was known",
            "currency",
            lambda worth, net_debt, *others: worth + net_debt + sum(others),
            inputs=(cap,),
            amounts=(f"balance.net_debt.{label}", *claims),
            formula="market value + net debt + minority interest and preferred equity where reported",
            period=label,
            on=day,
        )
    for multiple in MULTIPLES:
        over = cap if multiple.over == "cap" else value
        amount = f"{multiple.figure}.{label}"
        if multiple.id in _COMPARED and (multiple.banks or not listing.reported.is_financial) and figures.book.has(over, amount):
            title, formula = f"{multiple.label} when {label} was known", f"{multiple.formula} (that fiscal year)"
            listing.derive(
                f"{multiple.id}.{label}",
                title,
                multiple.unit,
                multiple.compute,
                inputs=(over,),
                amounts=(amount,),
                formula=formula,
                period=label,
                on=day,
            )


def _enter_against_history(listing: Listing, multiple: Multiple) -> None:
    figures = listing.figures
    key, label = f"{multiple.id}_history_median", f"{multiple.label}, median of past years"
    versus, title = f"{multiple.id}_vs_history", f"{multiple.label} against its own history"
    if listing.reported.is_financial and not multiple.banks:
        return
    if multiple.optional and not figures.book.has(multiple.id):
        return
    past = [f"{multiple.id}.{column.label}" for column in listing.reported.annual if figures.book.has(f"{multiple.id}.{column.label}")]
    if len(past) < _FEWEST_YEARS:
        for name, words in ((key, label), (versus, title)):
            figures.book.gap(name, words, "insufficient_history", f"{len(past)} past years are known, {_FEWEST_YEARS} are needed")
        return
    formula = "median of the values of past fiscal years, each at the close of the day its statements were known"
    figures.derive(key, label, multiple.unit, lambda *values: float(median(values)), past, formula=formula, period=f"{len(past)}y")
    figures.derive(
        versus,
        title,
        "percent",
        lambda now, usual: 100 * (quotient(now, usual) - 1),
        (multiple.id, key),
        formula="100 × (today's ÷ median of past years − 1)",
    )
