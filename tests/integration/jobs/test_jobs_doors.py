"""One use case behind every door: whichever way an analysis is asked for, its event log is the same; and deadlines in the queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.pipeline import SlowPipeline
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.domain.amp import analysis_id
from crew.domain.analysis import Analysis, AnalysisRequest, Event, Progress, Status
from crew.jobs.budget import left_s
from crew.jobs.client import JobClient
from crew.jobs.deadlines import Deadlines
from crew.jobs.inline import analyze
from crew.settings import Settings
from crew.store.engine import make_engine

if TYPE_CHECKING:
    from conftest import Service


@contextmanager
def door(service: Service) -> Iterator[FlaskClient]:
    """The API over the service's database."""
    app = create_app(service.settings)
    try:
        yield app.test_client()
    finally:
        of(app).jobs.close()


def outline(events: Iterable[Event]) -> list[tuple[str, str | None, str | None]]:
    """What happened, in an order that does not depend on which of several parallel tasks was faster."""
    told = [(event.type, event.data.get("step") or event.data.get("task"), event.data.get("agent")) for event in events]
    first = next(place for place, item in enumerate(told) if item[1] in {"research", "fundamentals", "technicals"})
    last = max(place for place, item in enumerate(told) if item[1] in {"research", "fundamentals", "technicals"})
    return told[:first] + sorted(told[first : last + 1], key=str) + told[last + 1 :]


def posted(client: FlaskClient, path: str, body: dict[str, object]) -> dict[str, object]:
    """The accepted answer to a post."""
    answer = client.post(path, json=body)
    assert answer.status_code < 300, answer.get_data(as_text=True)
    found: dict[str, object] = answer.get_json()
    return found


def test_every_door_leaves_the_same_log(service: Service) -> None:
    """Post, batch, schedule and AMP give one sequence of events for one request, and the command line the same but for the queue."""
    service.start_worker()
    with door(service) as client:
        asked = {"symbol": "AAPL", "force": True}
        single = str(posted(client, "/v1/analyses", asked)["id"])
        service.finished(single)
        batch = posted(client, "/v1/batches", {"items": [asked]})
        batched = str(batch["items"][0]["analysis_id"])  # type: ignore[index]
        service.finished(batched)
        kicked = analysis_id(str(posted(client, "/kickoff", {"inputs": {"symbol": "AAPL", "force": "true"}})["kickoff_id"])) or ""
        service.finished(kicked)
        watchlist = posted(client, "/v1/watchlists", {"name": "one", "symbols": ["AAPL"]})["id"]
        schedule = posted(client, "/v1/schedules", {"watchlist_id": watchlist, "cron": "0 0 1 1 *", "timezone": "UTC", "paused": True})["id"]
        posted(client, f"/v1/schedules/{schedule}/run", {})
        service.wait_for(lambda: client.get(f"/v1/analyses?schedule_id={schedule}").get_json()["data"])
        listed = client.get(f"/v1/analyses?schedule_id={schedule}").get_json()["data"]
        scheduled = service.finished(str(listed[0]["id"])).id
        others = client.get("/v1/analyses?schedule_id=sc_aaaaaaaaaaaaaaaaaaaaaaaaaa").get_json()["data"]

    inline: list[Event] = []
    settings = service.settings
    analyze(AnalysisRequest(symbol="AAPL"), settings, on_event=inline.append, pipeline=SlowPipeline(settings, service.log, seconds=0))
    logs = {id: outline(service.client.events(id, limit=500)) for id in (single, batched, kicked, scheduled)}
    assert len(logs) == 4
    assert all(log == logs[single] for log in logs.values())
    assert logs[single][0] == ("analysis.queued", None, None)
    assert outline(inline) == logs[single][1:]
    assert ([item["id"] for item in listed], others) == ([scheduled], [])


def test_a_deadline_ends_what_waits(sqlite_service: Service) -> None:
    """An analysis that waits behind another beyond its own deadline fails in the queue, by its own code, and is never begun."""
    service = sqlite_service
    service.hold("collect")
    service.start_worker(STOCKCREW_WORKER_CONCURRENCY="1")
    first = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    service.wait_for(lambda: service.client.get(first).status == "running")
    late = service.client.submit(AnalysisRequest(symbol="MSFT", deadline_s=1)).analysis.id
    ended = service.finished(late)
    service.release("collect")

    assert (ended.status, ended.failure and ended.failure.code, ended.started_at) == ("failed", "deadline_exceeded", None)
    assert service.finished(first).status == "succeeded"
    assert [event.type for event in service.client.events(late)] == ["analysis.queued", "analysis.failed"]
    assert service.steps().count("begin collect") == 1


def test_the_time_left_is_the_lesser_of_both_limits(tmp_path: Path) -> None:
    """The service's limit counts from the start of the work, the request's own from its making."""
    made = datetime(2026, 3, 12, 12, tzinfo=UTC)
    settings = Settings(data_dir=tmp_path, job_deadline_s=100)

    def left(*, own: int | None, started_after_s: float | None, at_s: float) -> float:
        started = None if started_after_s is None else made + timedelta(seconds=started_after_s)
        request = AnalysisRequest(symbol="AAPL", deadline_s=own)
        analysis = Analysis(id="an_1", tenant="t", request=request, status="running", progress=Progress(), created_at=made, started_at=started)
        return left_s(analysis, settings, made + timedelta(seconds=at_s))

    assert left(own=None, started_after_s=None, at_s=500) == 100
    assert left(own=None, started_after_s=400, at_s=450) == 50
    assert left(own=460, started_after_s=400, at_s=450) == 10
    assert left(own=900, started_after_s=400, at_s=450) == 50
    assert left(own=30, started_after_s=None, at_s=40) == -10


def test_only_what_is_overdue_is_ended(service: Service) -> None:
    """By the clock of the watch: what has time left, or no deadline of its own, goes on waiting; it is told once."""
    now = datetime.now(UTC)
    client = JobClient(service.settings, clock=lambda: now)
    ids = [client.submit(AnalysisRequest(symbol="AAPL", deadline_s=seconds)).analysis.id for seconds in (60, 120, None)]
    client.close()
    ended: list[Status] = []
    engine = make_engine(service.settings)
    watch = Deadlines(engine, service.settings, ended=ended.append, clock=lambda: now + timedelta(seconds=61))
    rounds = [watch.round(), watch.round()]
    engine.dispose()

    assert rounds == [True, False]
    assert ended == ["failed"]
    assert [service.client.get(id).status for id in ids] == ["failed", "queued", "queued"]


def test_wishes_survive_the_database(service: Service) -> None:
    """A request is read back as it was asked, joins only its like, and a retry asks for the same."""
    wished = AnalysisRequest(symbol="AAPL", depth="quick", focus=("risks", "growth"), deadline_s=600)
    made = service.client.submit(wished).analysis
    joined = service.client.submit(wished)
    other = service.client.submit(AnalysisRequest(symbol="AAPL"))
    service.client.cancel(made.id)
    again = service.client.retry(made.id).analysis

    assert made.request == wished
    assert (joined.outcome, joined.analysis.id) == ("joined", made.id)
    assert other.outcome == "created"
    assert again.request == wished.model_copy(update={"force": True})
    assert made.config_version is not None
    assert made.config_version == again.config_version
