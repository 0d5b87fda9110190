"""The event log over HTTP: the stream and the pages."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, get_args

import pytest
from fakes.jobs import FakeJobs
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from api.agui import SCHEMA, TABLE, Control, translate
from api.services import of
from crew.domain.analysis import EventType

SSE = {"Accept": "text/event-stream"}


def parsed(text: str) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Every event in a stream's text: id, type, data."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])


@pytest.fixture
def finished(jobs: FakeJobs, analysis_id: str) -> str:
    """An analysis whose log has five events."""
    jobs.start(analysis_id)
    jobs.log(analysis_id, "step.started", step="collect")
    jobs.log(analysis_id, "step.finished", step="collect", note="a\nb\n\nevent: fake")
    jobs.finish(analysis_id, "succeeded")
    return analysis_id


def test_a_stream_is_snapshot_log_done(client: FlaskClient, finished: str) -> None:
    """The stream begins with a snapshot, gives every event in order under its integer id, and ends with done."""
    response = client.get(f"/v1/analyses/{finished}/events", headers=SSE)

    events = list(parsed(response.get_data(as_text=True)))
    assert response.mimetype == "text/event-stream"
    assert (response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert response.get_data(as_text=True).startswith("retry: 3000\n\n")
    assert [(seq, kind) for seq, kind, _ in events] == [
        (0, "snapshot"),
        (1, "analysis.queued"),
        (2, "analysis.started"),
        (3, "step.started"),
        (4, "step.finished"),
        (5, "analysis.succeeded"),
        (5, "done"),
    ]
    assert events[0][2]["data"]["status"] == "succeeded"  # type: ignore[index]
    assert {frozenset(data) for _, _, data in events} == {frozenset({"seq", "type", "at", "analysis_id", "data"})}


@pytest.mark.parametrize("after", range(5))
def test_resuming_repeats_and_misses_nothing(client: FlaskClient, finished: str, after: int) -> None:
    """Behind any Last-Event-ID the stream gives exactly the events that follow it."""
    response = client.get(f"/v1/analyses/{finished}/events", headers={**SSE, "Last-Event-ID": str(after)})

    logged = [seq for seq, kind, _ in parsed(response.get_data(as_text=True)) if kind not in {"snapshot", "done"}]
    assert logged == list(range(after + 1, 6))


def test_after_the_end_a_reconnect_is_204(client: FlaskClient, finished: str) -> None:
    """A client that has everything is told to stop reconnecting."""
    response = client.get(f"/v1/analyses/{finished}/events", headers={**SSE, "Last-Event-ID": "5"})

    assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "99999999999"])
def test_a_wrong_last_event_id_is_422(client: FlaskClient, finished: str, value: str) -> None:
    """Last-Event-ID must be one of our integer ids."""
    response = client.get(f"/v1/analyses/{finished}/events", headers={**SSE, "Last-Event-ID": value})

    assert (response.status_code, response.get_json()["errors"][0]["parameter"]) == (422, "Last-Event-ID")


def test_a_stream_follows_a_running_analysis(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """Events that happen while the stream is open arrive on it, up to done."""
    frames = iter(client.get(f"/v1/analyses/{analysis_id}/events?format=sse").response)
    seen = list(islice(frames, 3))
    jobs.start(analysis_id)
    seen.append(next(frames))
    jobs.finish(analysis_id, "succeeded")
    seen += frames

    kinds = [kind for _, kind, _ in parsed(b"".join(seen).decode())]
    assert kinds == ["snapshot", "analysis.queued", "analysis.started", "analysis.succeeded", "done"]


def test_missing_history_is_told(client: FlaskClient, jobs: FakeJobs, finished: str) -> None:
    """Where the log was cut the stream says so instead of passing over it."""
    del jobs.logs[finished][1:3]
    events = list(parsed(client.get(f"/v1/analyses/{finished}/events", headers=SSE).get_data(as_text=True)))

    assert [(kind, data["data"]) for _, kind, data in events if kind == "gap"] == [("gap", {"missing_from": 2, "missing_to": 3})]


def test_the_stop_of_the_process_ends_streams(app: Flask, client: FlaskClient, analysis_id: str) -> None:
    """When the process stops, an open stream ends without done, so that its client resumes elsewhere. So does one that still reaches it."""
    frames = iter(client.get(f"/v1/analyses/{analysis_id}/events", headers=SSE).response)
    begun = list(islice(frames, 3))
    of(app).streams.stopping.set()
    text = b"".join([*begun, *frames]).decode()

    late = client.get(f"/v1/analyses/{analysis_id}/events", headers=SSE)

    assert [kind for _, kind, _ in parsed(text)] == ["snapshot", "analysis.queued"]
    assert late.status_code == 200
    assert [kind for _, kind, _ in parsed(late.get_data(as_text=True))] == ["snapshot", "analysis.queued"]


def test_streams_beyond_the_cap_are_503_and_places_come_back(app: Flask, client: FlaskClient, finished: str) -> None:
    """The cap refuses with Retry-After, JSON pages still work, and a closed stream gives its place back."""
    gate = of(app).streams
    for _ in range(gate.capacity):
        assert gate.enter()

    refused = client.get(f"/v1/analyses/{finished}/events", headers=SSE)
    page = client.get(f"/v1/analyses/{finished}/events")
    gate.leave()
    for _ in range(3):
        with client.get(f"/v1/analyses/{finished}/events", headers=SSE) as served:
            assert served.status_code == 200
    with client.head(f"/v1/analyses/{finished}/events", headers=SSE) as head:
        assert head.status_code == 200
    with client.get(f"/v1/analyses/{finished}/events", headers=SSE) as last:
        assert last.status_code == 200

    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_streams")
    assert refused.headers["Retry-After"]
    assert page.status_code == 200


def test_json_pages(client: FlaskClient, finished: str) -> None:
    """Pages walk the log by seq and say when it has ended."""
    first = client.get(f"/v1/analyses/{finished}/events?limit=3").get_json()
    second = client.get(f"/v1/analyses/{finished}/events?limit=3&after={first['next_after']}").get_json()

    assert [item["seq"] for item in first["data"] + second["data"]] == [1, 2, 3, 4, 5]
    assert (first["done"], second["done"], second["next_after"]) == (False, True, 5)


def test_events_are_neither_html_nor_anything_else(client: FlaskClient, finished: str) -> None:
    """Only the stream and JSON are offered."""
    assert client.get(f"/v1/analyses/{finished}/events", headers={"Accept": "text/html"}).status_code == 406


def agui(text: str) -> list[tuple[int, dict[str, Any]]]:
    """Every event of an AG-UI stream with its id."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\n\n")]
    assert not any("event" in block for block in blocks)
    return [(int(block["id"]), json.loads(block["data"])) for block in blocks if "data" in block]


