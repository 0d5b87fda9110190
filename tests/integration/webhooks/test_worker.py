"""Real worker processes that deliver webhooks and keep schedules, killed in the middle; and one log behind every door."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.webhook_receiver import Receiver
from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook

from api.app import create_app
from api.services import of
from crew.domain import amp
from crew.settings import Settings, inherited_environment

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import sys
from pathlib import Path
from crew.jobs.worker import run_worker
from crew.settings import load_settings
from fakes.pipeline import SlowPipeline
settings = load_settings()
sys.exit(run_worker(settings, SlowPipeline(settings, Path(sys.argv[1]), seconds=0)))
"""


class Service:
    """The API in this process and workers beside it, on one database."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings.model_copy(update={"market_data": "sample"})
        self.folder = folder
        self.app = create_app(self.settings)
        self.client: FlaskClient = self.app.test_client()
        self.workers: list[subprocess.Popen[str]] = []

    def start_worker(self) -> subprocess.Popen[str]:
        """Start a worker."""
        variables = {
            "STOCKCREW_DATA_DIR": str(self.settings.data_dir),
            "STOCKCREW_MARKET_DATA": "sample",
            "STOCKCREW_POLL_INTERVAL_S": "0.05",
            "STOCKCREW_HEARTBEAT_S": "0.3",
            "STOCKCREW_DEAD_AFTER_S": "1.5",
            "STOCKCREW_WORKER_METRICS_PORT": "0",
            "STOCKCREW_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "STOCKCREW_WEBHOOK_TIMEOUT_S": "5",
            "STOCKCREW_LOG_LEVEL": "DEBUG",
        }
        if self.settings.database_url:
            variables["DATABASE_URL"] = self.settings.database_url
        environment = inherited_environment(PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")]), **variables)
        with (self.folder / f"worker-{len(self.workers)}.log").open("w") as sink:
            command = [sys.executable, "-c", WORKER, str(self.folder / "steps.log")]
            self.workers.append(subprocess.Popen(command, env=environment, stdout=sink, stderr=sink, text=True))
        return self.workers[-1]

    def logs(self) -> str:
        """What the workers have said."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("worker-*.log")))

    def wait_for(self, condition: Callable[[], object], *, seconds: float = 60) -> None:
        """Wait until `condition` holds, or fail the test."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.05)
        pytest.fail(f"not within {seconds} s; workers said: {self.logs()[-4000:]}")

    def deliveries(self) -> list[dict[str, Any]]:
        """The delivery log, newest first."""
        return list(self.client.get("/v1/webhook-deliveries?limit=100").get_json()["data"])

    def events(self, id: str) -> list[tuple[int, str, Any, Any]]:
        """The log of an analysis without what no two runs share."""
        page = self.client.get(f"/v1/analyses/{id}/events?limit=500").get_json()["data"]
        return [(event["seq"], event["type"], event["data"].get("step"), event["data"].get("symbol")) for event in page]

    def ended(self, id: str) -> bool:
        """Whether the analysis has ended."""
        return self.client.get(f"/v1/analyses/{id}").get_json()["status"] in {"succeeded", "failed", "canceled"}

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        of(self.app).jobs.close()


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    made = Service(settings, tmp_path)
    yield made
    made.close()


@pytest.fixture
def sqlite_service(sqlite_settings: Settings, tmp_path: Path) -> Iterator[Service]:
    made = Service(sqlite_settings, tmp_path)
    yield made
    made.close()


def test_deliveries_survive_kill_9(service: Service, receiver: Receiver) -> None:
    """A worker killed while a receiver holds its request is followed by one that delivers everything, each message under its first id."""
    made = service.client.post("/v1/webhook-endpoints", json={"url": receiver.url("/hang")}).get_json()
    path = f"/v1/webhook-endpoints/{made['id']}"
    tests = [service.client.post(f"{path}/test").get_json()["id"] for _ in range(3)]
    first = service.start_worker()
    service.wait_for(lambda: len(receiver.received) >= 2)
    first.kill()
    first.wait()
    held = {item.headers["webhook-id"] for item in receiver.received}
    receiver.go_on.set()
    service.client.patch(path, json={"url": receiver.url("/ok")}, headers={"If-Match": "*"})
    service.start_worker()
    service.wait_for(lambda: all(item["status"] == "delivered" for item in service.deliveries()))
    arrived = [item.headers["webhook-id"] for item in receiver.of("/ok")]

    assert sorted(arrived) == sorted(tests)
    assert held <= set(tests)
    assert sorted(item["id"] for item in service.deliveries()) == sorted(tests)
    for item in receiver.of("/ok"):
        assert Webhook(made["secret"]).verify(item.body, item.headers)["type"] == "webhook.test"


def test_every_door_leaves_the_same_log(service: Service, receiver: Receiver) -> None:
    """An analysis posted, kicked off in AMP's words, and run by a schedule has the same events; all are told to the endpoint."""
    client = service.client
    client.post("/v1/webhook-endpoints", json={"url": receiver.url("/all")})
    hooks = {f"{kind}WebhookUrl": receiver.url(f"/{kind}") for kind in ("task", "step", "crew")}
    watchlist = client.post("/v1/watchlists", json={"name": "w", "symbols": ["AAPL"]}).get_json()["id"]
    schedule = client.post("/v1/schedules", json={"watchlist_id": watchlist, "cron": "0 0 1 1 *", "paused": True}).get_json()["id"]
    service.start_worker()

    posted = client.post("/v1/analyses", json={"symbol": "AAPL"}).get_json()["id"]
    service.wait_for(lambda: service.ended(posted))
    kickoff = client.post("/kickoff", json={"inputs": {"symbol": "AAPL", "force": "true"}, "meta": {"n": 1}, **hooks}).get_json()["kickoff_id"]
    kicked = str(amp.analysis_id(kickoff))
    service.wait_for(lambda: service.ended(kicked))
    run = client.post(f"/v1/schedules/{schedule}/run").headers["Location"]
    service.wait_for(lambda: client.get(run).get_json()["status"] == "finished")
    scheduled = client.get(run).get_json()["items"][0]["analysis_id"]

    assert len({posted, kicked, scheduled}) == 3
    assert service.events(posted)[-1][1] == "analysis.succeeded"
    order = sorted(service.events(posted), key=lambda event: (event[1], str(event[2])))
    for other in (kicked, scheduled):
        assert [event[1:] for event in sorted(service.events(other), key=lambda event: (event[1], str(event[2])))] == [event[1:] for event in order]
    service.wait_for(lambda: len(receiver.of("/all")) == 6 and len(receiver.of("/crew")) == 1 and len(receiver.of("/task")) == 4)
    service.wait_for(lambda: all(item["status"] == "delivered" for item in service.deliveries()))
    status, crew = client.get(f"/status/{kickoff}").get_json(), receiver.of("/crew")[0].values
    assert (status["status"], status["state"]) == ("completed", "SUCCESS")
    assert {task["task_id"] for task in status["result"]["tasks"]} <= {"research", "fundamentals", "technicals", "report"}
    assert (crew["kickoff_id"], crew["meta"], crew["result"]) == (kickoff, {"n": 1}, status["result"]["output"])
    assert crew["result_json"]["symbol"] == "AAPL"
    assert crew["token_usage"]["total_tokens"] == 120
    assert {item.values["name"] for item in receiver.of("/task")} == {"research", "fundamentals", "technicals", "report"}
    assert all(item.values["output_json"] for item in receiver.of("/task"))
    assert len(receiver.of("/step")) == 8


