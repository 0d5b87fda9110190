"""The ratios computed from statements, period by period: one table with id, formula and inputs of each.

Inputs are ids without their period. `name` is of the same period, `name@prior` of the same period a year before,
`name@closing` and `name@opening` of the balance sheets at the period's end and a year earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crew.analytics.figures import Undefined, change_in_percent, percent_of, quotient
from crew.domain.evidence import Unit
from crew.domain.market import Frequency

_ALL: frozenset[Frequency] = frozenset({"annual", "quarterly", "ttm"})
YEARLY: frozenset[Frequency] = frozenset({"annual", "ttm"})
BALANCES: frozenset[Frequency] = frozenset({"annual", "quarterly"})


@dataclass(frozen=True)
class Ratio:
    """One ratio. `banks` says whether it means anything for banks and insurers, `on` for which kind of period it is computed."""

    id: str
    label: str
    unit: Unit
    inputs: tuple[str, ...]
    compute: Callable[..., float]
    formula: str
    on: frozenset[Frequency] = _ALL
    banks: bool = True


def _margin(name: str, label: str, profit: str, *, banks: bool = False) -> Ratio:
    return Ratio(
        f"margin.{name}", f"{label} margin", "percent", (profit, "income.revenue"), percent_of, f"100 × {label.lower()} ÷ revenue", banks=banks
    )


def _growth(name: str, label: str, figure: str, *, banks: bool = True) -> Ratio:
    return Ratio(
        f"growth.{name}_yoy",
        f"{label} growth, year on year",
        "percent",
        (figure, f"{figure}@prior"),
        change_in_percent,
        f"100 × ({label.lower()} ÷ {label.lower()} a year before − 1); the base must be positive",
        banks=banks,
    )


def _return_on(capital: str) -> Callable[[float, float, float], float]:
    def compute(profit: float, closing: float, opening: float) -> float:
        if closing <= 0 or opening <= 0:
            raise Undefined(f"{capital} is zero or negative, so a return on it has no meaning")
        return 100 * profit / ((closing + opening) / 2)

    return compute


def _debt_to_equity(debt: float, equity: float) -> float:
    if equity <= 0:
        raise Undefined("equity is zero or negative")
    return debt / equity


def _net_debt_to_ebitda(net_debt: float, ebitda: float) -> float:
    if ebitda <= 0:
        raise Undefined("EBITDA is zero or negative")
    return net_debt / ebitda


def _interest_cover(ebit: float, interest: float) -> float:
    return quotient(ebit, abs(interest))


def _after_tax(operating: float, tax: float, pretax: float) -> float:
    """A loss is taxed at nothing; a rate outside 0 to 50 % says nothing about operations and is held there."""
    rate = min(max(tax / pretax, 0.0), 0.5) if pretax > 0 else 0.0
    return operating * (1 - rate) if operating > 0 else operating


_EQUITY = ("balance.common_equity@closing", "balance.common_equity@opening")
_TANGIBLE = ("balance.tangible_equity@closing", "balance.tangible_equity@opening")
ASSETS = ("balance.total_assets@closing", "balance.total_assets@opening")
_INVESTED = ("balance.invested_capital@closing", "balance.invested_capital@opening")

RATIOS: tuple[Ratio, ...] = (
    _margin("gross", "Gross profit", "income.gross_profit"),
    _margin("operating", "Operating income", "income.operating_income"),
    _margin("ebitda", "EBITDA", "income.ebitda"),
    _margin("net", "Net income", "income.net_income", banks=True),
    _margin("fcf", "Free cash flow", "cashflow.free"),
    _growth("revenue", "Revenue", "income.revenue"),
    _growth("net_income", "Net income", "income.net_income"),
    _growth("eps", "Diluted EPS", "income.eps_diluted"),
    _growth("fcf", "Free cash flow", "cashflow.free", banks=False),
    _growth("operating_income", "Operating income", "income.operating_income", banks=False),
    Ratio(
        "balance.invested_capital",
        "Invested capital",
        "currency",
        ("balance.total_debt", "balance.equity", "balance.cash"),
        lambda debt, equity, cash: debt + equity - cash,
        "total debt + shareholders' equity − cash and short-term investments",
        on=BALANCES,
        banks=False,
    ),
    Ratio(
        "balance.tangible_equity",
        "Tangible common equity",
        "currency",
        ("balance.common_equity", "balance.goodwill"),
        lambda equity, goodwill: equity - goodwill,
        "common shareholders' equity − goodwill and other intangible assets, where those are reported",
        on=BALANCES,
    ),
    Ratio(
        "returns.roe",
        "Return on equity",
        "percent",
        ("income.net_income_common", *_EQUITY),
        _return_on("equity"),
        "100 × net income to common shareholders ÷ mean of opening and closing common equity",
        on=YEARLY,
    ),
    Ratio(
        "returns.rote",
        "Return on tangible equity",
        "percent",
        ("income.net_income_common", *_TANGIBLE),
        _return_on("tangible equity"),
        "100 × net income to common shareholders ÷ mean of opening and closing tangible common equity",
        on=YEARLY,
    ),
    Ratio(
        "returns.roa",
        "Return on assets",
        "percent",
        ("income.net_income", *ASSETS),
        _return_on("total assets"),
        "100 × net income ÷ mean of opening and closing total assets",
        on=YEARLY,
    ),
    Ratio(
        "returns.nopat",
        "Operating income after tax",
        "currency",
        ("income.operating_income", "income.tax", "income.pretax_income"),
        _after_tax,
        "operating income × (1 − income tax ÷ income before tax, held between 0 and 50 %); losses are not taxed",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "returns.roic",
        "Return on invested capital",
        "percent",
        ("returns.nopat", *_INVESTED),
        _return_on("invested capital"),
        "100 × operating income after tax ÷ mean of opening and closing invested capital",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "leverage.debt_to_equity",
        "Debt to equity",
        "ratio",
        ("balance.total_debt", "balance.equity"),
        _debt_to_equity,
        "total debt ÷ shareholders' equity, which must be positive",
        on=BALANCES,
    ),
    Ratio(
        "leverage.net_debt_to_ebitda",
        "Net debt to EBITDA",
        "multiple",
        ("balance.net_debt@closing", "income.ebitda"),
        _net_debt_to_ebitda,
        "net debt ÷ EBITDA, which must be positive",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "leverage.interest_cover",
        "Interest cover",
        "multiple",
        ("income.ebit", "income.interest_expense"),
        _interest_cover,
        "EBIT ÷ interest expense",
        on=YEARLY,
        banks=False,
    ),
    Ratio(
        "leverage.equity_ratio",
        "Equity ratio",
        "percent",
        ("balance.equity", "balance.total_assets"),
        percent_of,
        "100 × shareholders' equity ÷ total assets",
        on=BALANCES,
    ),
    Ratio(
        "liquidity.current_ratio",
        "Current ratio",
        "ratio",
        ("balance.current_assets", "balance.current_liabilities"),
        quotient,
        "current assets ÷ current liabilities",
        on=BALANCES,
        banks=False,
    ),
    Ratio(
        "liquidity.quick_ratio",
        "Quick ratio",
        "ratio",
        ("balance.cash", "balance.receivables", "balance.current_liabilities"),
        lambda cash, receivables, due: quotient(cash + receivables, due),
        "(cash and short-term investments + accounts receivable) ÷ current liabilities",
        on=BALANCES,
        banks=False,
    ),
    Ratio(
        "liquidity.working_capital",
        "Working capital",
        "currency",
        ("balance.current_assets", "balance.current_liabilities"),
        lambda assets, due: assets - due,
        "current assets − current liabilities",
        on=BALANCES,
        banks=False,
    ),
)