def test_the_log_is_told_in_the_words_of_ag_ui(client: FlaskClient, finished: str) -> None:
    """A run begins, its state and steps follow, what AG-UI has no word for keeps our name, and nothing comes behind the end of the run."""
    answer = client.get(f"/v1/analyses/{finished}/events?format=ag-ui")
    events = agui(answer.get_data(as_text=True))

    assert answer.mimetype == "text/event-stream"
    assert [(id, event["type"]) for id, event in events] == [
        (0, "RUN_STARTED"),
        (0, "STATE_SNAPSHOT"),
        (1, "CUSTOM"),
        (2, "CUSTOM"),
        (3, "STEP_STARTED"),
        (4, "STEP_FINISHED"),
        (5, "RUN_FINISHED"),
    ]
    assert events[0][1]["runId"] == events[-1][1]["runId"] == finished
    assert events[1][1]["snapshot"]["status"] == "succeeded"
    assert [event["name"] for _, event in events if event["type"] == "CUSTOM"] == ["analysis.queued", "analysis.started"]
    assert events[4][1]["stepName"] == "collect"
    assert all(isinstance(event["timestamp"], int) for _, event in events)


def test_an_ag_ui_stream_goes_on_where_it_was_cut(client: FlaskClient, finished: str) -> None:
    """A resumed stream begins no second run: all that was sent before and after is one run; behind its end there is nothing."""
    path = f"/v1/analyses/{finished}/events?format=ag-ui"
    whole = agui(client.get(path).get_data(as_text=True))
    rest = agui(client.get(path, headers={"Last-Event-ID": "3"}).get_data(as_text=True))

    assert [event["type"] for _, event in rest] == ["STATE_SNAPSHOT", "STEP_FINISHED", "RUN_FINISHED"]
    assert rest[1:] == whole[-2:]
    assert client.get(path, headers={"Last-Event-ID": "5"}).status_code == 204


@pytest.mark.parametrize(("status", "code"), [("failed", "stale_data"), ("canceled", "canceled")])
def test_ag_ui_tells_how_a_run_failed(status: str, code: str) -> None:
    """Failure and cancellation are errors of the run with their code."""
    told = {"seq": 3, "type": f"analysis.{status}", "at": "2026-03-12T12:00:00+00:00", "analysis_id": "an_1", "data": {"code": code, "message": "m"}}

    assert [(event["type"], event["code"]) for event in translate(f"analysis.{status}", told)] == [("RUN_ERROR", code)]  # type: ignore[arg-type]


def test_every_kind_of_event_has_a_place_in_ag_ui() -> None:
    """A kind of event that is added to the log or the stream cannot be forgotten there."""
    assert set(TABLE) == {*get_args(EventType), *get_args(Control)}


def test_a_burst_of_events_is_one_write(client: FlaskClient, finished: str) -> None:
    """However many events a look at the log finds, they leave in one piece, so that a stream writes at most twice a second."""
    pieces = list(client.get(f"/v1/analyses/{finished}/events", headers=SSE).response)

    assert [sum(line.startswith(b"event:") for line in piece.splitlines()) for piece in pieces] == [0, 1, 6]


def test_what_ag_ui_is_told_fits_the_document(client: FlaskClient, finished: str) -> None:
    """Each event is valid by the schema that the OpenAPI document gives for it, and every type in it can occur."""
    for _, event in agui(client.get(f"/v1/analyses/{finished}/events?format=ag-ui").get_data(as_text=True)):
        Draft202012Validator(SCHEMA).validate(event)
    told = {"seq": 0, "at": "2026-03-12T12:00:00+00:00", "analysis_id": "an_1", "data": {"step": "collect"}}
    kinds = {event["type"] for kind in TABLE for event in translate(kind, told | {"type": kind})}

    assert kinds == set(SCHEMA["properties"]["type"]["enum"])
