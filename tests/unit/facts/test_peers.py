"""Peers beside the company: what is compared, and that it is computed just as the peer's own sheet computes it."""

import pytest

from crew.analytics.factsheet import fact_sheet
from crew.analytics.peers import COMPARED, MARKET_VALUE, prefix_of, snapshot_of
from crew.analytics.reference import SAMPLE
from crew.market.providers.sample import SampleMarketData

COMPANIES = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META")


@pytest.mark.parametrize("symbol", COMPANIES)
def test_a_peers_figures_are_those_of_its_own_sheet(symbol: str) -> None:
    """Only the lines that comparisons rest on are entered for a peer, and each figure is what the peer's full sheet says, or missing in both."""
    snapshot = SampleMarketData(SAMPLE).snapshot(symbol)
    sheet = fact_sheet(snapshot, as_of=None)
    for peer in snapshot.peers:
        own, prefix = fact_sheet(snapshot_of(peer, snapshot), as_of=None), prefix_of(peer.instrument.symbol)
        years = sorted((id.rpartition(".")[2] for id in own.by_id if id.startswith("income.net_income.FY")), reverse=True)
        for compared in (MARKET_VALUE, *COMPARED):
            figure = own.by_id.get(compared.figure.format(flow="TTM", year=years[0] if years else ""))
            known = sheet.by_id.get(f"{prefix}.{compared.name}")
            assert (known and known.value) == (figure and figure.value), f"{prefix}.{compared.name}"
    assert snapshot.peers
