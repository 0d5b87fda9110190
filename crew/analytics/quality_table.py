"""Ratios that tell how good earnings are, how many shares there are, and what one share stands for; see `ratio_table`."""

from crew.analytics.figures import Undefined, change_in_percent, percent_of, quotient
from crew.analytics.ratio_table import ASSETS, BALANCES, YEARLY, Ratio


def _tax_rate(tax: float, pretax: float) -> float:
    if pretax <= 0:
        raise Undefined("there was no profit before tax")
    return 100 * tax / pretax


def _conversion(cash: float, profit: float) -> float:
    if profit <= 0:
        raise Undefined("there was no profit to turn into cash")
    return 100 * cash / profit


def _accruals(profit: float, cash: float, closing: float, opening: float) -> float:
    return percent_of(profit - cash, (closing + opening) / 2)


def _faster(receivables: float, receivables_before: float, revenue: float, revenue_before: float) -> float:
    return change_in_percent(receivables, receivables_before) - change_in_percent(revenue, revenue_before)


def _payout(paid: float, profit: float) -> float:
    if profit <= 0:
        raise Undefined("there was no profit to pay from")
    return 100 * abs(paid) / profit


QUALITY_RATIOS: tuple[Ratio, ...] = (
    Ratio(
        "quality.tax_rate", "Effective tax rate", "percent", ("income.tax", "income.pretax_income"), _tax_rate, "100 × income tax ÷ income before tax"
    ),
    Ratio(
        "quality.cash_conversion",
        "Cash conversion",
        "percent",
        ("cashflow.operating", "income.net_income"),
        _conversion,
        "100 × operating cash flow ÷ net income, which must be positive",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "quality.fcf_conversion",
        "Free cash flow conversion",
        "percent",
        ("cashflow.free", "income.net_income"),
        _conversion,
        "100 × free cash flow ÷ net income, which must be positive",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "quality.accruals",
        "Accruals",
        "percent",
        ("income.net_income", "cashflow.operating", *ASSETS),
        _accruals,
        "100 × (net income − operating cash flow) ÷ mean of opening and closing total assets",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "quality.receivables_over_revenue",
        "Growth of receivables beyond revenue",
        "percent",
        ("balance.receivables", "balance.receivables@prior", "income.revenue", "income.revenue@prior"),
        _faster,
        "growth of receivables in percent − growth of revenue in percent",
        on=BALANCES,
        banks=False,
    ),
    Ratio(
        "quality.capex_to_revenue",
        "Capital expenditure to revenue",
        "percent",
        ("cashflow.capex", "income.revenue"),
        lambda spent, revenue: percent_of(-spent, revenue),
        "100 × capital expenditure ÷ revenue",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "quality.stock_compensation_to_revenue",
        "Stock-based compensation to revenue",
        "percent",
        ("cashflow.stock_compensation", "income.revenue"),
        percent_of,
        "100 × stock-based compensation ÷ revenue",
        on=YEARLY,
    ),
    Ratio(
        "quality.research_to_revenue",
        "Research and development to revenue",
        "percent",
        ("income.research", "income.revenue"),
        percent_of,
        "100 × research and development ÷ revenue",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "quality.asset_turnover",
        "Asset turnover",
        "ratio",
        ("income.revenue", *ASSETS),
        lambda revenue, closing, opening: quotient(revenue, (closing + opening) / 2),
        "revenue ÷ mean of opening and closing total assets",
        on=YEARLY,
    ),
    Ratio(
        "quality.dividend_payout",
        "Dividend payout",
        "percent",
        ("cashflow.dividends", "income.net_income"),
        _payout,
        "100 × dividends paid ÷ net income, which must be positive",
        on=YEARLY,
    ),
    Ratio(
        "shares.change_yoy",
        "Change of the diluted share count, year on year",
        "percent",
        ("shares.diluted", "shares.diluted@prior"),
        change_in_percent,
        "100 × (diluted average shares ÷ those a year before − 1)",
    ),
    Ratio(
        "per_share.revenue",
        "Revenue per share",
        "currency_per_share",
        ("income.revenue", "shares.diluted"),
        quotient,
        "revenue ÷ diluted average shares",
        on=YEARLY,
    ),
    Ratio(
        "per_share.fcf",
        "Free cash flow per share",
        "currency_per_share",
        ("cashflow.free", "shares.diluted"),
        quotient,
        "free cash flow ÷ diluted average shares",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "per_share.book_value",
        "Book value per share",
        "currency_per_share",
        ("balance.common_equity", "shares.diluted"),
        quotient,
        "common shareholders' equity ÷ diluted average shares",
        on=BALANCES,
    ),
    Ratio(
        "per_share.tangible_book_value",
        "Tangible book value per share",
        "currency_per_share",
        ("balance.tangible_equity", "shares.diluted"),
        quotient,
        "tangible common equity ÷ diluted average shares",
        on=BALANCES,
    ),
)
