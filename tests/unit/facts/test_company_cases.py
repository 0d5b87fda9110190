"""Banks, losses, funds and odd reporting: each gives right figures or a named gap, never a default."""

from datetime import date

import pytest
from fakes.companies import (
    balance,
    cash_flow,
    company,
    flags,
    income,
    instrument,
    reason,
    sheet_of,
    source,
    statement,
    statements,
    with_lines,
)

from crew.domain.market import KeyStatistic

NET = 0.135


def test_a_bank_is_judged_by_what_banks_report() -> None:
    """No gross profit, enterprise value or cash-flow valuation; price to book, returns and a rating all the same."""
    dropped = dict.fromkeys(("gross_profit", "operating_income", "ebit", "ebitda", "current_assets", "current_liabilities", "capital_expenditure"))
    bank = company(instrument=instrument(sector="Financial Services"), statements=with_lines(statements(), dropped))
    sheet = sheet_of(bank)

    for name in (
        "income.gross_profit.FY2025",
        "margin.operating.TTM",
        "liquidity.current_ratio.Q4-2025",
        "valuation.ev_ebitda",
        "valuation.fcf_yield",
        "valuation.dcf.per_share",
        "valuation.scenario.bear.per_share",
        "cashflow.free.TTM",
        "returns.roic.TTM",
    ):
        assert reason(sheet, name) == "not_applicable"
    assert sheet.by_id["valuation.pb"].number == pytest.approx(100 / 13.31)
    assert sheet.by_id["returns.roe.TTM"].number == pytest.approx(100 * NET * 1331 / 1270.5)
    assert sheet.scorecard.rating != "not_rated"
    names = {rule.name for pillar in sheet.scorecard.pillars for rule in pillar.rules}
    assert "bank_return_on_equity" in names
    assert "return_on_invested_capital" not in names


@pytest.mark.parametrize("industry", ["Asset Management", "Financial Data & Stock Exchanges", "Insurance Brokers"])
def test_a_financial_company_that_lives_on_fees_is_valued_like_others(industry: str) -> None:
    """A manager of funds or an exchange has margins, enterprise value and a cash-flow value; a lender of the same sector has not."""
    fees, lender = (sheet_of(company(instrument=instrument(sector="Financial Services", industry=name))) for name in (industry, "Credit Services"))

    assert fees.by_id["margin.operating.TTM"].number == pytest.approx(20)
    assert fees.by_id["valuation.dcf.per_share"].number == sheet_of(company()).by_id["valuation.dcf.per_share"].number
    assert reason(lender, "valuation.dcf.per_share") == "not_applicable"


def test_losses_have_no_multiple_and_no_growth_from_them() -> None:
    """A loss gives no price-earnings ratio and no growth, but a negative margin and yield; a loss before gives no growth either."""
    names = (
        "net_income",
        "net_income_common_stockholders",
        "diluted_eps",
        "pretax_income",
        "tax_provision",
        "operating_income",
        "ebit",
        "free_cash_flow",
    )
    losing = with_lines(statements(), dict.fromkeys((*names, "operating_cash_flow"), -1.0))
    sheet = sheet_of(company(statements=losing))

    for name in (
        "valuation.pe",
        "growth.eps_yoy.FY2025",
        "growth.net_income_yoy.Q4-2025",
        "valuation.peg",
        "quality.tax_rate.TTM",
        "quality.cash_conversion.FY2025",
    ):
        assert reason(sheet, name) == "not_applicable"
    assert reason(sheet, "valuation.dcf.per_share") == "not_applicable"
    assert sheet.by_id["margin.net.TTM"].number == pytest.approx(-13.5)
    assert sheet.by_id["valuation.earnings_yield"].number == pytest.approx(-100 * 1331e6 * NET / 1e10)
    assert sheet.by_id["returns.nopat.FY2025"].number == pytest.approx(-0.2 * 1331e6)
    assert sheet.by_id["income.net_income.TTM"].number == pytest.approx(-1331e6 * NET)


def test_negative_equity_has_no_return_and_no_multiple() -> None:
    """Equity below zero makes return on equity, debt to equity and price to book meaningless; the equity ratio stays negative."""
    owing = with_lines(statements(), {"stockholders_equity": -0.5, "common_stock_equity": -0.5, "total_liabilities_net_minority_interest": 2.5})
    sheet = sheet_of(company(statements=owing))

    for name in ("returns.roe.TTM", "returns.roe.FY2025", "leverage.debt_to_equity.FY2025", "valuation.pb"):
        assert reason(sheet, name) == "not_applicable"
    assert sheet.by_id["leverage.equity_ratio.FY2025"].number == pytest.approx(-25)
    assert sheet.by_id["returns.roa.FY2025"].number == pytest.approx(100 * NET * 1331 / 2541)


