"""The CSV folder keeps to the contract of all providers."""

from pathlib import Path

import pytest
from contract.market_data_contract import MarketDataContract
from fakes.csv_folders import write_folder

from crew.market.providers.csv_folder import CsvMarketData
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

SYMBOLS = ("AAPL", "MSFT", "SPY", "PETR4.SA")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's figures, written once."""
    sample = SampleMarketData(Settings().sample_dir)
    return write_folder(tmp_path_factory.mktemp("csv"), (sample.snapshot(symbol) for symbol in SYMBOLS))


class TestCsvContract(MarketDataContract):
    """A folder of an institution's own behind the port."""

    symbols = SYMBOLS
    company = "AAPL"

    @pytest.fixture
    def provider(self, folder: Path) -> CsvMarketData:
        """The provider of the folder."""
        return CsvMarketData(folder)
