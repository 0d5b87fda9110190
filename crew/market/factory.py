"""The market-data provider that the settings name; its library is imported only when it is chosen."""

from pathlib import Path

from crew.errors import ConfigurationError
from crew.market.ports import MarketData
from crew.settings import Settings


def market_data(settings: Settings) -> MarketData:
    """Build the provider named by STOCKCREW_MARKET_DATA.

    Raises:
        ConfigurationError: the name is not one of `yahoo`, `sample`, `csv:FOLDER`.
    """
    choice = settings.market_data
    if choice == "sample":
        from crew.market.providers.sample import SampleMarketData  # noqa: PLC0415

        return SampleMarketData(settings.sample_dir)
    if choice == "yahoo":
        from crew.market.providers.yahoo import YahooMarketData  # noqa: PLC0415

        return YahooMarketData(settings)
    if choice.startswith("csv:") and choice != "csv:":
        from crew.market.providers.csv_folder import CsvMarketData  # noqa: PLC0415

        return CsvMarketData(Path(choice.removeprefix("csv:")))
    raise ConfigurationError(f"STOCKCREW_MARKET_DATA is {choice!r}: use yahoo, sample or csv:FOLDER")
