"""A receiver on loopback, and both kinds of database, migrated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.postgres import fresh_database
from fakes.webhook_receiver import Receiver

from crew.jobs.migrate import migrate
from crew.settings import Settings

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver over plain HTTP."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    """Settings on a migrated SQLite file."""
    settings = Settings(data_dir=tmp_path / "data", webhook_allowed_networks=LOOPBACK, webhook_timeout_s=5, poll_interval_s=0.05)
    migrate(settings)
    return settings


@pytest.fixture
def postgres_settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings on a fresh PostgreSQL database of the given server."""
    with fresh_database() as url:
        settings = Settings(
            data_dir=tmp_path / "data", database_url=url, webhook_allowed_networks=LOOPBACK, webhook_timeout_s=5, poll_interval_s=0.05
        )
        migrate(settings)
        yield settings


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest) -> Settings:
    """Settings on each kind of database."""
    made: Settings = request.getfixturevalue(f"{request.param}_settings")
    return made
