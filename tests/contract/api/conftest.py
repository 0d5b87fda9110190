"""The door over in-memory jobs and a real SQLite database, for tests of the contract alone."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.jobs import FakeJobs
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.migrate import upgrade

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with our tables, made once and copied for every test."""
    folder = tmp_path_factory.mktemp("migrated")
    engine = make_engine(Settings(data_dir=folder))
    upgrade(engine)
    engine.dispose()
    return folder / "stockcrew.db"


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    shutil.copy(migrated, tmp_path / "stockcrew.db")
    return Settings(data_dir=tmp_path, stream_max_s=5)


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


@pytest.fixture
def app(settings: Settings, jobs: FakeJobs) -> Flask:
    return create_app(settings, jobs=jobs, clock=lambda: NOW)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def analysis_id(client: FlaskClient) -> str:
    """A queued analysis of AAPL."""
    return str(client.post("/v1/analyses", json={"symbol": "AAPL"}).get_json()["id"])
