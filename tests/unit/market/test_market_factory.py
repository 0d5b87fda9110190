"""The setting picks the provider."""

from pathlib import Path

import pytest

from crew.errors import ConfigurationError
from crew.market.factory import market_data
from crew.market.providers.csv_folder import CsvMarketData
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings


def test_sample_and_csv_are_picked_by_name(tmp_path: Path) -> None:
    """`sample` gives the shipped set, `csv:FOLDER` the folder's provider."""
    assert isinstance(market_data(Settings(market_data="sample")), SampleMarketData)
    assert isinstance(market_data(Settings(market_data=f"csv:{tmp_path}")), CsvMarketData)


def test_yahoo_is_picked_by_name(tmp_path: Path) -> None:
    """`yahoo` gives the live provider, with its cache in the data folder."""
    provider = market_data(Settings(market_data="yahoo", data_dir=tmp_path))

    assert provider.name == "yahoo"
    assert (tmp_path / "cache").is_dir()
    provider.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("choice", ["", "csv:", "csv", "Sample", "bloomberg"])
def test_any_other_name_is_refused_with_the_choices(choice: str) -> None:
    """The error names the variable, what it holds and what it may hold."""
    with pytest.raises(ConfigurationError, match=r"STOCKCREW_MARKET_DATA is .*: use yahoo, sample or csv:FOLDER"):
        market_data(Settings(market_data=choice))
