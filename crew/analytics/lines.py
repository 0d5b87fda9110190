"""Which statement lines become evidence, under which id, and how they add up to twelve months."""

from dataclasses import dataclass
from typing import Literal

from crew.domain.evidence import Unit
from crew.domain.market import StatementKind

Addition = Literal["sum", "average", "none"]


@dataclass(frozen=True)
class Line:
    """One statement line as evidence.

    `names` are the source's line names in order of preference; `to_twelve_months` is how quarters make a year: flows add
    up, share counts average, balances do neither. `core` lines that are missing are named as gaps for every period, the
    others only for the newest. `optional` lines are those that companies without such an item simply leave out.
    """

    id: str
    label: str
    kind: StatementKind
    names: tuple[str, ...]
    unit: Unit = "currency"
    to_twelve_months: Addition = "sum"
    core: bool = False
    optional: bool = False
    industrial: bool = False


def _flow(id: str, label: str, kind: StatementKind, *names: str, core: bool = False, optional: bool = False, industrial: bool = False) -> Line:
    return Line(id, label, kind, names, core=core, optional=optional, industrial=industrial)


def _stock(id: str, label: str, *names: str, core: bool = False, optional: bool = False, industrial: bool = False) -> Line:
    return Line(id, label, "balance", names, to_twelve_months="none", core=core, optional=optional, industrial=industrial)


LINES: tuple[Line, ...] = (
    _flow("income.revenue", "Revenue", "income", "total_revenue", "operating_revenue", core=True),
    _flow("income.cost_of_revenue", "Cost of revenue", "income", "cost_of_revenue", industrial=True),
    _flow("income.gross_profit", "Gross profit", "income", "gross_profit", core=True, industrial=True),
    _flow("income.research", "Research and development", "income", "research_and_development", optional=True),
    _flow(
        "income.selling_general_admin", "Selling, general and administrative expense", "income", "selling_general_and_administration", optional=True
    ),
    _flow("income.operating_income", "Operating income", "income", "operating_income", core=True, industrial=True),
    _flow("income.ebit", "EBIT", "income", "ebit", industrial=True),
    _flow("income.ebitda", "EBITDA", "income", "ebitda", core=True, industrial=True),
    _flow("income.interest_expense", "Interest expense", "income", "interest_expense"),
    _flow("income.net_interest_income", "Net interest income", "income", "net_interest_income", optional=True),
    _flow("income.pretax_income", "Income before tax", "income", "pretax_income"),
    _flow("income.tax", "Income tax", "income", "tax_provision"),
    _flow("income.net_income", "Net income", "income", "net_income", "net_income_common_stockholders", core=True),
    _flow("income.net_income_common", "Net income to common shareholders", "income", "net_income_common_stockholders", "net_income"),
    Line("income.eps_diluted", "Diluted earnings per share", "income", ("diluted_eps",), unit="currency_per_share", core=True),
    Line("shares.diluted", "Diluted average shares", "income", ("diluted_average_shares",), unit="shares", to_twelve_months="average", core=True),
    _stock(
        "balance.cash", "Cash and short-term investments", "cash_cash_equivalents_and_short_term_investments", "cash_and_cash_equivalents", core=True
    ),
    _stock("balance.receivables", "Accounts receivable", "accounts_receivable", "receivables"),
    _stock("balance.inventory", "Inventory", "inventory", optional=True),
    _stock("balance.current_assets", "Current assets", "current_assets", core=True, industrial=True),
    _stock("balance.total_assets", "Total assets", "total_assets", core=True),
    _stock("balance.current_liabilities", "Current liabilities", "current_liabilities", core=True, industrial=True),
    _stock("balance.total_liabilities", "Total liabilities", "total_liabilities_net_minority_interest"),
    _stock("balance.total_debt", "Total debt", "total_debt", core=True),
    _stock("balance.equity", "Shareholders' equity", "stockholders_equity", "common_stock_equity", core=True),
    _stock("balance.common_equity", "Common shareholders' equity", "common_stock_equity", "stockholders_equity"),
    _stock("balance.minority_interest", "Minority interest", "minority_interest", optional=True),
    _stock("balance.preferred_equity", "Preferred equity", "preferred_stock_equity", "preferred_stock", optional=True),
    _stock("balance.retained_earnings", "Retained earnings", "retained_earnings"),
    _stock("balance.goodwill", "Goodwill and other intangible assets", "goodwill_and_other_intangible_assets", "goodwill", optional=True),
    _flow(
        "cashflow.operating", "Operating cash flow", "cash_flow", "operating_cash_flow", "cash_flow_from_continuing_operating_activities", core=True
    ),
    _flow("cashflow.capex", "Capital expenditure", "cash_flow", "capital_expenditure", core=True, industrial=True),
    _flow("cashflow.free_reported", "Free cash flow as the source states it", "cash_flow", "free_cash_flow", industrial=True),
    _flow(
        "cashflow.depreciation",
        "Depreciation and amortisation",
        "cash_flow",
        "depreciation_and_amortization",
        "depreciation_amortization_depletion",
    ),
    _flow("cashflow.stock_compensation", "Stock-based compensation", "cash_flow", "stock_based_compensation", optional=True),
    _flow("cashflow.buybacks", "Share buybacks", "cash_flow", "repurchase_of_capital_stock", core=True, optional=True),
    _flow("cashflow.dividends", "Dividends paid", "cash_flow", "cash_dividends_paid", "common_stock_dividend_paid", core=True, optional=True),
)

# A statement without any of these is a fragment the source left over, not a statement.
ANCHORS: dict[StatementKind, tuple[str, ...]] = {
    "income": ("total_revenue", "operating_revenue", "net_income", "net_income_common_stockholders"),
    "balance": ("total_assets", "stockholders_equity", "common_stock_equity"),
    "cash_flow": ("operating_cash_flow", "free_cash_flow"),
}
