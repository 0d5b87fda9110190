"""Several processes and several servers over a real Redis: what is counted together is exact, also while processes die and Redis is away."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from fakes.waiting import is_listening, is_up, until

from api.counters import WINDOW_S
from crew.jobs.migrate import migrate
from crew.loopback import free_port
from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.keys import KeyLimits, KeyStore

REDIS = shutil.which("redis-server")
PASSWORD = "secret-of-redis"
pytestmark = pytest.mark.skipif(REDIS is None, reason="redis-server is missing")


class Redis:
    """A Redis of the test's own, which can be stopped."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        options = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--requirepass",
            PASSWORD,
            "--dir",
            str(folder),
        ]
        self.process = subprocess.Popen([str(REDIS), *options], stdout=subprocess.DEVNULL)
        until(lambda: is_listening(self.port), within_s=90)

    def forget(self) -> None:
        """Drop all that it keeps."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(f"AUTH {PASSWORD}\r\nFLUSHALL\r\nQUIT\r\n".encode())
            while connection.recv(4096):
                pass

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def migrated(folder: Path) -> Settings:
    """A database that servers share."""
    settings = Settings(data_dir=folder)
    migrate(settings)
    return settings


@dataclass
class Together:
    """Two servers, one of three processes, that share a Redis and a database."""

    urls: list[str]
    pid: int
    database: Settings


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    made = Redis(tmp_path_factory.mktemp("redis"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def running(start_shared_server: Callable[..., object], redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Together:
    """The servers, started once."""
    database = migrated(tmp_path_factory.mktemp("together"))
    more = {"STOCKCREW_DATA_DIR": str(database.data_dir), "STOCKCREW_FAILED_LOGINS_PER_MINUTE": "5"}
    servers = [start_shared_server("api.server", wait=False, **shared(redis, WEB_CONCURRENCY=count, **more)) for count in ("3", "1")]
    for served in servers:
        until(lambda url=served.url: is_up(url), within_s=90)
    return Together([served.url for served in servers], servers[0].process.pid, database)


@pytest.fixture
def together(running: Together, redis: Redis) -> Together:
    """The servers, with nothing counted yet."""
    redis.forget()
    return running


def key(database: Settings, **limits: int) -> dict[str, str]:
    engine = make_engine(database)
    _, text = KeyStore(engine).issue("production", tenant="acme", name="k", scopes=["admin"], limits=KeyLimits.model_validate(limits))
    engine.dispose()
    return {"Authorization": f"Bearer {text}"}


def shared(redis: Redis, **more: str) -> dict[str, str]:
    """What servers that count together are set to."""
    return {"STOCKCREW_ENV": "production", "STOCKCREW_SECRET_KEY": "x" * 32, "REDIS_URL": redis.url, "STOCKCREW_THREADS": "8"} | more


def value(metrics: str, series: str) -> float:
    """A series' value in Prometheus' text."""
    found = [line.rsplit(" ", 1)[1] for line in metrics.splitlines() if line.startswith(series + " ")]
    assert len(found) <= 1, found
    return float(found[0]) if found else 0.0


def at_once(count: int, ask: Callable[[int], requests.Response]) -> list[int]:
    """The statuses of many answers, each over a connection of its own."""
    with ThreadPoolExecutor(8) as pool:
        return [answer.status_code for answer in pool.map(ask, range(count))]


def workers_of(together: Together) -> list[psutil.Process]:
    return psutil.Process(together.pid).children()


def test_metrics_are_of_all_processes(together: Together) -> None:
    """Whichever process answers the scrape tells of all of them, exactly, and goes on to count what those did that have died."""
    url = together.urls[0]
    headers, series = (
        key(together.database, requests_per_minute=10_000),
        'stockcrew_http_requests_total{method="GET",route="/v1/analyses",status="200"}',
    )

    def ask(_number: int) -> requests.Response:
        return requests.get(f"{url}/v1/analyses", headers=headers, timeout=30)

    def scrapes() -> set[float]:
        return {value(requests.get(f"{url}/metrics", timeout=30).text, series) for _ in range(9)}

    assert at_once(150, ask) == [200] * 150
    first = scrapes()
    workers_of(together)[0].kill()
    until(lambda: len(workers_of(together)) == 3 and is_up(url), within_s=90)
    assert set(at_once(60, ask)) == {200}
    second, text = scrapes(), requests.get(f"{url}/metrics", timeout=30).text

    assert (first, second) == ({150.0}, {210.0})
    assert value(text, "stockcrew_http_requests_in_flight") == 1  # the scrape itself; what the dead one had in flight is forgotten
    assert value(text, 'stockcrew_http_request_duration_seconds_count{method="GET",route="/v1/analyses"}') == 210


def test_requests_of_a_key_are_counted_over_all_servers(together: Together) -> None:
    """Two servers, one with three processes, let together through what the key may send in a minute."""
    headers = key(together.database, requests_per_minute=30)
    statuses = at_once(80, lambda number: requests.get(f"{together.urls[number % 2]}/v1/analyses", headers=headers, timeout=30))

    assert set(statuses) == {200, 429}
    # The window slides, so that a place or two come back while the test runs.
    assert 30 <= statuses.count(200) <= 40


def test_bad_keys_of_an_address_are_counted_over_all_servers(together: Together) -> None:
    """An address does not gain tries by going from one server to the other."""
    bad = {"Authorization": "Bearer nonsense"}
    statuses = [requests.get(f"{together.urls[number % 2]}/v1/analyses", headers=bad, timeout=30).status_code for number in range(12)]

    assert statuses[:5] == [401] * 5
    assert statuses.count(401) <= 6


def test_streams_of_a_key_are_counted_over_all_servers(together: Together) -> None:
    """A key's streams have their places over all processes, and a place that is given back can be had on another server."""
    headers = key(together.database, streams=3) | {"Accept": "text/event-stream"}
    made = requests.post(f"{together.urls[0]}/v1/analyses", json={"symbol": "AAPL"}, headers=key(together.database), timeout=30).json()["id"]

    def open_stream(number: int) -> requests.Response:
        return requests.get(f"{together.urls[number % 2]}/v1/analyses/{made}/events", headers=headers, stream=True, timeout=30)

    streams = [open_stream(number) for number in range(6)]
    refused = next(answer for answer in streams if answer.status_code == 429)
    assert sorted(answer.status_code for answer in streams) == [200] * 3 + [429] * 3
    assert refused.json()["violated-policies"] == ["streams"]
    assert refused.headers["Retry-After"]
    next(answer for answer in streams if answer.status_code == 200).close()
    until(lambda: open_stream(1).status_code == 200, within_s=90)
    for answer in streams:
        answer.close()


def test_without_redis_the_service_goes_on(start_server: Callable[..., object], tmp_path: Path) -> None:
    """While Redis is away each process counts by itself, says so once a minute, and nothing tells its password."""
    redis, database = Redis(tmp_path), migrated(tmp_path / "data")
    served = start_server("api.server", **shared(redis))
    headers = key(database, requests_per_minute=5)
    first = requests.get(f"{served.url}/v1/analyses", headers=headers, timeout=30)
    redis.stop()
    until(lambda: time.monotonic() % WINDOW_S < WINDOW_S * 2 / 3, within_s=90)  # the next window would give places back
    statuses = [requests.get(f"{served.url}/v1/analyses", headers=headers, timeout=30).status_code for _ in range(8)]
    served.process.terminate()
    served.process.wait(timeout=15)
    log = served.log.read_text()

    assert first.status_code == 200
    assert statuses == [200] * 5 + [429] * 3
    assert log.count("redis_unavailable") == 1
    assert PASSWORD not in log
