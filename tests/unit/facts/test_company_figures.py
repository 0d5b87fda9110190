"""The fact sheet of a made-up company whose every figure is known by construction."""

import pytest
from fakes.companies import AS_OF, company, history

from crew.analytics.factsheet import fact_sheet
from crew.domain.factsheet import FactSheet

NET_MARGIN = (0.2 - 0.02) * 0.75


@pytest.fixture(scope="module")
def sheet() -> FactSheet:
    """The company's fact sheet."""
    return fact_sheet(company(), as_of=AS_OF)


EXPECTED = {
    "income.revenue.TTM": 1331e6,
    "income.eps_diluted.TTM": 1331 * NET_MARGIN / 100,
    "cashflow.free.FY2025": 133.1e6,
    "balance.net_debt.Q4-2025": 0.0,
    "margin.gross.FY2025": 50.0,
    "margin.operating.TTM": 20.0,
    "margin.net.Q4-2025": 100 * NET_MARGIN,
    "margin.fcf.FY2023": 10.0,
    "growth.revenue_yoy.FY2025": 10.0,
    "growth.eps_yoy.Q4-2025": 10.0,
    "growth.revenue_cagr_3y": 10.0,
    "growth.fcf_cagr_3y": 10.0,
    "returns.roe.FY2025": 100 * NET_MARGIN * 1331 / ((1331 + 1210) / 2),
    "returns.roa.TTM": 100 * NET_MARGIN * 1331 / (1331 + 1210),
    "returns.roic.FY2025": 100 * 0.15 * 1331 / ((1331 + 1210) / 2),
    "leverage.debt_to_equity.FY2025": 0.2,
    "leverage.net_debt_to_ebitda.TTM": 0.0,
    "leverage.interest_cover.FY2025": 10.0,
    "leverage.equity_ratio.Q4-2025": 50.0,
    "liquidity.current_ratio.FY2025": 1.5,
    "liquidity.quick_ratio.FY2025": 0.75,
    "quality.tax_rate.FY2025": 25.0,
    "quality.cash_conversion.FY2025": 100 * 0.15 / NET_MARGIN,
    "quality.accruals.FY2025": 100 * (NET_MARGIN - 0.15) * 1331 / (1331 + 1210),
    "quality.receivables_over_revenue.FY2025": 0.0,
    "quality.dividend_payout.FY2025": 100 * 0.03 / NET_MARGIN,
    "shares.change_yoy.FY2025": 0.0,
    "per_share.book_value.FY2025": 13.31,
    "valuation.market_cap": 100 * 100e6,
    "valuation.enterprise_value": 100 * 100e6,
    "valuation.pe": 100 / (13.31 * NET_MARGIN),
    "valuation.ps": 100 / 13.31,
    "valuation.pb": 100 / 13.31,
    "valuation.ev_ebitda": 100 / (13.31 * 0.25),
    "valuation.fcf_yield": 1.331,
    "valuation.peg": 100 / (13.31 * NET_MARGIN) / 10,
    "valuation.shareholder_yield": 100 * 0.05 * 1331e6 / 100e8,
    "valuation.dcf.base_cash_flow": 133.1e6,
    "valuation.dcf.growth_start": 10.0,
    "valuation.dcf.terminal_growth": 2.5,
    "valuation.dcf.beta": 1.0,
    "valuation.dcf.cost_of_equity": 8.5,
    "price.beta_1y": 1.0,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_figure_is_the_one_known_by_construction(sheet: FactSheet, name: str) -> None:
    """Each figure follows from the round statements, the price of 100 and the benchmark that moves alike."""
    assert sheet.by_id[name].number == pytest.approx(EXPECTED[name], rel=1e-9, abs=1e-9)


def test_the_discounted_cash_flow_follows_from_its_drivers(sheet: FactSheet) -> None:
    """Ten years of fading growth and a terminal value, done by hand, give the value per share."""
    rate = sheet.by_id["valuation.dcf.discount_rate"].number / 100
    debt_weight = 0.2 * 1331e6 / (100e8 + 0.2 * 1331e6)
    flow, value = 133.1e6, 0.0
    for year in range(1, 11):
        flow *= 1.10 - (0.10 - 0.025) * (year - 1) / 9
        value += flow / (1 + rate) ** year
    value += flow * 1.025 / (rate - 0.025) / (1 + rate) ** 10

    assert rate == pytest.approx((1 - debt_weight) * 0.085 + debt_weight * 0.055 * 0.75)
    assert sheet.by_id["valuation.dcf.per_share"].number == pytest.approx(value / 100e6)
    assert sheet.by_id["valuation.scenario.base.per_share"].number == pytest.approx(value / 100e6)


def test_growth_implied_by_the_price_gives_the_price_back(sheet: FactSheet) -> None:
    """The reverse valuation's growth, put into the valuation, is worth the last price."""
    growth = sheet.by_id["valuation.reverse_dcf.implied_growth"].number / 100
    rate = sheet.by_id["valuation.dcf.discount_rate"].number / 100
    flow, value = 133.1e6, 0.0
    for year in range(1, 11):
        flow *= 1 + growth + (0.025 - growth) * (year - 1) / 9
        value += flow / (1 + rate) ** year
    value += flow * 1.025 / (rate - 0.025) / (1 + rate) ** 10

    assert value / 100e6 == pytest.approx(100.0, rel=1e-9)


def test_probabilities_add_up_and_weigh_the_scenarios(sheet: FactSheet) -> None:
    """Three scenarios, 100 % together, in the order bear below base below bull, weigh to the expected value."""
    scenarios = sheet.valuation.scenarios
    values = [sheet.by_id[item.per_share].number for item in scenarios]

    assert [item.name for item in scenarios] == ["bear", "base", "bull"]
    assert sum(item.probability for item in scenarios) == 100
    assert values == sorted(values)
    assert all(name in sheet.by_id for item in scenarios for name in item.drivers)
    weighted = sum(item.probability * value / 100 for item, value in zip(scenarios, values, strict=True))
    assert sheet.by_id["valuation.scenario.expected.per_share"].number == pytest.approx(weighted)


def test_the_sensitivity_grid_has_the_valuation_in_its_middle(sheet: FactSheet) -> None:
    """Value falls with the discount rate, rises with terminal growth, and its centre is the base value."""
    grid = sheet.valuation.sensitivity
    assert grid is not None

    assert grid.cells[2][2] == pytest.approx(sheet.by_id["valuation.dcf.per_share"].number, rel=1e-5)
    assert all(upper > lower for upper, lower in zip((row[0] or 0 for row in grid.cells), (row[0] or 0 for row in grid.cells[1:]), strict=False))
    assert all(list(row) == sorted(cell or 0 for cell in row) for row in grid.cells)
    assert grid.currency == "USD"


def test_the_checks_of_the_valuation_are_stated(sheet: FactSheet) -> None:
    """Terminal growth below the discount rate and the terminal share are both judged, here without complaint."""
    assert {(check.code, check.severity) for check in sheet.valuation.checks} == {("dcf_terminal_growth", "info"), ("dcf_terminal_share", "info")}


def test_multiples_of_past_years_use_the_close_of_the_day_they_were_known(sheet: FactSheet) -> None:
    """FY2024 counts as known 90 days after its end, on 31 March 2025."""
    prices = history()
    close = prices.close[prices.dates.index(next(day for day in prices.dates if day.isoformat() == "2025-03-31"))]
    assert close is not None

    assert sheet.by_id["valuation.ps.FY2024"].number == pytest.approx(close / 12.10)
    assert {sheet.by_id[f"valuation.{name}.FY2024"].as_of.isoformat() for name in ("market_cap", "enterprise_value", "ps")} == {"2025-03-31"}
    assert sheet.by_id["valuation.ps_history_median"].inputs == tuple(f"valuation.ps.FY{year}" for year in (2025, 2024, 2023, 2022))
    median, today = sheet.by_id["valuation.ps_history_median"].number, sheet.by_id["valuation.ps"].number
    assert sheet.by_id["valuation.ps_vs_history"].number == pytest.approx(100 * (today / median - 1))


def test_twelve_months_are_the_sum_of_four_quarters_by_name(sheet: FactSheet) -> None:
    """The last four quarters are the inputs, newest first, and shares are averaged."""
    assert sheet.by_id["income.revenue.TTM"].inputs == tuple(f"income.revenue.Q{quarter}-2025" for quarter in (4, 3, 2, 1))
    assert sheet.by_id["shares.diluted.TTM"].number == 100e6


def test_the_sheet_is_clean(sheet: FactSheet) -> None:
    """Statements that add up, fresh and complete, raise no warning."""
    assert [flag for flag in sheet.data_quality.flags if flag.severity != "info"] == []
    assert sheet.data_quality.coverage > 95
    assert sheet.data_quality.newest == AS_OF


def test_the_same_snapshot_gives_the_same_sheet_whenever_it_was_retrieved(sheet: FactSheet) -> None:
    """Computing twice gives equal sheets; the snapshot's hash leaves out retrieval times and nothing else."""
    again = company()
    later = again.model_copy(update={"retrieved_at": again.retrieved_at.replace(minute=59)})
    dearer = company(prices=history(scale=1.01))

    assert fact_sheet(again, as_of=AS_OF) == sheet
    assert fact_sheet(later, as_of=AS_OF).snapshot_hash == sheet.snapshot_hash
    assert fact_sheet(dearer, as_of=AS_OF).snapshot_hash != sheet.snapshot_hash
