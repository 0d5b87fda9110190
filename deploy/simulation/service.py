"""The service as it is deployed, on loopback: PostgreSQL, processes of the API behind a proxy, workers, and a model server of fixed latency."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from crew.healthcheck import unhealthy
from crew.loopback import free_port
from crew.settings import Settings, inherited_environment
from deploy.simulation.processes import NotReady, Processes, await_that
from deploy.simulation.proxy import nginx_command

ROOT = Path(__file__).resolve().parents[2]
MODEL = "openai/gpt-4.1-mini"
START_S, END_S = 120, 40
DRAIN_S, HEARTBEAT_S, DEAD_AFTER_S = 3, 1, 4


@dataclass
class Member:
    """One process of the service and the port it is looked at by."""

    name: str
    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A private server's URL."""
    script = str(ROOT / ".ci" / "postgres.sh")
    try:
        done = subprocess.run(["bash", script, "start", str(folder)], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise NotReady("PostgreSQL could not be started; the lines above say why")
        yield done.stdout.splitlines()[-1]
    finally:
        subprocess.run(["bash", script, "stop", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Service:
    """Starts and restarts the parts, submits analyses through the proxy, and reads the database as the only witness.

    Args:
        processes: ends what is started.
        folder: for configuration, data folders and logs.
        database_url: an empty PostgreSQL database.
    """

    def __init__(self, processes: Processes, folder: Path, database_url: str) -> None:
        self.processes, self.folder = processes, folder
        self.engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
        self.model_url = self._start_model()
        self._variables = {
            "DATABASE_URL": database_url,
            "OPENAI_API_KEY": "none",
            "STOCKCREW_SECRET_KEY": secrets.token_hex(32),
            "STOCKCREW_MODEL": MODEL,
            "STOCKCREW_MODEL_BASE_URL": f"{self.model_url}/v1",
            "STOCKCREW_MARKET_DATA": "sample",
            "STOCKCREW_POLL_INTERVAL_S": "0.1",
            "STOCKCREW_HEARTBEAT_S": str(HEARTBEAT_S),
            "STOCKCREW_DEAD_AFTER_S": str(DEAD_AFTER_S),
            "STOCKCREW_DRAIN_S": str(DRAIN_S),
            "STOCKCREW_TRUSTED_PROXIES": "1",
            "STOCKCREW_LOG_LEVEL": "INFO",
        }
        self.apis: list[Member] = []
        self.workers: list[Member] = []
        self.url = ""

    def _start_model(self) -> str:
        environment = inherited_environment(PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}")
        self.processes.start("model", [sys.executable, "-u", "-m", "fakes.model_simulator"], environment)
        log = self.folder / "model.log"
        await_that(lambda: log.read_text().startswith("http"), f"the model server does not say its address; see {log}", seconds=START_S)
        return log.read_text().split()[0]

    def migrate(self) -> None:
        """Make the tables, by the command that a deploy runs.

        Raises:
            NotReady: it fails.
        """
        done = subprocess.run([sys.executable, "-m", "crew.cli", "migrate"], env=self._environment("migrate"), check=False)
        if done.returncode != 0:
            raise NotReady("`stockcrew migrate` failed; the lines above say why")

    def _environment(self, name: str, **more: str) -> dict[str, str]:
        return inherited_environment(STOCKCREW_DATA_DIR=str(self.folder / name), PYTHONPATH=str(ROOT), **(self._variables | more))

    def start_apis(self, count: int) -> None:
        """Start processes of the API and the proxy in front of them, and wait for both."""
        for number in range(count):
            self.apis.append(self._start_api(f"api-{number + 1}", free_port()))
        for member in self.apis:
            self.await_api(member)
        port = free_port()
        self.processes.start("proxy", nginx_command(self.folder, port, [member.port for member in self.apis]))
        self.url = f"http://127.0.0.1:{port}"
        await_that(lambda: self._status(f"{self.url}/livez") == 200, f"the proxy does not answer; see {self.folder}/nginx-error.log", seconds=START_S)

    def start_workers(self, count: int, *, concurrency: int) -> None:
        """Start workers that run `concurrency` analyses each, beside those that run, and wait for their heartbeats."""
        new = [self._start_worker(f"worker-{len(self.workers) + number + 1}", free_port(), concurrency) for number in range(count)]
        self.workers += new
        for member in new:
            self.await_worker(member)

    def restart_api(self, member: Member) -> int:
        """SIGTERM, wait for the end, start anew on the same port, wait for readiness; the exit code of the old process."""
        code = self.processes.stop(member.process, within_s=END_S)
        member.process = self._start_api(member.name, member.port).process
        self.await_api(member)
        return code

    def restart_worker(self, member: Member, *, concurrency: int) -> int:
        """The same for a worker."""
        code = self.processes.stop(member.process, within_s=END_S)
        member.process = self._start_worker(member.name, member.port, concurrency).process
        self.await_worker(member)
        return code

    def stop_workers(self, *, but: int = 0) -> None:
        """Stop the workers that still run, all but the first `but` of them."""
        living = [member for member in self.workers if member.process.poll() is None]
        for member in living[but:]:
            self.processes.stop(member.process, within_s=END_S)
        self.workers = living[:but]

    def _start_api(self, name: str, port: int) -> Member:
        command = [sys.executable, "-m", "crew.cli", "serve"]
        return Member(name, port, self.processes.start(name, command, self._environment(name, PORT=str(port))))

    def _start_worker(self, name: str, port: int, concurrency: int) -> Member:
        variables = {"STOCKCREW_WORKER_CONCURRENCY": str(concurrency), "STOCKCREW_WORKER_METRICS_PORT": str(port)}
        return Member(name, port, self.processes.start(name, [sys.executable, "-m", "crew.cli", "worker"], self._environment(name, **variables)))

    def await_api(self, member: Member) -> None:
        """Wait until the process answers /readyz with 200.

        Raises:
            NotReady: it does not, or has ended.
        """
        self._await(member, lambda: self._status(f"http://127.0.0.1:{member.port}/readyz") == 200)

    def await_worker(self, member: Member) -> None:
        """Wait until the worker has a heartbeat, as its probe on Kubernetes does.

        Raises:
            NotReady: it has none, or has ended.
        """
        settings = Settings(worker_metrics_port=member.port, dead_after_s=DEAD_AFTER_S, heartbeat_s=HEARTBEAT_S)
        self._await(member, lambda: unhealthy("worker", settings, now=time.time()) is None)

    def _await(self, member: Member, is_ready: Any) -> None:
        def settled() -> bool:
            return member.process.poll() is not None or is_ready()

        await_that(settled, f"{member.name} is not ready; see {self.folder / member.name}.log", seconds=START_S, pause_s=0.2)
        if member.process.poll() is not None:
            raise NotReady(f"{member.name} ended with {member.process.returncode}; see {self.folder / member.name}.log")

    @staticmethod
    def _status(url: str) -> int:
        try:
            return requests.get(url, timeout=5).status_code
        except requests.RequestException:
            return 0

    def submit(self, symbols: Sequence[str], *, as_of: str) -> list[str]:
        """Post analyses through the proxy; their ids."""
        ids = []
        for symbol in symbols:
            answer = requests.post(f"{self.url}/v1/analyses", json={"symbol": symbol, "as_of": as_of, "force": True}, timeout=20)
            answer.raise_for_status()
            ids.append(str(answer.json()["id"]))
        return ids

    def report(self, id: str) -> dict[str, Any]:
        """A finished analysis's report."""
        answer = requests.get(f"{self.url}/v1/analyses/{id}/report", headers={"Accept": "application/json"}, timeout=20)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def rows(self, statement: str, **values: object) -> Sequence[sa.Row[Any]]:
        """Rows of the database."""
        with self.engine.connect() as connection:
            return connection.execute(sa.text(statement), values).all()

    def await_ended(self, ids: Sequence[str], *, seconds: float) -> None:
        """Wait until every analysis has ended.

        Raises:
            NotReady: one has not.
        """
        waiting = "SELECT count(*) AS n FROM analyses WHERE id = ANY(:ids) AND finished_at IS NULL"
        await_that(lambda: self.rows(waiting, ids=list(ids))[0].n == 0, f"of {len(ids)} analyses some do not end", seconds=seconds)

    def set_latency(self, seconds: float) -> None:
        """Let the model server take exactly this long for each answer."""
        requests.post(f"{self.model_url}/latency", json={"seconds": seconds}, timeout=10).raise_for_status()

    def calls_served(self) -> int:
        """Calls that the model server has answered so far."""
        return int(json.loads(requests.get(f"{self.model_url}/counts", timeout=10).content)["calls"])
