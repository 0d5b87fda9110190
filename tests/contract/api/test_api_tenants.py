"""What one tenant has is nothing to another: every declared operation is walked with the wrong key, with none, and with too small a scope."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.automation import HOOK
from fakes.jobs import FakeJobs
from fakes.reports import small_report
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.contract import Operation, operations_of
from api.routes import RESOURCES
from api.services import of
from crew.domain import amp
from crew.settings import Settings
from crew.store.keys import Scope

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
ALL = list(operations_of(RESOURCES))
KEYED = [operation for operation in ALL if operation.scope != "public"]
# What is the service's and not a tenant's: the same for every key.
SHARED_PARTS = {"name"}


@pytest.fixture
def production(settings: Settings, jobs: FakeJobs) -> Flask:
    changed = {
        "env": "production",
        "secret_key": "x" * 32,
        "requests_per_minute": 10_000,
        "failed_logins_per_minute": 10_000,
        "data_dir": settings.data_dir,
        "webhook_allowed_networks": ("127.0.0.0/8",),
    }
    return create_app(Settings.model_validate(changed), jobs=jobs, clock=lambda: NOW)


@pytest.fixture
def client(production: Flask) -> FlaskClient:
    return production.test_client()


def a_key(app: Flask, tenant: str, *scopes: Scope) -> dict[str, str]:
    """A key of the tenant's, as a header."""
    return {"Authorization": f"Bearer {of(app).keys.issue('production', tenant=tenant, name='k', scopes=scopes)[1]}"}


@pytest.fixture
def mine(production: Flask) -> dict[str, str]:
    return a_key(production, "acme", "admin")


@pytest.fixture
def theirs(production: Flask) -> dict[str, str]:
    return a_key(production, "globex", "admin")


@pytest.fixture
def owned(production: Flask, client: FlaskClient, jobs: FakeJobs, mine: dict[str, str]) -> Mapping[str, str]:
    """One resource of each kind, by the name of its part in a path."""

    def made(path: str, **body: Any) -> dict[str, Any]:
        answer = client.post(path, json=body, headers=mine)
        assert answer.status_code in {200, 201, 202}, (path, answer.get_data(as_text=True))
        return dict(answer.get_json())

    analysis = made("/v1/analyses", symbol="AAPL")["id"]
    jobs.finish(analysis, "succeeded", report=small_report(analysis))
    uploaded = client.post("/v1/documents?name=notes.txt", data=b"Revenue rose.", headers={**mine, "Content-Type": "text/plain"})
    assert uploaded.status_code == 201, uploaded.get_data(as_text=True)
    watchlist = made("/v1/watchlists", name="core", symbols=["AAPL"])["id"]
    schedule = made("/v1/schedules", watchlist_id=watchlist, cron="0 6 * * *", timezone="UTC")["id"]
    endpoint = made("/v1/webhook-endpoints", url=HOOK, event_types=["analysis.succeeded"])["id"]
    made(f"/v1/webhook-endpoints/{endpoint}/test")
    delivery = client.get(f"/v1/webhook-endpoints/{endpoint}/deliveries", headers=mine).get_json()["data"][0]["id"]
    return {
        "analysis_id": analysis,
        "evidence_id": "price.last",
        "kickoff_id": amp.kickoff_id(analysis),
        "batch_id": made("/v1/batches", items=[{"symbol": "MSFT"}])["id"],
        "document_id": uploaded.get_json()["id"],
        "watchlist_id": watchlist,
        "schedule_id": schedule,
        "run_id": made(f"/v1/schedules/{schedule}/run")["id"],
        "endpoint_id": endpoint,
        "delivery_id": delivery,
        "key_id": made("/v1/api-keys", name="other", scopes=["read"])["id"],
    }


def address(operation: Operation, owned: Mapping[str, str]) -> str:
    return re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda part: owned.get(part.group(1), "x"), operation.path)


