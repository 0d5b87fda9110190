"""The replay server and providers that talk to it through the unmodified yfinance."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.manual_time import ManualTime
from fakes.synthetic_market import synthetic_snapshot
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.market.providers.yahoo import YahooMarketData
from crew.settings import Settings

AFTER_CLOSE = datetime(2026, 3, 13, 1, tzinfo=UTC)
MakeProvider = Callable[..., YahooMarketData]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[YahooServer]:
    """A replay server that knows SPY and ACME."""
    with YahooServer(tmp_path) as running:
        running.serve("SPY", SnapshotAnswers(synthetic_snapshot("SPY", quote_type="etf")))
        running.serve("ACME", SnapshotAnswers(synthetic_snapshot("ACME")))
        yield running


@pytest.fixture
def passing_time() -> ManualTime:
    """Time under the test's control, after the New York close."""
    return ManualTime(AFTER_CLOSE)


@pytest.fixture
def make_provider(server: YahooServer, passing_time: ManualTime, tmp_path: Path) -> Iterator[MakeProvider]:
    """Build providers on one data folder; each is closed at the end."""
    made: list[YahooMarketData] = []

    def make(
        *, data_dir: Path = tmp_path / "data", proxy: str = server.proxy, ca_file: Path | None = server.ca_file, **chosen: object
    ) -> YahooMarketData:
        settings = Settings.model_validate({"data_dir": data_dir, "market_requests_per_s": 1000.0, "market_timeout_s": 5.0} | chosen)
        made.append(
            YahooMarketData(
                settings,
                clock=passing_time.now,
                monotonic=passing_time.monotonic,
                sleep=passing_time.sleep,
                random=lambda: 0.5,
                proxy=proxy,
                ca_file=ca_file,
            )
        )
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def provider(make_provider: MakeProvider) -> YahooMarketData:
    """A provider with an empty cache."""
    return make_provider()
