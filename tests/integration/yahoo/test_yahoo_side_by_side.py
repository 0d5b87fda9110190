"""Many symbols at once: nothing mixed up, nothing asked twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.synthetic_market import base_price, synthetic_snapshot
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.domain.market import MarketSnapshot
from crew.market.providers.yahoo import YahooMarketData

SYMBOLS = [f"CO{number}" for number in range(24)]


@pytest.fixture
def side_by_side(server: YahooServer, provider: YahooMarketData) -> dict[str, MarketSnapshot]:
    """Snapshots of all symbols, collected eight at a time."""
    for symbol in SYMBOLS:
        server.serve(symbol, SnapshotAnswers(synthetic_snapshot(symbol, bars=300)))
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(SYMBOLS, pool.map(provider.snapshot, SYMBOLS), strict=True))


def test_no_figure_strays_into_another_symbol(side_by_side: dict[str, MarketSnapshot]) -> None:
    """Prices, statements, targets, news and names of each snapshot are all those of its own symbol."""
    for symbol, found in side_by_side.items():
        first = base_price(symbol)
        assert found.prices.close[0] == first
        assert {one.lines["total_revenue"] for one in found.statements if one.kind == "income"} == {first * 1e6}
        assert found.consensus is not None
        assert found.consensus.target_mean == first * 1.5
        assert found.news[0].title == f"{symbol} in the news"
        assert found.instrument.name == f"{symbol} Company"


def test_nothing_is_asked_twice(server: YahooServer, side_by_side: dict[str, MarketSnapshot]) -> None:
    """Cookie, crumb and benchmark are asked once for all symbols, and nine requests for each."""
    asked = Counter(request.what for request in server.requests)
    count = len(side_by_side)
    assert asked == {"cookie": 1, "crumb": 1, "chart": count + 1, "profile": count, "statements": 6 * count, "news": count}


def test_one_symbol_wanted_by_many_is_fetched_once(server: YahooServer, provider: YahooMarketData) -> None:
    """Eight jobs for the same symbol at the same time share one fetch and get equal snapshots."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(provider.snapshot, ["ACME"] * 8))
    assert all(snapshot == found[0] for snapshot in found)
    assert server.count() == 12