def sent(client: FlaskClient, operation: Operation, path: str, headers: Mapping[str, str]) -> Any:
    """The answer to a well-formed request of the operation."""
    more: dict[str, Any] = {"headers": dict(headers) | ({} if operation.method == "GET" else {"If-Match": "*"})}
    if operation.body_example is not None:
        more["json"] = operation.body_example
    elif operation.body is not None:
        more["json"] = {}
    return client.open(path, method=operation.method, **more)


def test_every_kind_of_resource_is_walked(owned: Mapping[str, str]) -> None:
    """A new route with a part that the walk knows nothing of makes this fail: give the walk such a resource."""
    parts = {part for operation in KEYED for part in operation.path_parameters}

    assert parts - SHARED_PARTS == set(owned)


def test_what_is_theirs_is_there_for_them(client: FlaskClient, owned: Mapping[str, str], mine: dict[str, str]) -> None:
    """The owner finds every one of these resources: a 404 to others is about them, not about the address."""
    walked = [operation for operation in KEYED if operation.method == "GET" and set(operation.path_parameters) & set(owned)]
    statuses = {operation.id: sent(client, operation, address(operation, owned), mine).status_code for operation in walked}

    assert len(walked) >= 10
    assert set(statuses.values()) == {200}, statuses


def test_another_tenants_key_finds_nothing(client: FlaskClient, owned: Mapping[str, str], theirs: dict[str, str]) -> None:
    """Every operation on a resource of one tenant is 404 with the key of another."""
    walked = [operation for operation in KEYED if set(operation.path_parameters) & set(owned)]
    statuses = {operation.id: sent(client, operation, address(operation, owned), theirs).status_code for operation in walked}

    assert len(walked) >= 25
    assert {id: status for id, status in statuses.items() if status != 404} == {}


def test_another_tenants_lists_are_empty(client: FlaskClient, owned: Mapping[str, str], theirs: dict[str, str]) -> None:
    """No list, count or stream that a key can ask for names anything of another tenant."""
    walked = [operation for operation in KEYED if operation.method == "GET" and not operation.path_parameters]
    for operation in walked:
        query = f"?analysis_id={owned['analysis_id']}" if operation.path == "/v1/events" else ""
        answer = client.get(operation.path + query, headers=theirs)
        assert answer.status_code == (404 if query else 200), operation.id
        text = answer.get_data(as_text=True)
        assert not [id for name, id in owned.items() if name != "evidence_id" and id in text and not query], operation.id


def test_references_to_another_tenants_resources_are_refused(client: FlaskClient, owned: Mapping[str, str], theirs: dict[str, str]) -> None:
    """A body that names another tenant's watchlist, and a ticket for its analysis, are refused as if there were none."""
    schedule = {"watchlist_id": owned["watchlist_id"], "cron": "0 6 * * *", "timezone": "UTC"}
    answers = [
        client.post("/v1/schedules", json=schedule, headers=theirs),
        client.post("/v1/stream-tickets", json={"analysis_ids": [owned["analysis_id"]]}, headers=theirs),
        client.get(f"/v1/analyses?batch_id={owned['batch_id']}", headers=theirs),
    ]

    assert answers[0].status_code == 404
    assert answers[1].status_code in {404, 422}
    assert answers[2].get_json()["data"] == []


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.id)
def test_without_a_key_only_the_public_answers(client: FlaskClient, operation: Operation) -> None:
    """Everything that is not declared public is 401 without a key."""
    status = client.open(re.sub(r"<[^>]+>", "x", operation.path), method=operation.method).status_code

    assert (status == 401) == (operation.scope != "public")


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.id)
def test_each_operation_wants_its_scope(production: Flask, client: FlaskClient, operation: Operation) -> None:
    """A key with every scope but the declared one and `admin` is 403, before anything of the request is looked at."""
    others: list[Scope] = [scope for scope in ("read", "run") if scope != operation.scope]
    answer = client.open(re.sub(r"<[^>]+>", "x", operation.path), method=operation.method, headers=a_key(production, "acme", *others))

    assert answer.status_code == 403
    assert f"`{operation.scope}`" in answer.get_data(as_text=True)
