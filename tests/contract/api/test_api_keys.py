"""API keys managed over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fakes.jobs import FakeJobs
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.settings import Settings

START = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def production(settings: Settings, jobs: FakeJobs, clock: Callable[[], datetime]) -> Flask:
    changed = {"env": "production", "secret_key": "x" * 32, "data_dir": settings.data_dir, "failed_logins_per_minute": 1000}
    return create_app(Settings.model_validate(changed), jobs=jobs, clock=clock)


@pytest.fixture
def admin(production: Flask) -> dict[str, str]:
    """The first key, made as the command line makes it."""
    _, text = of(production).keys.issue("production", tenant="acme", name="first", scopes=["admin"])
    return {"Authorization": f"Bearer {text}"}


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_key_is_shown_once_and_works(production: Flask, admin: dict[str, str]) -> None:
    """A new key works within its scopes, and its secret is in no later answer."""
    client = production.test_client()
    made = client.post("/v1/api-keys", json={"name": "job", "scopes": ["read"], "limits": {"requests_per_minute": 7}}, headers=admin)
    secret = made.get_json()["secret"]
    listed = client.get("/v1/api-keys", headers=admin)
    used = client.get("/v1/analyses", headers=bearer(secret))

    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert secret.startswith("sk_production_")
    assert {key["name"] for key in listed.get_json()["data"]} == {"first", "job"}
    assert secret not in listed.get_data(as_text=True)
    assert (used.status_code, used.headers["RateLimit-Policy"]) == (200, '"requests";q=7;w=60')
    assert client.post("/v1/analyses", json={"symbol": "AAPL"}, headers=bearer(secret)).status_code == 403
    assert client.get("/v1/api-keys", headers=bearer(secret)).status_code == 403


def test_a_revoked_key_ends_at_once(production: Flask, admin: dict[str, str]) -> None:
    """After DELETE the key is refused, even one that was used a moment ago, and stays in the list."""
    client = production.test_client()
    made = client.post("/v1/api-keys", json={"name": "job", "scopes": ["read"]}, headers=admin).get_json()
    before = client.get("/v1/analyses", headers=bearer(made["secret"])).status_code
    gone = client.delete(f"/v1/api-keys/{made['id']}", headers=admin)

    assert (before, gone.status_code) == (200, 204)
    assert client.get("/v1/analyses", headers=bearer(made["secret"])).status_code == 401
    assert [key["id"] for key in client.get("/v1/api-keys", headers=admin).get_json()["data"] if key["revoked_at"]] == [made["id"]]


def test_rotation_lets_both_keys_work_for_a_while(production: Flask, admin: dict[str, str], clock: Clock) -> None:
    """The new key works at once, the old one until the overlap has passed."""
    client = production.test_client()
    old = client.post("/v1/api-keys", json={"name": "job", "scopes": ["read"]}, headers=admin).get_json()
    new = client.post(f"/v1/api-keys/{old['id']}/rotate", json={"overlap_s": 60}, headers=admin).get_json()
    during = [client.get("/v1/analyses", headers=bearer(key["secret"])).status_code for key in (old, new)]
    clock.now += timedelta(seconds=61)
    after = [client.get("/v1/analyses", headers=bearer(key["secret"])).status_code for key in (old, new)]

    assert (new["name"], new["scopes"], new["id"] != old["id"]) == ("job", ["read"], True)
    assert (during, after) == ([200, 200], [401, 200])


def test_keys_of_another_tenant_do_not_exist(production: Flask, admin: dict[str, str]) -> None:
    """A tenant sees, rotates and revokes only its own keys."""
    client = production.test_client()
    key, text = of(production).keys.issue("production", tenant="globex", name="theirs", scopes=["admin"])

    assert client.post(f"/v1/api-keys/{key.id}/rotate", headers=admin).status_code == 404
    assert client.delete(f"/v1/api-keys/{key.id}", headers=admin).status_code == 404
    assert "theirs" not in client.get("/v1/api-keys", headers=admin).get_data(as_text=True)
    assert client.get("/v1/api-keys", headers=bearer(text)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "scopes": ["read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "scopes": ["read"], "expires_at": "soon"},
    ],
)
def test_wrong_keys_are_refused(client: FlaskClient, body: dict[str, object]) -> None:
    """A key needs a name and known scopes."""
    assert client.post("/v1/api-keys", json=body).status_code == 422
