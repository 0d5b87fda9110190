"""Statement figures of real companies against their filings (10-K), transcribed in millions of dollars."""

import pytest

from crew.analytics.factsheet import fact_sheet
from crew.analytics.reference import SAMPLE
from crew.market.providers.sample import SampleMarketData

FILED = {
    "AAPL": {
        "income.revenue.FY2025": 416161,
        "income.gross_profit.FY2025": 195201,
        "income.operating_income.FY2025": 133050,
        "income.net_income.FY2025": 112010,
        "income.revenue.FY2024": 391035,
        "income.net_income.FY2024": 93736,
        "balance.total_assets.FY2025": 359241,
        "balance.equity.FY2025": 73733,
        "cashflow.operating.FY2025": 111482,
        "cashflow.capex.FY2025": -12715,
        "cashflow.dividends.FY2025": -15421,
        "cashflow.buybacks.FY2025": -90711,
    },
    "NVDA": {
        "income.revenue.FY2026": 215938,
        "income.net_income.FY2026": 120067,
        "income.revenue.FY2025": 130497,
        "income.net_income.FY2025": 72880,
        "income.gross_profit.FY2025": 97858,
        "balance.total_assets.FY2025": 111601,
        "balance.equity.FY2025": 79327,
    },
    "GOOGL": {
        "income.revenue.FY2024": 350018,
        "income.operating_income.FY2024": 112390,
        "income.net_income.FY2024": 100118,
        "balance.total_assets.FY2024": 450256,
        "balance.equity.FY2024": 325084,
    },
}


@pytest.mark.parametrize(("symbol", "name"), [(symbol, name) for symbol, figures in FILED.items() for name in figures])
def test_figure_is_the_one_filed(symbol: str, name: str) -> None:
    """The evidence holds the filing's figure in dollars."""
    sheet = fact_sheet(SampleMarketData(SAMPLE).snapshot(symbol), as_of=None)

    assert sheet.by_id[name].number == FILED[symbol][name] * 1e6
    assert (sheet.by_id[name].unit, sheet.by_id[name].currency, sheet.by_id[name].kind) == ("currency", "USD", "observed")


def test_apples_ratios_are_those_worked_out_by_hand() -> None:
    """Margins, returns and the price-earnings ratio of the last twelve months, from the filed figures and the close of 12 March 2026."""
    sheet = fact_sheet(SampleMarketData(SAMPLE).snapshot("AAPL"), as_of=None)
    twelve_months = 143756 + 102466 + 94036 + 95359

    assert sheet.by_id["income.revenue.TTM"].number == twelve_months * 1e6
    assert sheet.by_id["margin.gross.FY2025"].number == pytest.approx(100 * 195201 / 416161)
    assert sheet.by_id["returns.roe.FY2025"].number == pytest.approx(100 * 112010 / ((73733 + 56950) / 2))
    assert sheet.by_id["valuation.pe"].number == pytest.approx(255.76 / (2.84 + 1.85 + 1.57 + 1.65))
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(255.76 * 14810.356e6)
