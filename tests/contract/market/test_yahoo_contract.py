"""Live Yahoo keeps to the contract of all providers, through the unmodified yfinance and a replay server."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from contract.market_data_contract import MarketDataContract
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.market.providers.sample import SampleMarketData
from crew.market.providers.yahoo import YahooMarketData
from crew.settings import Settings

NIGHT = datetime(2026, 3, 13, 1, tzinfo=UTC)


SYMBOLS = ("AAPL", "JPM", "META", "SPY", "PETR4.SA")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YahooMarketData]:
    """A provider that talks to the replay server, its cache shared by all tests as in a running service."""
    folder = tmp_path_factory.mktemp("yahoo")
    sample = SampleMarketData(Settings().sample_dir)
    with YahooServer(folder) as server:
        for symbol in SYMBOLS:
            server.serve(symbol, SnapshotAnswers(sample.snapshot(symbol)))
        settings = Settings.model_validate({"data_dir": folder / "data", "market_requests_per_s": 1000.0})
        provider = YahooMarketData(settings, clock=lambda: NIGHT, proxy=server.proxy, ca_file=server.ca_file)
        yield provider
        provider.close()


class TestYahooContract(MarketDataContract):
    """Yahoo as it would answer with the sample's figures."""

    symbols = SYMBOLS
    company = "AAPL"

    @pytest.fixture
    def provider(self, replayed: YahooMarketData) -> YahooMarketData:
        """The provider under test."""
        return replayed
