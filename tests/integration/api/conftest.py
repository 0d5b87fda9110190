"""The real server on loopback, in a process of its own, and both kinds of database, migrated."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.postgres import fresh_database
from fakes.waiting import is_up

from crew.jobs.migrate import migrate
from crew.loopback import free_port
from crew.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
UP_WITHIN_S = 90  # a machine that runs other tests as well takes its time


@dataclass
class Served:
    """A running server."""

    url: str
    process: subprocess.Popen[str]
    log: Path


@contextmanager
def servers(folder: Path) -> Iterator[Callable[..., Served]]:
    """Starts `python -m <module>` with settings from keyword arguments; everything started is stopped at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(module: str = "fakes.api_server", *, wait: bool = True, **variables: str) -> Served:
        port = variables.pop("PORT", None) or str(free_port())
        log = folder / f"server-{len(started)}.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STOCKCREW_")},
            "PORT": port,
            "STOCKCREW_DATA_DIR": str(folder / "data"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]),
            **variables,
        }
        with log.open("w") as sink:
            process = subprocess.Popen([sys.executable, "-m", module], env=environment, cwd=ROOT, stdout=sink, stderr=sink, text=True)
        started.append(process)
        served = Served(f"http://127.0.0.1:{port}", process, log)
        if wait:
            await_up(served)
        return served

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers that end with the test."""
    with servers(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts servers that the tests of a module share."""
    with servers(tmp_path_factory.mktemp("shared")) as start:
        yield start


def await_up(served: Served) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        if served.process.poll() is not None:
            raise AssertionError(served.log.read_text())
        if is_up(served.url):
            return
        time.sleep(0.05)
    raise AssertionError(f"not up after {UP_WITHIN_S} s: {served.log.read_text()}")


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A migrated database, on each kind of server."""
    with fresh_database() if request.param == "postgresql" else nullcontext("") as url:
        made = Settings.model_validate(
            {"env": "production", "secret_key": "x" * 32, "data_dir": tmp_path, "database_url": url, "max_cost_usd": 1.0, "market_data": "sample"}
        )
        migrate(made)
        yield made
