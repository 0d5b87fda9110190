"""The sample provider keeps to the contract of all providers."""

import pytest
from contract.market_data_contract import MarketDataContract

from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings


class TestSampleContract(MarketDataContract):
    """The shipped data set behind the port."""

    symbols = ("AAPL", "JPM", "META", "NVDA", "SPY", "GLD", "PETR4.SA")
    company = "NVDA"

    @pytest.fixture
    def provider(self) -> SampleMarketData:
        """The shipped set."""
        return SampleMarketData(Settings().sample_dir)
