"""Headers of every answer, CORS for browsers, media types, and whose word on the client's address is believed."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.jobs import FakeJobs
from fakes.reports import small_report
from flask import Flask
from flask.testing import FlaskClient
from pydantic import ValidationError

from api.app import create_app
from api.contract import Operation, operations_of
from api.counters import MemoryCounters
from api.routes import RESOURCES
from api.services import of
from crew.settings import Settings

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
DESK = "https://desk.example"
ALL = list(operations_of(RESOURCES))
PROTECTING = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def production(settings: Settings, jobs: FakeJobs, **changes: Any) -> Flask:
    """The application where a key is required."""
    fixed = {"env": "production", "secret_key": "x" * 32, "data_dir": settings.data_dir, "stream_max_s": 0.3}
    return create_app(Settings.model_validate(fixed | changes), jobs=jobs, clock=lambda: NOW, counters=MemoryCounters(lambda: 30.0))


def key(app: Flask) -> dict[str, str]:
    return {"Authorization": f"Bearer {of(app).keys.issue('production', tenant='acme', name='k', scopes=['admin'])[1]}"}


def address(operation: Operation) -> str:
    return re.sub(r"<[^>]+>", "x", operation.path)


def test_every_kind_of_answer_is_protected(settings: Settings, jobs: FakeJobs) -> None:
    """With a key and without one, found or not, well-formed or not: each operation's answers carry the headers, and nothing names the software."""
    app = production(settings, jobs, requests_per_minute=10_000)
    client, headers = app.test_client(), key(app)
    asked: list[dict[str, Any]] = [
        {},
        {"headers": headers},
        {"headers": headers, "json": {"x": 1}},
        {"headers": headers, "data": b"{", "content_type": "application/json"},
    ]
    statuses = set()
    for operation, more in ((operation, more) for operation in ALL for more in asked):
        answer = client.open(address(operation), method=operation.method, **more)
        statuses.add(answer.status_code)
        assert {name: answer.headers.get(name) for name in PROTECTING} == PROTECTING, (operation.id, answer.status_code)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert not re.search("werkzeug|gunicorn|flask|python", str(answer.headers), re.IGNORECASE)
        assert answer.headers["X-Request-Id"]
    assert statuses >= {200, 400, 401, 404, 415, 422}


def test_reports_streams_and_unchanged_pages_are_protected(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """So do the report as a page, which may style itself and nothing else, the event stream, 304, 204 and what is not to be found."""
    jobs.start(analysis_id)
    jobs.finish(analysis_id, "succeeded", report=small_report(analysis_id))
    page = client.get(f"/v1/analyses/{analysis_id}/report?format=html")
    stream = client.get(f"/v1/analyses/{analysis_id}/events", headers={"Accept": "text/event-stream"})
    unchanged = client.get(f"/v1/analyses/{analysis_id}", headers={"If-None-Match": client.get(f"/v1/analyses/{analysis_id}").headers["ETag"]})
    over = client.get(f"/v1/analyses/{analysis_id}/events?after=99", headers={"Accept": "text/event-stream"})
    answers = [page, stream, unchanged, over, client.get("/nope"), client.get("/static/docs.css"), client.options("/v1/analyses")]

    assert [answer.status_code for answer in answers] == [200, 200, 304, 204, 404, 200, 200]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in PROTECTING} == PROTECTING
        assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert page.mimetype == "text/html"


def test_a_browser_may_ask_before_it_sends_a_key(settings: Settings, jobs: FakeJobs) -> None:
    """The preflight of a named origin needs no key and names methods, headers and how long that holds; another origin learns nothing of it."""
    client = production(settings, jobs, cors_origins=(DESK,)).test_client()
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,idempotency-key"}
    mine = client.options("/v1/analyses", headers={"Origin": DESK, **asked})
    theirs = client.options("/v1/analyses", headers={"Origin": "https://evil.example", **asked})

    assert mine.status_code == 200
    assert mine.headers["Access-Control-Allow-Origin"] == DESK
    assert "POST" in mine.headers["Access-Control-Allow-Methods"].split(", ")
    assert {"authorization", "content-type", "idempotency-key", "if-match", "last-event-id", "prefer"} <= {
        name.lower() for name in mine.headers["Access-Control-Allow-Headers"].split(", ")
    }
    assert int(mine.headers["Access-Control-Max-Age"]) > 0
    for answer in (mine, theirs):
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert not [name for name, _ in theirs.headers if name.startswith("Access-Control-")]


def test_a_named_origin_reads_answers_and_errors(settings: Settings, jobs: FakeJobs) -> None:
    """Also what is refused can be read by the page that asked, with the headers that its script needs; a similar origin cannot read it."""
    app = production(settings, jobs, cors_origins=(DESK,))
    client = app.test_client()
    answers = [client.get("/v1/analyses", headers={"Origin": DESK, **more}) for more in ({}, key(app))]
    others = [client.get("/v1/analyses", headers={"Origin": origin}) for origin in (f"{DESK}.evil.example", "http://desk.example", "null", "*")]

    assert [answer.status_code for answer in answers] == [401, 200]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == DESK
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "traceparent"} <= exposed
    assert not [answer for answer in others if "Access-Control-Allow-Origin" in answer.headers]


