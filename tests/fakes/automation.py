"""What the tests of webhooks, watchlists and schedules over HTTP share."""

from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import of
from crew.store.keys import ApiKey, KeyLimits, Scope
from crew.store.keytext import make_key

HOOK = "https://example.com/hook"


def new_key(app: Flask, tenant: str, *scopes: Scope) -> dict[str, str]:
    """A key of the tenant's, as a header."""
    made = make_key("production")
    at = datetime(2026, 3, 12, tzinfo=UTC)
    key = ApiKey(id=f"key_{made.lookup}", tenant=tenant, name="t", lookup=made.lookup, scopes=scopes, limits=KeyLimits(), created_at=at)
    of(app).keys.add(key, secret_hash=made.hash)
    return {"Authorization": f"Bearer {made.text}"}


def a_watchlist(client: FlaskClient, **headers: str) -> str:
    """The id of a new watchlist."""
    return str(client.post("/v1/watchlists", json={"name": "tech", "symbols": ["AAPL", "MSFT"]}, headers=headers).get_json()["id"])


def a_schedule(client: FlaskClient, **more: object) -> TestResponse:
    """The answer to the post of a schedule."""
    body = {"watchlist_id": a_watchlist(client), "cron": "30 6 * * MON-FRI", "timezone": "America/New_York"}
    return client.post("/v1/schedules", json=body | more)


def an_endpoint(client: FlaskClient, **more: object) -> TestResponse:
    """The answer to the post of a webhook endpoint."""
    return client.post("/v1/webhook-endpoints", json={"url": HOOK} | more)
