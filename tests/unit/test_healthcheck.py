"""What a container's health check says, against small servers on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from crew.healthcheck import main, unhealthy
from crew.jobs.metrics import WorkerMetrics
from crew.loopback import free_port
from crew.settings import Settings

Serve = Callable[[int, str], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that gives every request the same answer, and returns its port."""
    servers = []

    def start(status: int, body: str) -> int:
        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("part", "status", "state", "problem"),
    [
        ("api", 200, "ready", None),
        ("api", 200, "degraded", None),
        ("api", 503, "unavailable", "does not answer 200"),
        ("all", 200, "ready", None),
        ("all", 200, "degraded", "no worker is alive"),
        ("all", 503, "unavailable", "does not answer 200"),
    ],
)
def test_the_api_is_judged_by_its_readiness(serve: Serve, part: str, status: int, state: str, problem: str | None) -> None:
    """The API alone may be without a worker; both together may not."""
    found = unhealthy(part, Settings(port=serve(status, json.dumps({"status": state}))), now=0)

    assert (found is None) if problem is None else problem in str(found)


@pytest.mark.parametrize(("age", "problem"), [(0, None), (59, None), (61, "is 61 s old"), (None, "not had a heartbeat")])
def test_the_worker_is_judged_by_its_heartbeat(age: int | None, problem: str | None) -> None:
    """The worker's own metrics tell when it last reached the database."""
    metrics, now = WorkerMetrics(), 1_800_000_000.0
    if age is not None:
        metrics.last_beat.set(now - age)
    port = free_port()
    server = metrics.serve(Settings(worker_metrics_port=port))
    try:
        found = unhealthy("worker", Settings(worker_metrics_port=port), now=now)
    finally:
        assert server is not None
        server.shutdown()
        server.server_close()

    assert (found is None) if problem is None else problem in str(found)


def test_nothing_that_listens_is_unhealthy() -> None:
    """A process that is gone is told, for every part."""
    settings = Settings(port=free_port(), worker_metrics_port=free_port())

    assert all(unhealthy(part, settings, now=0) for part in ("api", "worker", "all"))
    assert "set STOCKCREW_WORKER_METRICS_PORT" in str(unhealthy("worker", Settings(worker_metrics_port=0), now=0))


def test_an_address_that_binds_everywhere_is_asked_on_loopback(serve: Serve) -> None:
    """`0.0.0.0` is where to listen, not where to ask."""
    settings = Settings(env="production", secret_key="k" * 32, host="0.0.0.0", port=serve(200, '{"status": "ready"}'))

    assert unhealthy("all", settings, now=0) is None


def test_exit_codes(serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """0 when well, 1 when not, 2 when called wrongly or configured wrongly."""
    monkeypatch.setenv("PORT", str(serve(200, '{"status": "degraded"}')))
    codes = [main(["api"]), main(["all"]), main([]), main(["everything"])]
    monkeypatch.setenv("PORT", "many")
    codes.append(main(["api"]))

    assert codes == [0, 1, 2, 2, 2]
    assert "no worker is alive" in capsys.readouterr().err