@pytest.mark.parametrize("origin", ["*", "https://*.example", "https://desk.example/", "desk.example", "null", "https://desk.example/path"])
def test_only_whole_origins_can_be_named(origin: str) -> None:
    """A wildcard, a path or half an origin is refused at start, since it would allow everybody or nobody."""
    with pytest.raises(ValidationError, match="STOCKCREW_CORS_ORIGINS"):
        Settings(cors_origins=(origin,))


BODIED = [operation for operation in ALL if operation.body is not None]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""])
def test_a_body_of_another_kind_is_refused(client: FlaskClient, media_type: str) -> None:
    """JSON under another name is 415 at every operation, and the answer says which media types there are."""
    assert len(BODIED) > 10
    for operation in BODIED:
        answer = client.open(address(operation), method=operation.method, data=b"{}", content_type=media_type, headers={"If-Match": "*"})
        assert answer.status_code == 415, (operation.id, answer.get_data(as_text=True))
        assert answer.headers["Accept"] if operation.error_model is None else answer.get_json()["error"]


@pytest.mark.parametrize("path", ["/v1/analyses", "/v1/documents?name=a"])
def test_a_compressed_body_is_refused(client: FlaskClient, path: str) -> None:
    """Nothing is unpacked here, so a coded body is 415 and never mistaken for broken JSON or for a text."""
    media_type = "text/plain" if "documents" in path else "application/json"
    answer = client.post(path, data=b"\x1f\x8b", content_type=media_type, headers={"Content-Encoding": "gzip"})

    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["Accept-Encoding"] == "identity"


FAILING = {"failed_logins_per_minute": 3}
BAD = {"Authorization": "Bearer nonsense"}


def failures(app: Flask, peer: str, *forwarded: str) -> list[int]:
    """What bad keys get that come from `peer` with these values of X-Forwarded-For."""
    client = app.test_client()
    return [
        client.get("/v1/analyses", headers={**BAD, "X-Forwarded-For": said}, environ_base={"REMOTE_ADDR": peer}).status_code for said in forwarded
    ]


def test_failed_logins_are_counted_by_address(settings: Settings, jobs: FakeJobs) -> None:
    """After as many bad keys as allowed an address is refused, with a good key as well, and another address is not."""
    app = production(settings, jobs, **FAILING)
    spent = failures(app, "203.0.113.7", *["" for _ in range(5)])
    good = [app.test_client().get("/v1/analyses", headers=key(app), environ_base={"REMOTE_ADDR": peer}) for peer in ("203.0.113.7", "203.0.113.8")]

    assert spent == [401, 401, 401, 429, 429]
    assert [answer.status_code for answer in good] == [429, 200]
    assert good[0].headers["Retry-After"]


def test_without_proxies_nobody_can_say_who_he_is(settings: Settings, jobs: FakeJobs) -> None:
    """A made-up X-Forwarded-For does not gain an attacker more tries."""
    assert failures(production(settings, jobs, **FAILING), "203.0.113.7", *(f"198.51.100.{number}" for number in range(5))) == [401] * 3 + [429] * 2


def test_behind_a_proxy_the_client_counts_and_cannot_lie(settings: Settings, jobs: FakeJobs) -> None:
    """What the proxy added last is the address; what the client wrote before it changes nothing."""
    app = production(settings, jobs, trusted_proxies=1, **FAILING)

    assert failures(app, "10.0.0.1", *(f"198.51.100.{number}, 203.0.113.7" for number in range(5))) == [401] * 3 + [429] * 2
    assert failures(app, "10.0.0.1", "203.0.113.7, 203.0.113.8") == [401]


def test_only_the_configured_proxies_are_believed(settings: Settings, jobs: FakeJobs) -> None:
    """Who reaches the service past the proxy is counted by his own address, whatever he says, and is not taken to have come by TLS."""
    app = production(settings, jobs, trusted_proxies=1, proxy_networks="10.0.0.0/8,fd00::/8", **FAILING)
    said = [f"198.51.100.{number}" for number in range(5)]

    assert failures(app, "203.0.113.7", *said) == [401] * 3 + [429] * 2
    assert failures(app, "10.0.0.1", *said) == [401] * 5
    assert failures(app, "fd00::1", *said) == [401] * 5
    by_tls = [
        "Strict-Transport-Security"
        in app.test_client().get("/livez", headers={"X-Forwarded-Proto": "https"}, environ_base={"REMOTE_ADDR": peer}).headers
        for peer in ("203.0.113.7", "10.0.0.1")
    ]
    assert by_tls == [False, True]


def test_networks_of_proxies_must_be_networks() -> None:
    """A typing error is told at start by the variable's name."""
    with pytest.raises(ValidationError, match="STOCKCREW_PROXY_NETWORKS"):
        Settings(proxy_networks=("10.0.0.0/8", "proxy"))
