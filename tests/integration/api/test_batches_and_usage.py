"""Batches, usage and what tenants see of each other, over HTTP with the real job client on SQLite."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.domain.analysis import Failure
from crew.domain.run import ModelCall
from crew.jobs.client import JobClient
from crew.jobs.migrate import migrate
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from crew.store.keys import KeyLimits


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path, stream_max_s=1)
    migrate(made)
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    of(made).jobs.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def in_production(settings: Settings) -> Settings:
    return Settings.model_validate({"env": "production", "secret_key": "x" * 32, "data_dir": settings.data_dir})


@pytest.fixture
def production(settings: Settings) -> Iterator[Flask]:
    made = create_app(in_production(settings))
    yield made
    of(made).jobs.close()


@pytest.fixture
def production_at_noon(settings: Settings) -> Iterator[Flask]:
    """The same where no day turns while a test counts by days."""
    noon = datetime.now(UTC).replace(hour=12)
    changed = in_production(settings)
    made = create_app(changed, jobs=JobClient(changed, clock=lambda: noon), clock=lambda: noon)
    yield made
    of(made).jobs.close()


def test_good_items_are_begun_and_bad_ones_explained(client: FlaskClient) -> None:
    """Each item is answered in its place: an analysis, or a problem with pointers into the item."""
    items = [{"symbol": "aapl", "metadata": {"row": "1"}}, {"symbol": "../x", "nope": 1}, {}, {"symbol": "MSFT", "as_of": "2026-03-12"}]
    made = client.post("/v1/batches", json={"items": items})

    body = made.get_json()
    assert (made.status_code, made.headers["Location"]) == (202, f"/v1/batches/{body['id']}")
    assert made.headers["Retry-After"]
    assert [item["outcome"] for item in body["items"]] == ["created", "refused", "refused", "created"]
    assert [item["index"] for item in body["items"]] == [0, 1, 2, 3]
    assert {error["pointer"] for error in body["items"][1]["problem"]["errors"]} == {"#/symbol", "#/nope"}
    assert (body["items"][2]["problem"]["code"], body["items"][2]["problem"]["type"]) == ("invalid_request", "/problems/invalid_request")
    assert body["counts"] == {"total": 4, "refused": 2, "queued": 2, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0, "deleted": 0}
    listed = client.get(body["urls"]["analyses"]).get_json()["data"]
    assert {item["symbol"] for item in listed} == {"AAPL", "MSFT"}
    assert {item["batch_id"] for item in listed} == {body["id"]}
    assert next(item for item in listed if item["symbol"] == "AAPL")["metadata"] == {"row": "1"}


def test_on_error_stop(client: FlaskClient) -> None:
    """Behind a refused item nothing is begun, and each item that was skipped says why."""
    body = client.post("/v1/batches", json={"items": [{"symbol": "AAPL"}, {"symbol": 7}, {"symbol": "MSFT"}], "on_error": "stop"}).get_json()

    assert [item["outcome"] for item in body["items"]] == ["created", "refused", "skipped"]
    assert body["items"][2]["problem"]["code"] == "batch_stopped"
    assert len(client.get("/v1/analyses").get_json()["data"]) == 1


@pytest.mark.parametrize("body", [{}, {"items": []}, {"items": [{"symbol": "A"}] * 101}, {"items": ["AAPL"]}, {"items": [{}], "on_error": "ignore"}])
def test_what_is_no_batch_is_refused_whole(client: FlaskClient, body: object) -> None:
    """An empty or overlong list, items that are no objects and unknown choices are 422."""
    assert client.post("/v1/batches", json=body).status_code == 422


def test_a_batch_of_a_hundred(client: FlaskClient) -> None:
    """The largest batch is accepted, every analysis is there, and a page of the list shows them all."""
    body = client.post("/v1/batches", json={"items": [{"symbol": f"S{number}"} for number in range(100)]}).get_json()
    listed = client.get(f"{body['urls']['analyses']}&limit=100").get_json()

    assert body["counts"]["queued"] == 100
    assert [item["symbol"] for item in listed["data"]] == [f"S{number}" for number in reversed(range(100))]
    assert listed["next_cursor"] is None


def test_a_batch_is_watched_and_canceled(app: Flask, client: FlaskClient) -> None:
    """Its ETag holds while nothing changes; canceling ends what waits, and a finished batch asks nobody to come back."""
    made = client.post("/v1/batches", json={"items": [{"symbol": "AAPL"}, {"symbol": "MSFT"}]}).get_json()
    first = client.get(made["urls"]["self"])
    same = client.get(made["urls"]["self"], headers={"If-None-Match": first.headers["ETag"], "Prefer": "wait=1"})
    client.post(f"/v1/analyses/{made['items'][0]['analysis_id']}/cancel")
    while of(app).streams.enter():
        pass  # Nobody can wait any more, and need not: there is news.
    changed = client.get(made["urls"]["self"], headers={"If-None-Match": first.headers["ETag"], "Prefer": "wait=30"})
    ended = client.post(made["urls"]["cancel"])
    after = client.get(made["urls"]["self"], headers={"Prefer": "wait=10"})

    assert (same.status_code, same.headers["Preference-Applied"]) == (304, "wait=1")
    assert changed.headers["Preference-Applied"] == "wait=30"
    assert (changed.status_code, changed.get_json()["counts"]["canceled"], changed.get_json()["status"]) == (200, 1, "running")
    assert (ended.status_code, ended.get_json()["status"], ended.get_json()["counts"]["canceled"]) == (200, "finished", 2)
    assert "Retry-After" in first.headers
    assert "Retry-After" not in after.headers


def test_a_batch_sent_again_under_its_key_is_the_same(client: FlaskClient) -> None:
    """The first answer is replayed with its marker, and nothing is made twice."""
    body, headers = {"items": [{"symbol": "AAPL", "force": True}]}, {"Idempotency-Key": "batch-1"}
    first, again = (client.post("/v1/batches", json=body, headers=headers) for _ in range(2))
    other = client.post("/v1/batches", json={"items": [{"symbol": "MSFT"}]}, headers=headers)

    assert (again.status_code, again.data, again.headers["Idempotent-Replayed"]) == (202, first.data, "true")
    assert again.headers["Location"] == first.headers["Location"]
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("id", ["ba_" + "z" * 26, "ba_x", "nope", "an_" + "z" * 26])
def test_an_unknown_batch_is_404(client: FlaskClient, id: str) -> None:
    """Unknown and impossible ids are not found."""
    assert [client.get(f"/v1/batches/{id}").status_code, client.post(f"/v1/batches/{id}/cancel").status_code] == [404, 404]


def test_tenants_have_batches_and_usage_of_their_own(production_at_noon: Flask) -> None:
    """With another tenant's key a batch does not exist, its filter shows nothing, and usage and quota are those of the key that asks."""
    production = production_at_noon
    client = production.test_client()
    mine, theirs = (
        {"Authorization": f"Bearer {of(production).keys.issue('production', tenant=tenant, name='t', scopes=['admin'], limits=limits)[1]}"}
        for tenant, limits in (("acme", KeyLimits(analyses_per_hour=5, usd_per_day=2.5)), ("globex", None))
    )
    made = client.post("/v1/batches", json={"items": [{"symbol": "AAPL"}]}, headers=mine).get_json()
    analysis_id = made["items"][0]["analysis_id"]
    store = AnalysisStore(make_engine(of(production).settings), clock=of(production).clock)
    store.begin(analysis_id, total_tasks=1)
    call = ModelCall(task="report", agent="reporter", model="m/one", prompt_tokens=100, completion_tokens=10, milliseconds=1, cost_usd=0.25)
    store.log(analysis_id, "model.called", call.model_dump(mode="json"))

    assert [client.get(made["urls"]["self"], headers=theirs).status_code, client.post(made["urls"]["cancel"], headers=theirs).status_code] == [
        404,
        404,
    ]
    assert client.get(made["urls"]["analyses"], headers=theirs).get_json()["data"] == []
    used, other = (client.get("/v1/usage", headers=headers).get_json() for headers in (mine, theirs))
    assert [(day["models"][0]["model"], day["prompt_tokens"], day["cost_usd"]) for day in used["data"]] == [("m/one", 100, 0.25)]
    assert used["total"]["cost_usd"] == 0.25
    assert used["quota"]["analyses_per_hour"] == {"limit": 5, "used": 1, "left": 4}
    assert used["quota"]["usd_per_day"] == {"limit": 2.5, "used": 0.25, "left": 2.25}
    assert used["quota"]["concurrent_analyses"] == {"limit": None, "used": 1, "left": None}
    assert (other["data"], other["total"]["calls"], other["quota"]["usd_per_day"]["used"]) == ([], 0, 0)
    assert client.get(f"/v1/analyses/{analysis_id}", headers=mine).get_json()["usage"]["cost_usd"] == 0.25


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?from=2026-03-01&to=2026-02-01", 200), ("?to=0001-01-01", 200), ("?from=0", 422), ("?to=2026-02-30", 422), ("?from=x", 422)],
)
def test_usage_is_asked_by_day(client: FlaskClient, query: str, status: int) -> None:
    """Days are written as dates; a range that is none holds nothing."""
    answer = client.get(f"/v1/usage{query}")

    assert answer.status_code == status
    assert status != 200 or answer.get_json()["data"] == []


