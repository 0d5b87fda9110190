"""One stream over several analyses, tickets for browsers, heartbeats."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from fakes.jobs import FakeJobs
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from api.sse import EventFeed, StreamGate
from crew.domain.analysis import AnalysisRequest
from crew.settings import Settings

SSE = {"Accept": "text/event-stream"}
NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


def parsed(text: str) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Every event in a stream's text: id, type, data."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])


@pytest.fixture
def pair(client: FlaskClient, jobs: FakeJobs) -> list[str]:
    """Two ended analyses with logs of four and three events."""
    ids = [str(client.post("/v1/analyses", json={"symbol": symbol}).get_json()["id"]) for symbol in ("AAPL", "MSFT")]
    jobs.start(ids[0])
    jobs.log(ids[0], "step.started", step="collect")
    jobs.finish(ids[0], "succeeded")
    jobs.start(ids[1])
    jobs.finish(ids[1], "failed")
    return ids


def watch(ids: list[str]) -> str:
    return "/v1/events?" + "&".join(f"analysis_id={id}" for id in ids)


def test_one_stream_shows_several_analyses(client: FlaskClient, pair: list[str]) -> None:
    """A snapshot of each comes first, then every event of each in order, and a done for each."""
    events = list(parsed(client.get(watch(pair), headers=SSE).get_data(as_text=True)))

    assert [(kind, data["analysis_id"]) for _, kind, data in events[:2]] == [("snapshot", id) for id in pair]
    for id, count in zip(pair, (4, 3), strict=True):
        mine = [(kind, data["seq"]) for _, kind, data in events if data["analysis_id"] == id]
        assert [seq for kind, seq in mine if kind not in {"snapshot", "done"}] == list(range(1, count + 1))
        assert mine[-1] == ("done", count)
    assert (events[0][0], events[-1][0]) == ("0.0", "4.3")


def test_the_stream_of_several_resumes_anywhere(client: FlaskClient, pair: list[str]) -> None:
    """Behind the id of any event come exactly the events that were not sent before it."""
    full = [
        (id, data["analysis_id"], data["seq"])
        for id, kind, data in parsed(client.get(watch(pair), headers=SSE).get_data(as_text=True))
        if kind not in {"snapshot", "done"}
    ]
    for place, (last_id, *_) in enumerate(full[:-1]):
        rest = parsed(client.get(watch(pair), headers={**SSE, "Last-Event-ID": last_id}).get_data(as_text=True))
        assert [(data["analysis_id"], data["seq"]) for _, kind, data in rest if kind not in {"snapshot", "done"}] == [
            (id, seq) for _, id, seq in full[place + 1 :]
        ]
    over = client.get(watch(pair), headers={**SSE, "Last-Event-ID": full[-1][0]})
    assert over.status_code == 204


def test_pages_of_several_walk_every_event_once(client: FlaskClient, pair: list[str]) -> None:
    """The JSON form gives the same events page by page."""
    seen, after, done = [], "0.0", False
    while not done:
        page = client.get(f"{watch(pair)}&limit=2&after={after}").get_json()
        seen += [(item["analysis_id"], item["seq"]) for item in page["data"]]
        after, done = page["next_after"], page["done"]

    assert seen == [(pair[0], seq) for seq in range(1, 5)] + [(pair[1], seq) for seq in range(1, 4)]


def test_what_cannot_be_watched(client: FlaskClient, jobs: FakeJobs, pair: list[str]) -> None:
    """No analysis, a malformed one and a place of another stream are 422, an unknown one 404, a deleted one 410."""
    jobs.delete(pair[1], tenant="local")
    statuses = [
        client.get(path, headers=SSE).status_code
        for path in ("/v1/events", "/v1/events?analysis_id=x", f"{watch(pair[:1])}&after=1.2", watch([*pair[:1], "an_" + "z" * 26]), watch(pair))
    ]

    assert statuses == [422, 422, 422, 404, 410]


def test_an_analysis_deleted_under_a_stream_ends_its_part(client: FlaskClient, app: Flask, jobs: FakeJobs, analysis_id: str) -> None:
    """The stream ends without done when its analysis is deleted, and frees its place."""
    frames = iter(client.get(f"/v1/analyses/{analysis_id}/events", headers=SSE).response)
    begun = list(islice(frames, 3))
    with jobs._lock:
        jobs.finish(analysis_id, "canceled")
        jobs.delete(analysis_id, tenant="local")
    text = b"".join([*begun, *frames]).decode()

    assert [kind for _, kind, _ in parsed(text)] == ["snapshot", "analysis.queued"]
    assert client.get(f"/v1/analyses/{analysis_id}/events", headers=SSE).status_code == 410


def test_a_quiet_stream_beats(jobs: FakeJobs) -> None:
    """Where nothing happens a comment is sent at every beat, so that proxies keep the connection."""
    made = jobs.submit(AnalysisRequest(symbol="AAPL"), tenant="t").analysis
    feed = EventFeed(
        lambda: [jobs.get(made.id, tenant="t")],
        lambda: jobs.pulses([made.id], tenant="t"),
        lambda analysis_id, after: jobs.events(analysis_id, tenant="t", after=after),
        lambda analysis: {"id": analysis.id},
        lambda: NOW,
    )
    frames = feed.frames([0], StreamGate(1, longest_s=60, heartbeat_s=0.05))

    assert len(list(islice((frame for frame in frames if frame == b": still here\n\n"), 3))) == 3


@pytest.fixture
def production(settings: Settings, jobs: FakeJobs) -> tuple[Flask, dict[str, datetime]]:
    """The application where a key is required, with a clock that the test moves."""
    moment = {"now": NOW}
    made = Settings.model_validate({"env": "production", "secret_key": "x" * 32, "data_dir": settings.data_dir, "stream_max_s": 0.3})
    return create_app(made, jobs=jobs, clock=lambda: moment["now"]), moment


def key(app: Flask, tenant: str, scope: str = "run") -> tuple[str, dict[str, str]]:
    made, text = of(app).keys.issue("production", tenant=tenant, name="t", scopes=["read", scope])
    return made.id, {"Authorization": f"Bearer {text}"}


def ticket(app: Flask, headers: dict[str, str], analysis_id: object) -> str:
    made = app.test_client().post("/v1/stream-tickets", json={"analysis_id": analysis_id}, headers=headers)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert datetime.fromisoformat(made.get_json()["expires_at"]) == NOW + timedelta(seconds=60)
    return str(made.get_json()["ticket"])


def test_a_ticket_opens_its_stream_once(production: tuple[Flask, dict[str, datetime]], jobs: FakeJobs) -> None:
    """Without a header the ticket opens the stream of its analysis, a second time it is 401, and nothing else opens to it."""
    app, _ = production
    client, (_, mine) = app.test_client(), key(app, "acme")
    ids = [client.post("/v1/analyses", json={"symbol": symbol}, headers=mine).get_json()["id"] for symbol in ("AAPL", "MSFT")]
    for id in ids:
        jobs.finish(id, "succeeded")
    good = ticket(app, mine, ids[0])
    first = client.get(f"/v1/analyses/{ids[0]}/events?ticket={good}", headers=SSE)
    again = client.get(f"/v1/analyses/{ids[0]}/events?ticket={good}", headers=SSE)
    other = client.get(f"/v1/analyses/{ids[1]}/events?ticket={ticket(app, mine, ids[0])}", headers=SSE)
    both = client.get(f"{watch(ids)}&ticket={ticket(app, mine, ids)}", headers=SSE)
    elsewhere = client.get(f"/v1/analyses/{ids[0]}?ticket={ticket(app, mine, ids[0])}")

    assert (first.status_code, again.status_code, other.status_code, both.status_code, elsewhere.status_code) == (200, 401, 404, 200, 401)
    assert "event: done" in first.get_data(as_text=True)


def test_a_ticket_ends_with_its_minute_and_its_key(production: tuple[Flask, dict[str, datetime]]) -> None:
    """After 60 seconds, after its key was revoked, or made up, a ticket is 401."""
    app, moment = production
    client, (key_id, mine) = app.test_client(), key(app, "acme")
    id = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=mine).get_json()["id"]
    old, orphan = ticket(app, mine, id), ticket(app, mine, id)
    of(app).keys.end(key_id, tenant="acme", at=NOW)
    revoked = client.get(f"/v1/analyses/{id}/events?ticket={orphan}", headers=SSE)
    moment["now"] = NOW + timedelta(seconds=60)
    late = client.get(f"/v1/analyses/{id}/events?ticket={old}", headers=SSE)
    made_up = client.get(f"/v1/analyses/{id}/events?ticket=st_guess", headers=SSE)

    assert [answer.status_code for answer in (revoked, late, made_up)] == [401, 401, 401]
    assert old.encode() not in (of(app).settings.data_dir / "stockcrew.db").read_bytes()


def test_no_ticket_for_what_is_not_yours(production: tuple[Flask, dict[str, datetime]]) -> None:
    """Another tenant's analysis cannot be made into a ticket or watched."""
    app, _ = production
    client, (_, mine), (_, theirs) = app.test_client(), key(app, "acme"), key(app, "globex")
    id = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=mine).get_json()["id"]

    assert client.post("/v1/stream-tickets", json={"analysis_id": id}, headers=theirs).status_code == 404
    assert client.get(watch([id]), headers={**theirs, **SSE}).status_code == 404