def test_a_company_without_revenue_has_no_margins() -> None:
    """Revenue of zero gives no margin, no price to sales and no growth; its balance sheet is read all the same."""
    silent = with_lines(statements(), {"total_revenue": 0.0, "gross_profit": 0.0, "cost_of_revenue": 0.0})
    sheet = sheet_of(company(statements=silent))

    assert sheet.by_id["income.revenue.TTM"].number == 0
    for name in (
        "margin.net.TTM",
        "margin.fcf.FY2025",
        "valuation.ps",
        "growth.revenue_yoy.FY2025",
        "valuation.dcf.per_share",
        "quality.capex_to_revenue.TTM",
    ):
        assert reason(sheet, name) == "not_applicable"
    assert sheet.by_id["liquidity.current_ratio.FY2025"].number == pytest.approx(1.5)


def test_quarters_with_one_missing_do_not_make_a_year() -> None:
    """Without the third quarter, and the fiscal year not known yet, there are no last twelve months; the last fiscal year serves by name."""
    kept = tuple(
        part
        for part in statements()
        if part.period_end != date(2025, 9, 30) and not (part.frequency == "annual" and part.period_end == date(2025, 12, 31))
    )
    sheet = sheet_of(company(statements=kept))

    assert reason(sheet, "income.revenue.TTM") == "insufficient_history"
    assert "FY2024" in (sheet.by_id["valuation.pe"].formula or "")
    assert sheet.by_id["valuation.pe"].number == pytest.approx(100 / (12.10 * NET))
    assert sheet.by_id["valuation.pb"].number == pytest.approx(100 / 13.31)


def test_a_fiscal_year_stands_in_for_the_last_twelve_months_by_name() -> None:
    """A company that publishes yearly only has its fiscal year as the last twelve months, and the formula says so."""
    yearly = tuple(part for part in statements() if part.frequency == "annual")
    sheet = sheet_of(company(statements=yearly))

    assert sheet.by_id["income.revenue.TTM"].inputs == ("income.revenue.FY2025",)
    assert "fiscal year" in (sheet.by_id["income.revenue.TTM"].formula or "")
    assert sheet.by_id["valuation.pe"].number == pytest.approx(100 / (13.31 * NET))


def test_eight_quarters_give_growth_of_the_last_twelve_months() -> None:
    """With the twelve months before known, growth year on year is that of the sums."""
    earlier = [date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30)]
    more = [
        statement(kind, "quarterly", end, lines)
        for end in earlier
        for kind, lines in (("income", income(302.5e6)), ("balance", balance(1210e6)), ("cash_flow", cash_flow(302.5e6)))
    ]
    sheet = sheet_of(company(statements=(*statements(), *more)))

    assert sheet.by_id["income.revenue.TTM-1Y"].number == pytest.approx(1210e6)
    assert sheet.by_id["growth.revenue_yoy.TTM"].number == pytest.approx(10)
    assert sheet.by_id["growth.fcf_yoy.TTM"].number == pytest.approx(10)


def test_a_missing_line_makes_what_needs_it_missing_with_its_reason() -> None:
    """Without total debt there is no enterprise value, leverage or cash-flow value, and each names the cause."""
    sheet = sheet_of(company(statements=with_lines(statements(), {"total_debt": None})))

    for name in (
        "valuation.enterprise_value",
        "valuation.ev_ebitda",
        "leverage.debt_to_equity.FY2025",
        "leverage.net_debt_to_ebitda.TTM",
        "valuation.dcf.per_share",
    ):
        assert reason(sheet, name) == "not_reported"
        assert "total_debt" in next(gap.detail for gap in sheet.gaps if gap.id == name)
    assert sheet.by_id["valuation.pe"].number == pytest.approx(100 / (13.31 * NET))


def test_a_fund_gets_the_sections_that_make_sense() -> None:
    """Price, risk and yield, but nothing of a company, and no rating."""
    fund = company(instrument=instrument(quote_type="etf", reporting_currency=None, sector=None), statements=())
    sheet = sheet_of(fund)

    assert sheet.by_id["price.last"].number == pytest.approx(100)
    assert sheet.by_id["valuation.dividend_yield"].number == 0
    for name in ("income.statement", "valuation.pe", "valuation.dcf.per_share", "scorecard.total", "analyst.target_mean"):
        assert reason(sheet, name) == "not_applicable"
    assert sheet.scorecard.rating == "not_rated"
    assert sheet.valuation.scenarios == ()


