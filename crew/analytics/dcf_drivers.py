"""What a discounted cash flow starts from: the cash flow, its growth, the discount rate, and who is paid before shareholders."""

from crew.analytics import assumptions as assumed
from crew.analytics import dcf
from crew.analytics.figures import Undefined
from crew.analytics.listing import Listing, listed_units

PREFIX = "valuation.dcf"
DRIVERS = ("base_cash_flow", "growth_start", "terminal_growth", "discount_rate", "claims", "shares")
_YEARS_OF_MARGIN = 3


def enter_drivers(listing: Listing) -> None:
    """Enter everything under `valuation.dcf.*` that the valuation rests on; what is missing becomes a gap."""
    _enter_cash_flow(listing)
    _enter_growth(listing)
    _enter_cost_of_capital(listing)
    _enter_claims(listing)


def _enter_cash_flow(listing: Listing) -> None:
    figures = listing.figures
    key, label = f"{PREFIX}.base_cash_flow", "Free cash flow that the forecast starts from"
    margins = [name for column in listing.reported.annual[:_YEARS_OF_MARGIN] if figures.book.has(name := f"margin.fcf.{column.label}")]
    if listing.basis is None:
        figures.book.gap(key, label, "stale", "there is no statement of the last 18 months")
    elif not margins:
        figures.miss(key, label, f"margin.fcf.{listing.basis}")
    else:
        figures.derive(
            key,
            label,
            "currency",
            _normal_cash_flow,
            (f"income.revenue.{listing.basis}", *margins),
            formula="revenue of the newest twelve months × mean free cash flow margin of the last fiscal years (three where known) ÷ 100",
            currency=listing.reported.currency,
        )


def _normal_cash_flow(revenue: float, *margins: float) -> float:
    flow = revenue * sum(margins) / len(margins) / 100
    if flow <= 0:
        raise Undefined("free cash flow is zero or negative, so there is nothing to grow")
    return flow


def _enter_growth(listing: Listing) -> None:
    figures, reported = listing.figures, listing.reported
    newest = [f"growth.revenue_yoy.{columns[0].label}" for columns in (reported.annual, reported.quarterly) if columns]
    known = [name for name in ("growth.revenue_cagr_3y", *newest) if figures.book.has(name)]
    figures.derive(
        f"{PREFIX}.growth_start",
        "Growth in the first year of the forecast",
        "percent",
        lambda *growth: min(max(sum(growth) / len(growth), assumed.LOWEST_GROWTH), assumed.HIGHEST_GROWTH),
        known or ("growth.revenue_cagr_3y",),
        formula="mean of the growth of revenue per year over three years, in the newest fiscal year and in the newest quarter (those known), "
        f"held between {assumed.LOWEST_GROWTH:g} and {assumed.HIGHEST_GROWTH:g} %",
    )


