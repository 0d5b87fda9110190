"""Made-up companies whose figures are known by construction: round statements, a price of 100, a benchmark that moves the same way."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from crew.analytics.factsheet import fact_sheet
from crew.domain.factsheet import FactSheet
from crew.domain.instrument import Instrument
from crew.domain.market import FxRate, MarketSnapshot, PriceHistory, SeriesSource, Split, Statement, StatementKind

AS_OF = date(2026, 4, 15)
LAST_PRICE = 100.0
SHARES = 100e6
REVENUE = {2022: 1000e6, 2023: 1100e6, 2024: 1210e6, 2025: 1331e6}
QUARTER_ENDS = (date(2024, 12, 31), date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31))
MILLION = 1e6


def source(endpoint: str = "made/up") -> SeriesSource:
    """A source retrieved on the evening of the as-of day."""
    return SeriesSource(provider="made-up", endpoint=endpoint, retrieved_at=datetime(2026, 4, 15, 22, tzinfo=UTC), as_of=AS_OF)


def weekdays(last: date, count: int) -> tuple[date, ...]:
    """The last `count` weekdays up to `last`."""
    days: list[date] = []
    day = last
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return tuple(reversed(days))


def history(symbol: str = "MADE", *, bars: int = 1400, last: date = AS_OF, scale: float = 1.0, **changes: Any) -> PriceHistory:
    """Daily bars that swing about a slow rise and end on 100 × `scale`."""
    days = weekdays(last, bars)
    shape = [1 + 0.0003 * position + 0.01 * ((position * 7) % 11 - 5) / 5 for position in range(bars)]
    close = tuple(LAST_PRICE * scale * value / shape[-1] for value in shape)
    fields: dict[str, Any] = {
        "symbol": symbol,
        "basis": days[-1],
        "dates": days,
        "open": close,
        "high": tuple(value * 1.01 for value in close),
        "low": tuple(value * 0.99 for value in close),
        "close": close,
        "volume": (1e6,) * bars,
        "source": source("prices"),
    }
    return PriceHistory(**(fields | changes))


def income(revenue: float, *, shares: float = SHARES) -> dict[str, float]:
    """Half of revenue is gross profit, a fifth operating income, tax takes a quarter of what is left after interest."""
    operating = 0.2 * revenue
    interest = 0.02 * revenue
    pretax = operating - interest
    net = 0.75 * pretax
    return {
        "total_revenue": revenue,
        "cost_of_revenue": 0.5 * revenue,
        "gross_profit": 0.5 * revenue,
        "operating_income": operating,
        "ebit": operating,
        "ebitda": 0.25 * revenue,
        "interest_expense": interest,
        "pretax_income": pretax,
        "tax_provision": 0.25 * pretax,
        "net_income": net,
        "net_income_common_stockholders": net,
        "diluted_eps": net / shares,
        "diluted_average_shares": shares,
    }


def balance(revenue: float) -> dict[str, float]:
    """Assets are twice the yearly revenue, equity half of them; debt and cash are both a fifth of revenue."""
    return {
        "total_assets": 2.0 * revenue,
        "total_liabilities_net_minority_interest": 1.0 * revenue,
        "stockholders_equity": 1.0 * revenue,
        "common_stock_equity": 1.0 * revenue,
        "total_debt": 0.2 * revenue,
        "cash_cash_equivalents_and_short_term_investments": 0.2 * revenue,
        "accounts_receivable": 0.1 * revenue,
        "current_assets": 0.6 * revenue,
        "current_liabilities": 0.4 * revenue,
        "retained_earnings": 0.5 * revenue,
    }


def cash_flow(revenue: float) -> dict[str, float]:
    """A tenth of revenue is free cash flow."""
    return {
        "operating_cash_flow": 0.15 * revenue,
        "capital_expenditure": -0.05 * revenue,
        "free_cash_flow": 0.1 * revenue,
        "depreciation_and_amortization": 0.05 * revenue,
        "repurchase_of_capital_stock": -0.02 * revenue,
        "cash_dividends_paid": -0.03 * revenue,
    }


def statement(kind: StatementKind, frequency: Any, end: date, lines: Mapping[str, float], *, currency: str = "USD", **changes: Any) -> Statement:
    """One statement of the made-up company."""
    return Statement(
        kind=kind, frequency=frequency, period_end=end, currency=currency, lines=dict(lines), source=source(f"{kind}_{frequency}"), **changes
    )


def statements(*, currency: str = "USD", shares: float = SHARES, revenue: Mapping[int, float] = REVENUE) -> tuple[Statement, ...]:
    """Four fiscal years and five quarters, each quarter a fourth of its year."""
    found: list[Statement] = []
    for year, sales in revenue.items():
        end = date(year, 12, 31)
        found.append(statement("income", "annual", end, income(sales, shares=shares), currency=currency))
        found.append(statement("balance", "annual", end, balance(sales), currency=currency))
        found.append(statement("cash_flow", "annual", end, cash_flow(sales), currency=currency))
    for end in QUARTER_ENDS:
        sales = revenue[end.year]
        found.append(statement("income", "quarterly", end, income(sales / 4, shares=shares), currency=currency))
        found.append(statement("balance", "quarterly", end, balance(sales), currency=currency))
        found.append(statement("cash_flow", "quarterly", end, cash_flow(sales / 4), currency=currency))
    return tuple(found)


def instrument(**changes: Any) -> Instrument:
    """The made-up company."""
    fields = {"symbol": "MADE", "name": "Made Up", "quote_type": "equity", "currency": "USD", "reporting_currency": "USD", "sector": "Industrials"}
    return Instrument(**(fields | changes))


def company(**changes: Any) -> MarketSnapshot:
    """The made-up company, with any part of its snapshot replaced."""
    fields: dict[str, Any] = {
        "provider": "made-up",
        "instrument": instrument(),
        "retrieved_at": datetime(2026, 4, 15, 22, tzinfo=UTC),
        "prices": history(),
        "benchmark": history("SPY"),
        "statements": statements(),
    }
    return MarketSnapshot(**(fields | changes))


def with_lines(parts: tuple[Statement, ...], changes: Mapping[str, float | None], *, ends: tuple[date, ...] | None = None) -> tuple[Statement, ...]:
    """`parts` with lines multiplied by a factor, or left out where it is None, wherever they occur (only in periods that end on `ends`)."""
    changed = []
    for part in parts:
        if ends is not None and part.period_end not in ends:
            changed.append(part)
            continue
        lines = {name: value * (changes.get(name, 1.0) or 0.0) for name, value in part.lines.items() if changes.get(name, 1.0) is not None}
        changed.append(part.model_copy(update={"lines": lines}))
    return tuple(changed)


def fx(base: str, quote: str, rate: float, *days: date) -> tuple[FxRate, ...]:
    """One unit of `base` costs `rate` of `quote` on each day."""
    return tuple(FxRate(base=base, quote=quote, on=day, rate=rate, source=source("fx")) for day in days or (AS_OF,))


def split(on: date, ratio: float) -> Split:
    """A split."""
    return Split(on=on, ratio=ratio)


def sheet_of(snapshot: MarketSnapshot, as_of: date | None = AS_OF) -> FactSheet:
    """The fact sheet as of the made-up company's day."""
    return fact_sheet(snapshot, as_of=as_of)


def reason(sheet: FactSheet, name: str) -> str:
    """Why a figure is missing."""
    assert name not in sheet.by_id, f"{name} is {sheet.by_id[name].value}"
    return next(gap.reason for gap in sheet.gaps if gap.id == name)


def flags(sheet: FactSheet) -> dict[str, str]:
    """Codes of the data-quality flags with their severity."""
    return {flag.code: flag.severity for flag in sheet.data_quality.flags}
