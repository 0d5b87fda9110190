"""The CrewAI AMP façade over HTTP."""

import uuid
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from fakes.automation import HOOK, new_key
from fakes.jobs import FakeJobs
from fakes.reports import small_report
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from crew.domain import amp
from crew.domain.analysis import EventType, Status
from crew.domain.ids import new_id
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.sealing import Seal
from crew.store.webhook_tables import analysis_hooks


@pytest.fixture
def jobs() -> FakeJobs:
    """Jobs whose ids are real ones: AMP knows them as UUIDs."""
    return FakeJobs(*(new_id("an") for _ in range(3)))


def kickoff(client: FlaskClient, symbol: str = "AAPL", **more: Any) -> str:
    """The kickoff_id of a new execution."""
    return str(client.post("/kickoff", json={"inputs": {"symbol": symbol}, **more}).get_json()["kickoff_id"])


def test_the_inputs_are_named(client: FlaskClient) -> None:
    """What a kickoff must give."""
    assert client.get("/inputs").get_json() == {"inputs": ["symbol"]}


def test_a_kickoff_is_an_analysis(client: FlaskClient, jobs: FakeJobs) -> None:
    """200 with a UUID, which is the id of the analysis that `/v1/analyses` shows; the same request under way is the same execution."""
    answer = client.post("/kickoff", json={"inputs": {"symbol": "aapl", "as_of": "2026-03-12", "language": "es"}, "meta": {"a": 1}})
    id = answer.get_json()["kickoff_id"]
    again = client.post("/kickoff", json={"inputs": {"symbol": "AAPL", "as_of": "2026-03-12", "language": "es", "model": "", "force": "false"}})
    seen = client.get("/v1/analyses").get_json()["data"][0]

    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert str(uuid.UUID(id)) == id
    assert amp.analysis_id(id) == seen["id"]
    assert (seen["symbol"], seen["as_of"], seen["language"]) == ("AAPL", "2026-03-12", "es")
    assert again.get_json()["kickoff_id"] == id
    assert len(jobs.analyses) == 1


def test_force_starts_anew(client: FlaskClient, jobs: FakeJobs) -> None:
    """The input `force` means what it means elsewhere."""
    first = kickoff(client)
    jobs.finish(str(amp.analysis_id(first)), "succeeded", report=small_report())

    assert kickoff(client) == first
    assert client.post("/kickoff", json={"inputs": {"symbol": "AAPL", "force": "True"}}).get_json()["kickoff_id"] != first


@pytest.mark.parametrize("status", get_args(Status))
def test_every_state_has_amps_words(client: FlaskClient, jobs: FakeJobs, status: Status) -> None:
    """`status` as documented and `state` as polled, for each of our own states."""
    id = kickoff(client)
    analysis_id = str(amp.analysis_id(id))
    if status == "running":
        jobs.start(analysis_id)
    elif status != "queued":
        jobs.start(analysis_id)
        jobs.finish(analysis_id, status, report=small_report(analysis_id) if status == "succeeded" else None)
    body = client.get(f"/status/{id}").get_json()
    words = {
        "queued": ("running", "PENDING"),
        "running": ("running", "RUNNING"),
        "succeeded": ("completed", "SUCCESS"),
        "failed": ("error", "FAILED"),
        "canceled": ("error", "FAILED"),
    }

    assert (body["status"], body["state"]) == words[status]
    members = {
        "running": {"status", "state", "current_task", "progress"},
        "completed": {"status", "state", "result", "execution_time"},
        "error": {"status", "state", "error", "execution_time"},
    }
    assert set(body) == members[body["status"]]


def test_a_result_has_the_report_and_each_tasks_text(client: FlaskClient, jobs: FakeJobs) -> None:
    """`output` is the Markdown report; a task's output is its prose with the figures in place."""
    id = kickoff(client)
    analysis_id = str(amp.analysis_id(id))
    jobs.start(analysis_id)
    jobs.log(analysis_id, "step.finished", step="report", milliseconds=1500)
    jobs.finish(analysis_id, "succeeded", report=small_report(analysis_id))
    result = client.get(f"/status/{id}").get_json()["result"]

    assert result["output"] == client.get(f"/v1/analyses/{analysis_id}/report?format=md").get_data(as_text=True)
    assert [task["task_id"] for task in result["tasks"]] == ["report"]
    assert result["tasks"][0]["execution_time"] == 1.5
    assert "[[" not in result["tasks"][0]["output"]
    assert "260.83" in result["tasks"][0]["output"]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b'{"inputs": {}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": " "}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "../x"}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL", "as_of": "soon"}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL", "force": "maybe"}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL", "budget": "9"}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": 7}}', 422, "Validation Error"),
        (b'{"inputs": []}', 422, "Validation Error"),
        (b"{}", 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL"}, "taskwebhookurl": "https://example.com/"}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL"}, "taskWebhookUrl": "https://10.0.0.1/"}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL"}, "humanInputWebhook": {"url": "http://localhost/"}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL"}, "webhooks": {"url": "https://example.com/", "events": []}}', 422, "Validation Error"),
        (b'{"inputs": {"symbol": "AAPL"}, "meta": {"a": "' + b"x" * 5000 + b'"}}', 422, "Validation Error"),
        (b"{", 400, "The body is not valid JSON"),
    ],
)
def test_errors_are_amps(client: FlaskClient, jobs: FakeJobs, body: bytes, status: int, error: str) -> None:
    """Every refusal is `{error, message}` as plain JSON, and nothing is started."""
    answer = client.post("/kickoff", data=body, content_type="application/json")

    assert (answer.status_code, answer.mimetype, answer.get_json()["error"]) == (status, "application/json", error)
    assert answer.get_json()["message"]
    assert set(answer.get_json()) <= {"error", "message", "details"}
    assert not jobs.analyses


