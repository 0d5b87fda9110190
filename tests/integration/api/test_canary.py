"""A secret planted in every setting that holds one is seen nowhere: not in an answer, a metric, a log line, a webhook or the database."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.postgres import SERVER, fresh_database
from fakes.webhook_receiver import Receiver

from crew.settings import Settings, inherited_environment
from crew.store.keytext import make_key

ROOT = Path(__file__).resolve().parents[3]
BODIES = [b'{"symbol":"../x"}', b"{", b'{"symbol":"AAPL","force":1}', b""]
ENDED = {"succeeded", "failed", "canceled"}


def canary(name: str) -> str:
    return f"canary-{name}-7f3a9c51d2e84b06"


@dataclass
class Planted:
    """A service with a secret in every place that takes one, and all that was seen of it."""

    variables: dict[str, str]
    key: str
    secrets: list[str]
    url: str = ""
    seen: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """An answer, which is kept."""
        headers = {"Authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        answer = requests.request(method, self.url + path, headers=headers, timeout=60, **more)
        self.seen[f"{method} {path} {len(self.seen)}"] = f"{answer.headers}{answer.text}"
        return answer

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What a command says, which is kept."""
        environment = inherited_environment(**self.variables)
        done = subprocess.run([sys.executable, "-m", "crew.cli", *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
        self.seen[f"stockcrew {' '.join(command)} {len(self.seen)}"] = done.stdout + done.stderr
        return done

    def found(self) -> list[str]:
        """Where a secret was seen."""
        return [f"{secret} in {where}" for where, text in self.seen.items() for secret in self.secrets if secret in text]


def echo(request: ModelRequest) -> Reply:
    """A provider that repeats the key it was sent, as some do when they refuse it."""
    return Reply(status=400, raw=b'{"error":{"message":"bad key %s"}}' % request.headers.get("authorization", "").encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database, with a password in it where there are passwords."""
    if request.param == "sqlite":
        yield ""
        return
    with fresh_database() as url:
        yield url.replace("stockcrew@", f"stockcrew:{canary('database')}@")


@pytest.fixture
def planted(tmp_path: Path, database: str) -> Iterator[Planted]:
    bootstrap = make_key("production").text
    with ModelProvider(echo) as provider:
        yield Planted(
            {
                "STOCKCREW_ENV": "production",
                "STOCKCREW_SECRET_KEY": canary("secret-key"),
                "STOCKCREW_BOOTSTRAP_KEY": bootstrap,
                "STOCKCREW_DATA_DIR": str(tmp_path),
                "STOCKCREW_MARKET_DATA": "sample",
                "STOCKCREW_POLL_INTERVAL_S": "0.05",
                "STOCKCREW_WORKER_METRICS_PORT": "0",
                "STOCKCREW_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
                "STOCKCREW_LOG_LEVEL": "DEBUG",
                "DATABASE_URL": database,
                "REDIS_URL": f"redis://:{canary('redis')}@127.0.0.1:1/0",
                "OPENAI_API_KEY": canary("openai"),
                "OPENAI_BASE_URL": f"{provider.url}/v1",
                "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            },
            bootstrap,
            [canary("secret-key"), canary("database"), canary("redis"), canary("openai"), bootstrap.rsplit("_", 1)[1]],
        )


@pytest.mark.timeout(400)
def test_secrets_stay_inside(start_server: Callable[..., Any], planted: Planted, tmp_path: Path, database: str) -> None:
    """Through good requests, bad ones, a provider that repeats its key, webhooks, commands and the loss of the database nothing gets out."""
    planted.run("migrate")
    served = start_server("api.server", **planted.variables)
    planted.url = served.url
    log = tmp_path / "worker.log"
    with log.open("w") as sink:
        environment = inherited_environment(**planted.variables)
        worker = subprocess.Popen([sys.executable, "-m", "crew.cli", "worker"], env=environment, cwd=ROOT, stdout=sink, stderr=sink)
    receiver = Receiver()
    try:
        use(planted, receiver)
        planted.run("doctor")
        planted.seen["database"] = dump(database, tmp_path)
        if database:
            lose_the_database(planted, database)
    finally:
        worker.terminate()
        served.process.terminate()
        worker.wait(timeout=60)
        served.process.wait(timeout=60)
        receiver.close()
    planted.seen |= {"the API's log": served.log.read_text(), "the worker's log": log.read_text()}

    assert not planted.found()
    assert not [where for where, text in planted.seen.items() if where.startswith("GET") and ("gunicorn" in text.lower() or "Traceback" in text)]


def use(planted: Planted, receiver: Receiver) -> None:
    """Do a bit of everything."""
    hook = planted.ask("POST", "/v1/webhook-endpoints", json={"url": receiver.url("/"), "event_types": ["analysis.succeeded", "analysis.failed"]})
    planted.seen.popitem()  # the one answer that shows the secret
    planted.secrets.append(hook.json()["secret"].removeprefix("whsec_"))
    made = planted.ask("POST", "/v1/api-keys", json={"name": "k", "scopes": ["read"]}).json()
    planted.seen.popitem()
    planted.secrets.append(made["secret"].rsplit("_", 1)[1])
    good = planted.ask("POST", "/v1/analyses", json={"symbol": "AAPL"}).json()["id"]
    bad = planted.ask("POST", "/v1/analyses", json={"symbol": "MSFT", "model": "openai/gpt-5-mini"}).json()["id"]
    for id, status in ((good, "succeeded"), (bad, "failed")):
        deadline = time.monotonic() + 180
        while planted.ask("GET", f"/v1/analyses/{id}").json()["status"] not in ENDED:
            assert time.monotonic() < deadline, planted.seen
            time.sleep(0.5)
        assert planted.ask("GET", f"/v1/analyses/{id}").json()["status"] == status
        planted.ask("GET", f"/v1/analyses/{id}/events?limit=500")
        planted.ask("GET", f"/v1/analyses/{id}/events", headers={"Accept": "text/event-stream"})
    for form in ("json", "md", "html"):
        assert planted.ask("GET", f"/v1/analyses/{good}/report?format={form}").ok
    planted.ask("POST", "/v1/documents?name=n.txt", data=b"Net sales rose.", headers={"Content-Type": "text/plain"})
    paths = (
        "/v1/crew",
        "/v1/providers",
        "/v1/usage",
        "/v1/api-keys",
        "/v1/webhook-endpoints",
        "/v1/documents",
        "/metrics",
        "/readyz",
        "/docs",
        "/nope",
    )
    for path in (*paths, f"/v1/analyses/{good}/sources", f"/v1/analyses?cursor={planted.key}", f"/v1/analyses/{planted.key}"):
        planted.ask("GET", path)
    for content in BODIES:
        for media_type in ("application/json", "text/plain"):
            planted.ask("POST", "/v1/analyses", data=content, headers={"Content-Type": media_type})
    planted.ask("GET", "/v1/analyses", headers={"Authorization": f"Bearer {planted.key}x"})
    deadline = time.monotonic() + 60
    while len(receiver.received) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    planted.ask("GET", f"/v1/webhook-endpoints/{hook.json()['id']}/deliveries")
    planted.seen["webhooks"] = str(receiver.received)


def dump(database: str, folder: Path) -> str:
    """All that the database keeps."""
    if not database:
        return "".join(path.read_bytes().decode("latin-1") for path in folder.glob("stockcrew.db*"))
    program = shutil.which("pg_dump") or str(max(Path("/usr/lib/postgresql").glob("*/bin/pg_dump")))
    return subprocess.run([program, database], capture_output=True, text=True, check=True).stdout


def lose_the_database(planted: Planted, database: str) -> None:
    """Ask on, and run commands, while the database is away."""
    server = sa.create_engine(str(SERVER).replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {database.rsplit('/', 1)[1]} WITH (FORCE)"))
    server.dispose()
    assert planted.ask("GET", "/v1/analyses").status_code == 503
    assert planted.ask("GET", "/readyz").status_code == 503
    away = planted.variables | {"DATABASE_URL": f"postgresql://stockcrew:{canary('database')}@127.0.0.1:1/nothing"}
    lost = Planted(away, planted.key, planted.secrets, seen=planted.seen)
    assert lost.run("doctor").returncode != 0
    assert lost.run("migrate").returncode != 0
    wrong = Planted(
        planted.variables | {"DATABASE_URL": f"mysql://stockcrew:{canary('database')}@db/x"}, planted.key, planted.secrets, seen=planted.seen
    )
    assert wrong.run("migrate").returncode != 0


def test_no_secret_is_shown_with_its_settings() -> None:
    """Printed or logged as a whole, the settings do not tell what is secret, the passwords in addresses included."""
    settings = Settings.model_validate(
        {
            "secret_key": canary("secret-key"),
            "bootstrap_key": canary("bootstrap"),
            "redis_url": f"redis://:{canary('redis')}@r/0",
            "database_url": f"postgresql://u:{canary('database')}@db/x",
        }
    )

    assert "canary" not in repr(settings) + str(settings)