def test_a_crypto_pair_has_no_yield_and_no_rating() -> None:
    """A pair trades every day and pays nothing; its price is an amount, not one per share."""
    supply = KeyStatistic(name="circulating_supply", value=20e6, unit="count")
    pair = company(
        instrument=instrument(symbol="BTC-USD", quote_type="crypto", reporting_currency=None),
        statements=(),
        key_statistics=(supply,),
        key_statistics_source=source(),
    )
    sheet = sheet_of(pair)

    assert sheet.by_id["price.last"].unit == "currency"
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(2e9)
    assert "valuation.dividend_yield" not in sheet.by_id
    assert sheet.scorecard.rating == "not_rated"


def test_a_company_without_statements_is_not_rated() -> None:
    """Prices alone make no rating, and the gap says that nothing was reported."""
    sheet = sheet_of(company(statements=()))

    assert reason(sheet, "income.statement") == "not_reported"
    assert reason(sheet, "valuation.dcf.per_share") == "not_reported"
    assert sheet.scorecard.rating == "not_rated"


def test_free_cash_flow_is_that_of_the_statement_only_where_its_parts_are_missing() -> None:
    """With both parts known they are summed; without capital expenditure the stated figure is taken, by name."""
    summed = sheet_of(company(statements=with_lines(statements(), {"free_cash_flow": 1.5})))
    stated = sheet_of(company(statements=with_lines(statements(), {"capital_expenditure": None})))

    assert summed.by_id["cashflow.free.FY2025"].number == pytest.approx(133.1e6)
    assert stated.by_id["cashflow.free.FY2025"].number == pytest.approx(133.1e6)
    assert stated.by_id["cashflow.free.FY2025"].formula == "as the source states it"


def test_share_counts_that_do_not_go_together_are_not_compared() -> None:
    """A count of FY2024 that profit ÷ earnings per share contradicts gives no change of the share count, and that year no past multiple."""
    wrong = with_lines(statements(), {"diluted_average_shares": 0.92}, ends=(date(2024, 12, 31),))
    sheet = sheet_of(company(statements=wrong))

    for label in ("FY2025", "FY2024"):
        assert reason(sheet, f"shares.change_yoy.{label}") == "vendor_error"
        assert "FY2024 than the one stated" in next(gap.detail for gap in sheet.gaps if gap.id == f"shares.change_yoy.{label}")
    assert sheet.by_id["shares.change_yoy.FY2023"].number == 0
    assert "valuation.pe.FY2024" not in sheet.by_id
    assert sheet.by_id["valuation.pe_history_median"].inputs == tuple(f"valuation.pe.FY{year}" for year in (2025, 2023, 2022))
    assert "earnings_dilution" not in flags(sheet)


def test_earnings_per_receipt_leave_the_change_of_the_share_count_alone() -> None:
    """Earnings stated for receipts of eight shares contradict every count by the same factor: the counts go together."""
    receipts = with_lines(statements(), {"diluted_eps": 8.0})
    assert sheet_of(company(statements=receipts)).by_id["shares.change_yoy.FY2025"].number == 0


def test_a_bank_is_priced_against_its_tangible_book() -> None:
    """Common equity less goodwill, per share, its return and its multiple; a company that states no goodwill has none of them and no gap."""
    parts = tuple(
        part.model_copy(update={"lines": part.lines | {"goodwill_and_other_intangible_assets": 0.3 * part.lines["common_stock_equity"]}})
        if part.kind == "balance"
        else part
        for part in statements()
    )
    sheet = sheet_of(company(instrument=instrument(sector="Financial Services"), statements=parts))

    assert sheet.by_id["balance.tangible_equity.FY2025"].number == pytest.approx(0.7 * 1331e6)
    assert sheet.by_id["per_share.tangible_book_value.FY2025"].number == pytest.approx(9.317)
    assert sheet.by_id["returns.rote.TTM"].number == pytest.approx(100 * NET * 1331 / (0.7 * 1270.5))
    assert sheet.by_id["valuation.ptb"].number == pytest.approx(100 / 9.317)
    assert sheet.by_id["valuation.ptb_history_median"].inputs[0] == "valuation.ptb.FY2025"
    plain = sheet_of(company())
    assert "valuation.ptb" not in plain.by_id
    assert not [gap for gap in plain.gaps if "tangible" in gap.id or "ptb" in gap.id]
