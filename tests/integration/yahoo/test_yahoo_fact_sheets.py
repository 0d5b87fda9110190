"""Fact sheets of Yahoo's recorded answers: few prices were recorded, so right units and named gaps are what can be seen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.yahoo_answers import RecordedAnswers
from fakes.yahoo_server import YahooServer

from crew.analytics.factsheet import fact_sheet
from crew.domain.factsheet import FactSheet
from crew.domain.tree import unfold
from crew.market.providers.yahoo import YahooMarketData

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "yahoo_http" / "gadicc_2025-02"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="shared/ is absent")
SheetOf = Callable[[str], FactSheet]


@pytest.fixture
def sheet_of(server: YahooServer, provider: YahooMarketData) -> SheetOf:
    """Fact sheets of recorded symbols as of their last price."""

    def sheet(symbol: str) -> FactSheet:
        server.serve(symbol, RecordedAnswers(RECORDED, symbol))
        return fact_sheet(provider.snapshot(symbol), as_of=None)

    return sheet


@pytest.mark.parametrize(
    ("symbol", "price", "currency"),
    [("BABA", 219.77, "USD"), ("OCDO.L", 12.595, "GBP"), ("QQQ", 216.16, "USD"), ("WSKT.JK", None, "IDR")],
)
def test_prices_are_in_major_units_of_the_listing(sheet_of: SheetOf, symbol: str, price: float | None, currency: str) -> None:
    """A quote of 1,259.5 pence is 12.595 pounds; prices of years ago are flagged as stale, and every figure unfolds."""
    sheet = sheet_of(symbol)
    last = sheet.by_id["price.last"]

    assert last.currency == currency
    assert price is None or last.number == pytest.approx(price, rel=1e-5)
    assert sheet.data_quality.flags[0].code == "stale_prices"
    assert sheet.scorecard.rating == "not_rated"
    assert all(unfold(sheet, item.id).evidence == item for item in sheet.evidence)


def test_a_fund_and_a_pair_lack_what_they_cannot_have(sheet_of: SheetOf) -> None:
    """QQQ and BTC-USD have no statements, valuation or rating, by nature and not by omission."""
    for symbol in ("QQQ", "BTC-USD"):
        reasons = {gap.id: gap.reason for gap in sheet_of(symbol).gaps}
        assert {reasons[name] for name in ("income.statement", "valuation.pe", "valuation.dcf.per_share", "scorecard.total")} == {"not_applicable"}