def test_missing_inputs_are_listed(client: FlaskClient) -> None:
    """As AMP documents it."""
    assert client.post("/kickoff", json={"inputs": {}}).get_json() == {
        "error": "Validation Error",
        "message": "Missing required inputs",
        "details": {"missing_inputs": ["symbol"]},
    }


@pytest.mark.parametrize("id", ["4b0f0a2e-6a51-4c1f-9b7e-0d6a3c1f2e58", "nope", "an_" + "a" * 26, "%00", "0" * 32])
def test_an_unknown_execution_is_404(client: FlaskClient, id: str) -> None:
    """In AMP's form, for the status and for a resume."""
    answer = client.get(f"/status/{id}")
    resumed = client.post("/resume", json={"execution_id": id, "task_id": "t", "human_feedback": "", "is_approve": True})

    assert (answer.status_code, answer.get_json()["error"]) == (404, "Execution not found")
    assert resumed.status_code == 404


def test_resume_is_refused_as_documented(client: FlaskClient) -> None:
    """An execution that waits for nobody cannot be resumed: 400, also with the webhook addresses that AMP wants repeated."""
    body = {"execution_id": kickoff(client), "task_id": "report", "human_feedback": "good", "is_approve": True, "taskWebhookUrl": HOOK}
    answer = client.post("/resume", json=body)
    incomplete = client.post("/resume", json={"execution_id": "x"})

    assert (answer.status_code, set(answer.get_json())) == (400, {"error", "message", "details"})
    assert "human input" in answer.get_json()["message"]
    assert incomplete.status_code == 422


def test_keys_scopes_and_tenants_hold_here_too(settings: Settings, jobs: FakeJobs) -> None:
    """Without a key 401, without the scope 403, another tenant's execution 404, each in AMP's form."""
    changed = {"env": "production", "secret_key": "x" * 32, "data_dir": settings.data_dir}
    app: Flask = create_app(Settings.model_validate(changed), jobs=jobs)
    client = app.test_client()
    reader, runner, other = new_key(app, "acme", "read"), new_key(app, "acme", "run"), new_key(app, "globex", "admin")
    body = {"inputs": {"symbol": "AAPL"}}
    made = client.post("/kickoff", json=body, headers=runner).get_json()["kickoff_id"]
    answers = [client.get("/inputs"), client.post("/kickoff", json=body, headers=reader), client.get(f"/status/{made}", headers=other)]

    assert [answer.status_code for answer in answers] == [401, 403, 404]
    assert all(set(answer.get_json()) == {"error", "message"} and answer.mimetype == "application/json" for answer in answers)
    assert answers[0].headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get(f"/status/{made}", headers=reader).status_code == 200


def test_hooks_and_their_tokens_are_kept(client: FlaskClient, settings: Settings, jobs: FakeJobs) -> None:
    """All four kinds are attached, the question's is not; the token is stored sealed; the same kickoff again adds nothing."""
    stream = {"events": ["task_started"], "url": HOOK, "realtime": True, "authentication": {"strategy": "bearer", "token": "t0ken-of-mine"}}
    human = {"url": HOOK, "authentication": {"strategy": "basic", "username": "u", "password": "p"}}
    urls = {"taskWebhookUrl": HOOK, "stepWebhookUrl": HOOK, "crewWebhookUrl": HOOK}
    for _ in range(2):
        kickoff(client, webhooks=stream, humanInputWebhook=human, **urls)
    engine = make_engine(settings)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(analysis_hooks).order_by(analysis_hooks.c.kind)).all()
    engine.dispose()
    sealed = rows[2].authorization

    assert [(row.kind, row.url, row.realtime) for row in rows] == [(kind, HOOK, True) for kind in ("crew", "step", "stream", "task")]
    assert "t0ken" not in str(rows)
    assert Seal(lambda: secret_key(settings)).open(sealed, context=rows[2].id) == "Bearer t0ken-of-mine"
    assert len(jobs.analyses) == 1


def test_ids_and_uuids_are_the_same_thing() -> None:
    """Every id round-trips through its UUID; what is not exactly a UUID is none."""
    for _ in range(50):
        id = new_id("an")
        assert amp.analysis_id(amp.kickoff_id(id)) == id
    for text in (
        "",
        "x",
        "{018eae2d-a17a-7f13-9401-574d55737551}",
        "018eae2da17a7f139401574d55737551",
        "urn:uuid:018eae2d-a17a-7f13-9401-574d55737551",
    ):
        assert amp.analysis_id(text) is None


def test_every_event_type_is_known_to_the_stream() -> None:
    """Whatever is logged either has a name of CrewAI's event bus or is left out on purpose."""
    named = {type: amp.streamed_name(type, {"step": "research", "outcome": "ok"}) for type in get_args(EventType)}

    assert {type for type, name in named.items() if name is None} == {"analysis.queued", "analysis.estimated"}
    assert set(amp.STATUS) == set(amp.STATE) == set(get_args(Status))