def _enter_cost_of_capital(listing: Listing) -> None:
    figures = listing.figures
    risk_free = _enter_risk_free(listing)
    for name, label, value, reason in (
        ("equity_risk_premium", "Equity risk premium", assumed.EQUITY_RISK_PREMIUM, "what shareholders are assumed to ask above the risk-free rate"),
        ("credit_spread", "Credit spread", assumed.CREDIT_SPREAD, "what lenders are assumed to ask above the risk-free rate"),
    ):
        figures.book.assume(f"{PREFIX}.{name}", label, value, "percent", reason=reason)
    figures.derive(
        f"{PREFIX}.terminal_growth",
        "Growth after the forecast",
        "percent",
        lambda rate: max(rate - assumed.GROWTH_BELOW_RISK_FREE, 0.0),
        (risk_free,),
        formula=f"risk-free rate − {assumed.GROWTH_BELOW_RISK_FREE:g} points, at least 0",
    )
    figures.derive(
        f"{PREFIX}.beta",
        "Beta for the cost of equity",
        "ratio",
        lambda beta: min(max(2 / 3 * beta + 1 / 3, assumed.LOWEST_BETA), assumed.HIGHEST_BETA),
        ("price.beta_1y",),
        formula=f"2/3 × beta of one year + 1/3, held between {assumed.LOWEST_BETA:g} and {assumed.HIGHEST_BETA:g}",
    )
    figures.derive(
        f"{PREFIX}.cost_of_equity",
        "Cost of equity",
        "percent",
        lambda rate, beta, premium: rate + beta * premium,
        (risk_free, f"{PREFIX}.beta", f"{PREFIX}.equity_risk_premium"),
        formula="risk-free rate + beta × equity risk premium",
    )
    figures.derive(
        f"{PREFIX}.cost_of_debt",
        "Cost of debt before tax",
        "percent",
        lambda rate, spread: rate + spread,
        (risk_free, f"{PREFIX}.credit_spread"),
        formula="risk-free rate + credit spread",
    )
    _enter_weights(listing)
    figures.derive(
        f"{PREFIX}.discount_rate",
        "Discount rate",
        "percent",
        lambda weight, equity, debt, tax: (
            100 * dcf.wacc(equity_weight=weight / 100, cost_of_equity=equity / 100, cost_of_debt=debt / 100, tax=tax / 100)
        ),
        tuple(f"{PREFIX}.{name}" for name in ("equity_weight", "cost_of_equity", "cost_of_debt", "tax_rate")),
        formula="equity weight × cost of equity + (1 − equity weight) × cost of debt × (1 − tax rate)",
    )


def _enter_risk_free(listing: Listing) -> str:
    """The key of the risk-free rate in the currency of the cash flows."""
    book, currency = listing.figures.book, listing.reported.currency
    if not listing.exchange.needed and book.has("assumption.risk_free_rate"):
        return "assumption.risk_free_rate"
    key, label = f"{PREFIX}.risk_free_rate", f"Risk-free rate in {currency}"
    rate = assumed.RISK_FREE.get(currency)
    if rate is None:
        book.gap(key, label, "not_applicable", f"no yield of a safe investment in {currency} is assumed")
    else:
        book.assume(key, label, rate, "percent", reason=f"rounded yield of a ten-year government bond in {currency}")
    return key


def _enter_weights(listing: Listing) -> None:
    figures = listing.figures
    listing.derive(
        f"{PREFIX}.equity_weight",
        "Weight of equity in the capital",
        "percent",
        lambda cap, debt: 100 * cap / (cap + debt),
        inputs=("valuation.market_cap",),
        amounts=(f"balance.total_debt.{listing.balance or 'newest'}",),
        formula="100 × market value ÷ (market value + total debt)",
    )
    rates = (f"quality.tax_rate.{period}" for period in (listing.basis, *(column.label for column in listing.reported.annual)))
    known = next((name for name in rates if figures.book.has(name)), f"quality.tax_rate.{listing.basis or 'newest'}")
    figures.derive(
        f"{PREFIX}.tax_rate",
        "Tax rate",
        "percent",
        lambda rate: min(max(rate, 0.0), assumed.HIGHEST_TAX),
        (known,),
        formula=f"newest effective tax rate held between 0 and {assumed.HIGHEST_TAX:g} %",
    )


def _enter_claims(listing: Listing) -> None:
    figures, balance = listing.figures, listing.balance or "newest"
    names = [f"balance.{name}.{balance}" for name in ("minority_interest", "preferred_equity") if figures.book.has(f"balance.{name}.{balance}")]
    figures.derive(
        f"{PREFIX}.claims",
        "What creditors and others are paid before shareholders",
        "currency",
        lambda *amounts: sum(amounts),
        (f"balance.net_debt.{balance}", *names),
        formula="net debt + minority interest and preferred equity where reported",
        currency=listing.reported.currency,
    )
    newest = listing.newest_shares
    figures.derive(
        f"{PREFIX}.shares",
        "Shares that the value is divided by",
        "shares",
        listed_units,
        listing.shares(newest) if newest else ("shares.diluted",),
        formula="diluted average shares of the newest statement" + (" ÷ shares per listed unit" if listing.scaled else ""),
    )