def test_providers_tell_how_they_have_answered(client: FlaskClient, settings: Settings) -> None:
    """Market data and models are unknown before anything was tried, and failing where half of it failed; a wrong ticker is no failure of theirs."""
    before = client.get("/v1/providers")
    store = AnalysisStore(make_engine(settings))
    for symbol, code in (("AAPL", "market_data_unavailable"), ("NOPE", "symbol_not_found")):
        id = client.post("/v1/analyses", json={"symbol": symbol}).get_json()["id"]
        store.begin(id, total_tasks=1)
        for outcome in ("ok", "ok", "error"):
            call = ModelCall(task="t", agent="a", model="rules", prompt_tokens=1, completion_tokens=1, milliseconds=1, cost_usd=0, outcome=outcome)
            store.log(id, "model.called", call.model_dump(mode="json"))
        store.finish(id, "failed", failure=Failure(code=code, message="no", retryable=True))
    after = client.get("/v1/providers", headers={"If-None-Match": before.headers["ETag"]})

    assert {item["health"]["status"] for item in before.get_json()["data"]} == {"unknown"}
    found = {item["kind"]: item["health"] for item in after.get_json()["data"]}
    assert found == {"market_data": {"status": "failing", "tried": 2, "failed": 1}, "model": {"status": "ok", "tried": 6, "failed": 2}}
