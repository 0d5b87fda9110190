"""Real worker processes on a real database, SQLite always and PostgreSQL where a server is given."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.postgres import fresh_database

from crew.domain.analysis import Analysis
from crew.jobs.client import JobClient
from crew.jobs.migrate import migrate
from crew.settings import Settings, inherited_environment

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import sys
from pathlib import Path
from crew.jobs.worker import run_worker
from crew.settings import load_settings
from fakes.pipeline import SlowPipeline
settings = load_settings()
sys.exit(run_worker(settings, SlowPipeline(settings, Path(sys.argv[1]), seconds=float(sys.argv[2]), failing=sys.argv[3] or None)))
"""


class Service:
    """A database with its client, and workers that can be started and killed."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.log = folder / "steps.log"
        self.variables = {
            "STOCKCREW_DATA_DIR": str(folder / "data"),
            "STOCKCREW_MARKET_DATA": "sample",
            "STOCKCREW_POLL_INTERVAL_S": "0.05",
            "STOCKCREW_HEARTBEAT_S": "0.3",
            "STOCKCREW_DEAD_AFTER_S": "1.5",
            "STOCKCREW_DRAIN_S": "10",
            "STOCKCREW_WORKER_METRICS_PORT": "0",
            "STOCKCREW_LOG_LEVEL": "WARNING",
        }
        if database_url:
            self.variables["DATABASE_URL"] = database_url
        self.settings = Settings(
            data_dir=folder / "data", database_url=database_url, market_data="sample", heartbeat_s=0.3, dead_after_s=1.5, poll_interval_s=0.05
        )
        migrate(self.settings)
        self.client = JobClient(self.settings)
        self.workers: list[subprocess.Popen[str]] = []

    def start_worker(self, *, seconds: float = 0, failing: str = "", **variables: str) -> subprocess.Popen[str]:
        """Start a worker whose steps take `seconds` each; `variables` are further settings."""
        environment = inherited_environment(PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}", **(self.variables | variables))
        command = [sys.executable, "-c", WORKER, str(self.log), str(seconds), failing]
        with self.output(len(self.workers)).open("w") as sink:
            worker = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink, text=True)
        self.workers.append(worker)
        return worker

    def start_real_worker(self, **variables: str) -> subprocess.Popen[str]:
        """Start a worker with the real crew; `variables` are further settings."""
        environment = inherited_environment(**(self.variables | variables))
        with self.output(len(self.workers)).open("w") as sink:
            worker = subprocess.Popen([sys.executable, "-m", "crew.cli", "worker"], env=environment, stdout=sink, stderr=sink, text=True)
        self.workers.append(worker)
        return worker

    def output(self, number: int) -> Path:
        """Where the worker started as `number` (from 0) writes its log."""
        return self.log.with_name(f"worker-{number}.log")

    def hold(self, step: str) -> None:
        """Let the step begin but not end until `release`."""
        self.log.with_name(f"hold-{step}").touch()

    def deafen(self, step: str) -> None:
        """Let the task not ask its guard while it is held up."""
        self.log.with_name(f"deaf-{step}").touch()

    def release(self, step: str) -> None:
        """Let the step end."""
        self.log.with_name(f"hold-{step}").unlink()

    def steps(self) -> list[str]:
        """What the workers' steps have noted so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_for(self, condition: Callable[[], object], *, seconds: float = 30) -> None:
        """Wait until `condition` holds, or fail the test."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.02)
        logs = "\n".join(self.output(number).read_text()[-3000:] for number in range(len(self.workers)))
        pytest.fail(f"not within {seconds} s; steps so far: {self.steps()}; workers said: {logs}")

    def finished(self, id: str, *, seconds: float = 40) -> Analysis:
        """The analysis once it has ended."""
        self.wait_for(lambda: self.client.get(id).is_terminal, seconds=seconds)
        return self.client.get(id)

    def await_end_of(self, *steps: str) -> None:
        """Wait until the service has logged each step as finished."""
        id = self.client.list(limit=1)[0].id
        self.wait_for(lambda: set(steps) <= {event.data["step"] for event in self.client.events(id, limit=500) if event.type == "step.finished"})

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()
        self.client.close()


@pytest.fixture
def sqlite_service(tmp_path: Path) -> Iterator[Service]:
    """A service on an SQLite file."""
    service = Service(tmp_path, "")
    yield service
    service.close()


@pytest.fixture
def postgres_database() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the given server."""
    with fresh_database() as url:
        yield url


@pytest.fixture
def postgres_service(tmp_path: Path, postgres_database: str) -> Iterator[Service]:
    """A service on a fresh PostgreSQL database."""
    service = Service(tmp_path, postgres_database)
    yield service
    service.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of a database that was never migrated, of each kind."""
    variables = {"STOCKCREW_DATA_DIR": str(tmp_path)}
    return variables if request.param == "sqlite" else variables | {"DATABASE_URL": request.getfixturevalue("postgres_database")}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest) -> Service:
    """The service on each kind of database."""
    made: Service = request.getfixturevalue(f"{request.param}_service")
    return made
