"""Yahoo's own recorded answers through the unmodified yfinance: the awkward listings."""

from datetime import date
from pathlib import Path

import pytest
from fakes.synthetic_market import synthetic_snapshot
from fakes.yahoo_answers import RecordedAnswers, SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.domain.market import MarketSnapshot
from crew.errors import SymbolNotFound
from crew.market.providers.yahoo import YahooMarketData

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "yahoo_http" / "gadicc_2025-02"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="shared/ is absent")


@pytest.fixture
def recorded(server: YahooServer, provider: YahooMarketData):
    """Snapshots of recorded symbols."""
    server.serve("USDCNY=X", SnapshotAnswers(synthetic_snapshot("USDCNY=X", quote_type="currency", currency="CNY")))

    def snapshot(symbol: str) -> MarketSnapshot:
        server.serve(symbol, RecordedAnswers(RECORDED, symbol))
        return provider.snapshot(symbol)

    return snapshot


def test_baba_is_priced_in_dollars_and_reports_in_yuan(recorded) -> None:
    """BABA: listing USD, statements CNY, with rates between the two."""
    found = recorded("BABA")
    assert (found.instrument.currency, found.instrument.reporting_currency, found.instrument.minor_units) == ("USD", "CNY", 1)
    assert (found.instrument.name, found.instrument.country, found.instrument.exchange) == ("Alibaba Group Holding Limited", "China", "NYSE")
    revenue = {one.period_end: (one.lines["total_revenue"], one.currency) for one in found.statements if one.frequency == "quarterly"}
    assert revenue[date(2023, 6, 30)] == (234156000000.0, "CNY")
    assert found.fx
    assert found.consensus is not None
    assert found.consensus.target_mean == 152.7521
    assert found.consensus.opinions == 39


def test_ocado_is_quoted_in_pence(recorded) -> None:
    """OCDO.L: prices and targets in pence as quoted, currency GBP, 100 to one; statements in GBP need no rate."""
    found = recorded("OCDO.L")
    assert (found.instrument.currency, found.instrument.minor_units, found.instrument.reporting_currency) == ("GBP", 100, "GBP")
    assert found.prices.dates == (date(2020, 1, 2),)
    assert found.prices.close == (1259.5,)
    assert found.consensus is not None
    assert found.consensus.target_median == 380
    assert [(event.on, event.kind) for event in found.calendar] == [(date(2025, 2, 27), "earnings")]
    assert found.fx == ()


def test_qqq_is_a_fund(recorded, server: YahooServer) -> None:
    """QQQ: an ETF with prices and description, without statements or analysts, each absence a named gap."""
    found = recorded("QQQ")
    assert found.instrument.quote_type == "etf"
    assert found.instrument.reporting_currency is None
    assert found.statements == ()
    assert found.consensus is None
    assert {gap.series for gap in found.gaps} >= {"statements", "consensus", "analyst_actions"}
    assert not [request for request in server.requests if request.what == "statements"]


def test_bitcoin_is_a_crypto_pair(recorded) -> None:
    """BTC-USD: priced every day in UTC, with the description Yahoo keeps under another name."""
    found = recorded("BTC-USD")
    assert found.instrument.quote_type == "crypto"
    assert found.instrument.currency == "USD"
    assert found.prices.dates == (date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3))
    assert (found.instrument.description or "").startswith("Bitcoin (BTC)")


def test_waskita_is_sparse(recorded) -> None:
    """WSKT.JK: Yahoo calls it a fund without a profile; what is missing is a gap, and nothing fails."""
    found = recorded("WSKT.JK")
    assert (found.instrument.name, found.instrument.quote_type, found.instrument.currency) == ("PT Waskita Karya (Persero) Tbk", "fund", "IDR")
    assert found.prices.close == (1505.0,)
    assert {gap.reason for gap in found.gaps} == {"not_reported"}


def test_a_delisted_symbol_is_not_found(recorded) -> None:
    """ADH: Yahoo still has a husk of a profile, but no chart: `symbol_not_found`."""
    with pytest.raises(SymbolNotFound, match="ADH"):
        recorded("ADH")


def test_apple_has_everything_at_once(recorded) -> None:
    """AAPL: profile, counts of recommendations, upgrades, calendar and key statistics out of the one recorded answer."""
    found = recorded("AAPL")
    assert found.consensus is not None
    assert (found.consensus.strong_buy, found.consensus.buy, found.consensus.hold, found.consensus.sell, found.consensus.strong_sell) == (
        7,
        21,
        14,
        2,
        2,
    )
    assert found.analyst_actions[0].firm == "Citigroup"
    statistics = {one.name: (one.value, one.unit) for one in found.key_statistics}
    assert statistics["short_ratio"] == (2.12, "days")
    assert statistics["full_time_employees"] == (150000, "count")
    assert {event.kind for event in found.calendar} == {"earnings", "ex_dividend", "dividend_payment"}
    assert found.instrument.description is not None
    assert len(found.instrument.description) <= 4000