def test_no_secret_is_said_anywhere(sqlite_service: Service, receiver: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    """The secrets of endpoints and the tokens of kickoffs are in no log, no delivery, no answer and not in the database."""
    service, token = sqlite_service, "canary-token-5b1e"
    made = service.client.post("/v1/webhook-endpoints", json={"url": receiver.url("/status/500?key=canary-query-77")}).get_json()
    path = f"/v1/webhook-endpoints/{made['id']}"
    rotated = service.client.post(f"{path}/rotate-secret").get_json()
    stream = {"events": ["crew_kickoff_completed"], "url": receiver.url("/stream"), "authentication": {"strategy": "bearer", "token": token}}
    answers = [service.client.post("/kickoff", json={"inputs": {"symbol": "AAPL"}, "webhooks": stream})]
    worker = service.start_worker()
    service.wait_for(lambda: receiver.of("/stream"))
    service.wait_for(lambda: len(service.deliveries()) == 3 and service.deliveries()[0]["attempts"])
    answers += [service.client.get(address) for address in (path, f"{path}/deliveries", "/v1/webhook-deliveries", "/metrics")]
    answers += [service.client.get(f"/v1/webhook-deliveries/{item['id']}") for item in service.deliveries()]
    answers.append(service.client.patch(path, json={"url": "http://10.0.0.1/"}))
    worker.terminate()
    code = worker.wait(timeout=30)
    said = service.logs() + "".join(capfd.readouterr()) + "".join(answer.get_data(as_text=True) for answer in answers if answer.request.path != path)
    stored = b"".join(file.read_bytes() for file in service.settings.data_dir.glob("stockcrew.db*")).decode("latin-1")

    assert code == 0
    assert receiver.of("/stream")[0].headers["authorization"] == f"Bearer {token}"
    assert "webhook_attempted" in said
    for secret in (made["secret"], rotated["secret"], token):
        assert secret.removeprefix("whsec_") not in said
        assert secret.removeprefix("whsec_") not in stored
    assert "canary-query" not in said
    assert not re.search(r"v1,[A-Za-z0-9+/]{20}", said)


def test_a_schedule_runs_by_itself(sqlite_service: Service) -> None:
    """A worker fires a schedule when its minute comes."""
    client = sqlite_service.client
    watchlist = client.post("/v1/watchlists", json={"name": "w", "symbols": ["AAPL", "MSFT"]}).get_json()["id"]
    schedule = client.post("/v1/schedules", json={"watchlist_id": watchlist, "cron": "* * * * *"}).get_json()
    due = of(sqlite_service.app).automation.schedules.get(schedule["id"], tenant="local").next_run_at
    sqlite_service.start_worker()
    runs = f"/v1/schedules/{schedule['id']}/runs"
    sqlite_service.wait_for(lambda: client.get(runs).get_json()["data"], seconds=75)
    sqlite_service.wait_for(lambda: client.get(runs).get_json()["data"][-1]["status"] == "finished")
    run = client.get(runs).get_json()["data"][-1]

    assert (run["trigger"], datetime.fromisoformat(run["due_at"])) == ("cron", due)
    assert [item["outcome"] for item in run["items"]] == ["created", "created"]
    for item in run["items"]:
        assert client.get(f"/v1/analyses/{item['analysis_id']}").get_json()["status"] == "succeeded"
