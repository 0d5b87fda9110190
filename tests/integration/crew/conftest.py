"""Real crews against a loopback model provider: fact sheets of the sample data, settings that point at the provider."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from fakes.model_provider import ModelProvider, Script
from fakes.model_writer import write

from crew.agents.guard import RunGuard
from crew.agents.library import Library
from crew.agents.run import run_task
from crew.analytics.factsheet import fact_sheet
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import Blueprint
from crew.domain.factsheet import FactSheet
from crew.domain.run import ModelCall, TaskResult
from crew.market.factory import market_data
from crew.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
MODEL = "openai/test-model"
Run = Callable[..., TaskResult]


@cache
def sample_sheet(symbol: str) -> FactSheet:
    """The fact sheet of a sample company, computed once."""
    return fact_sheet(market_data(Settings(market_data="sample")).snapshot(symbol), as_of=date(2026, 3, 12))


@pytest.fixture(scope="session")
def blueprint() -> Blueprint:
    """The project's own crew."""
    return load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")


@pytest.fixture(scope="session")
def sheet() -> FactSheet:
    """Apple as of the sample's day."""
    return sample_sheet("AAPL")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all: CrewAI takes its files' place once per process."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def serve() -> Iterator[Callable[..., ModelProvider]]:
    """Starts model servers by script and stops them after the test."""
    started: list[ModelProvider] = []

    def start(script: Script = write, **options: float) -> ModelProvider:
        server = ModelProvider(script, **options).__enter__()
        started.append(server)
        return server

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture
def run(blueprint: Blueprint, sheet: FactSheet, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one task against a server (or with the rules writer when there is none); waits are noted, not slept."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-not-a-secret")

    def run_one(
        task: str = "technicals",
        *,
        server: ModelProvider | None = None,
        model: str = MODEL,
        upstream: dict[str, TaskResult] | None = None,
        calls: list[ModelCall] | None = None,
        waits: list[float] | None = None,
        guard: RunGuard | None = None,
        language: str = "en",
        of: FactSheet = sheet,
        crew: Blueprint = blueprint,
        timeout_s: float = 20.0,
        library: Callable[[], Library] | None = None,
        **changes: object,
    ) -> TaskResult:
        settings = Settings.model_validate(
            {
                "data_dir": data_dir,
                "model": model if server else "rules",
                "model_base_url": f"{server.url}/v1" if server else None,
                "model_timeout_s": timeout_s,
                **changes,
            }
        )
        return run_task(
            crew,
            task,
            sheet=of,
            upstream=upstream or {},
            language=language,
            model_override=None,
            settings=settings,
            guard=guard or RunGuard(),
            on_call=(calls if calls is not None else []).append,
            sleep=(waits if waits is not None else []).append,
            library=library,
        )

    return run_one
