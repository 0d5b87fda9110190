"""Health, documentation, headers, ids."""

import json
from datetime import UTC, datetime

import pytest
from fakes.jobs import FakeCheck, FakeJobs
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import ValidationError

from api.app import create_app, stream_capacity
from api.services import of
from crew.settings import Settings


def test_alive_depends_on_nothing(client: FlaskClient, jobs: FakeJobs) -> None:
    """livez answers even when the database is gone."""
    jobs.broken = True

    assert client.get("/livez").get_json() == {"status": "ok"}


def test_ready_says_what_is_missing(app: Flask, client: FlaskClient, jobs: FakeJobs) -> None:
    """Without a worker the service is degraded but serves; without a database, or while it stops, it is unavailable."""
    ready = client.get("/readyz")
    jobs.ready.checks["worker"] = FakeCheck(False, "no worker is running: analyses wait")
    degraded = client.get("/readyz")
    jobs.ready.checks["database"] = FakeCheck(False, "unreachable")
    gone = client.get("/readyz")
    jobs.ready.checks.clear()
    of(app).streams.stopping.set()
    stopping = client.get("/readyz")

    assert (ready.status_code, ready.get_json()["status"]) == (200, "ready")
    assert (degraded.status_code, degraded.get_json()["status"]) == (200, "degraded")
    assert "wait" in degraded.get_json()["checks"]["worker"]["detail"]
    assert (gone.status_code, gone.get_json()["status"]) == (503, "unavailable")
    assert stopping.status_code == 503


def test_the_document_is_valid_and_complete(app: Flask, client: FlaskClient) -> None:
    """openapi.json is valid, and holds every route with every method that the application serves."""
    document = client.get("/openapi.json").get_json()
    validate(document)

    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == served
    assert document["openapi"].startswith("3.1")


def test_the_documentation_needs_no_foreign_host(client: FlaskClient) -> None:
    """The pages load only from this service: no address of another host stands in them or in their style sheet, but in examples of bodies."""
    pages = [client.get(path) for path in ("/docs", "/problems", "/static/docs.css")]

    for page in pages:
        assert page.status_code == 200
        assert "http://" not in page.get_data(as_text=True)
        assert "https://" not in page.get_data(as_text=True).replace('"https://example.com/hook"', "")
        assert "<script" not in page.get_data(as_text=True)
    assert "/v1/analyses/{analysis_id}/report" in pages[0].get_data(as_text=True)


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/problems", "/problems/not_found"])
def test_documentation_is_cacheable(client: FlaskClient, path: str) -> None:
    """A page that has not changed is 304."""
    tag = client.get(path).headers["ETag"]

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/livez", "/nope", "/v1/analyses", "/docs", "/static/docs.css"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    """No answer, not even an error, goes out without them, and none names the server's software."""
    headers = client.get(path).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Server" not in headers


def test_ids_come_in_and_go_out(client: FlaskClient) -> None:
    """A well-formed request id and trace are taken over and sent back."""
    response = client.get("/livez", headers={"X-Request-Id": "my-id.1", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})

    version, trace_id, span_id, flags = response.headers["traceparent"].split("-")
    assert response.headers["X-Request-Id"] == "my-id.1"
    assert (version, trace_id, flags) == ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "01")
    assert span_id != "00f067aa0ba902b7"


@pytest.mark.parametrize("sent", ["x" * 65, "a b", "a\tb", "<script>", ""])
def test_a_malformed_request_id_is_replaced(client: FlaskClient, sent: str) -> None:
    """What is not a plain id is not echoed."""
    assert client.get("/livez", headers={"X-Request-Id": sent}).headers["X-Request-Id"] != sent


@pytest.mark.parametrize("sent", ["nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
def test_a_malformed_trace_is_replaced(client: FlaskClient, sent: str) -> None:
    """A trace that breaks the standard is not continued."""
    made = client.get("/livez", headers={"traceparent": sent}).headers["traceparent"]

    assert len(made) == 55
    assert made.split("-")[1] not in sent


def test_the_request_id_reaches_the_job(client: FlaskClient, jobs: FakeJobs) -> None:
    """The job is submitted under the id of the request that asked for it."""
    made = client.post("/v1/analyses", json={"symbol": "AAPL"}, headers={"X-Request-Id": "r-1"}).get_json()["id"]

    assert jobs.logs[made][0].data["request_id"] == "r-1"


def test_metrics_count_by_route(client: FlaskClient) -> None:
    """Requests are counted by route and status, with no id in any label."""
    client.post("/v1/analyses", json={"symbol": "AAPL"})
    client.get("/v1/analyses/an_" + "b" * 26)
    text = client.get("/metrics").get_data(as_text=True)

    assert 'stockcrew_http_requests_total{method="POST",route="/v1/analyses",status="202"} 1.0' in text
    assert 'route="/v1/analyses/<analysis_id>",status="404"' in text
    assert "an_bbb" not in text


def test_cors_is_off_unless_an_origin_is_named(settings: Settings, jobs: FakeJobs, client: FlaskClient) -> None:
    """Only a named origin is allowed, and its preflight names the methods and headers it may use."""
    named = create_app(settings.model_copy(update={"cors_origins": ("https://desk.example",)}), jobs=jobs).test_client()
    preflight = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}

    assert "Access-Control-Allow-Origin" not in client.get("/livez", headers={"Origin": "https://desk.example"}).headers
    assert named.get("/livez", headers=preflight).headers["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Access-Control-Allow-Origin" not in named.get("/livez", headers={"Origin": "https://evil.example"}).headers
    assert "POST" in named.options("/v1/analyses", headers=preflight).headers["Access-Control-Allow-Methods"]


def test_streams_leave_threads_free() -> None:
    """The cap on streams leaves threads for everything else, at any size."""
    assert stream_capacity(256) >= 200
    assert all(1 <= stream_capacity(threads) < threads for threads in (4, 8, 9, 16, 64, 128, 256, 1024))


def test_examples_in_the_document_hold(client: FlaskClient) -> None:
    """Every example request body in the document is accepted by the validation that the document describes."""
    document = json.loads(client.get("/openapi.json").data)
    bodies = [
        (path, method, media_type, content["example"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if "example" in content
    ]

    assert bodies
    for path, method, media_type, example in bodies:
        address = path.replace("{analysis_id}", "an_" + "c" * 26)
        sent = {"json": example} if media_type.endswith("json") else {"data": example, "content_type": media_type, "query_string": {"name": "a"}}
        assert client.open(address, method=method.upper(), **sent).status_code in {200, 201, 202, 404}, (path, media_type)


def test_every_json_body_has_an_example_that_fits(client: FlaskClient) -> None:
    """Each request and answer in JSON carries an example, and its schema accepts it."""
    document = client.get("/openapi.json").get_json()
    checked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media_type, content in holder.get("content", {}).items():
                    if media_type == "text/event-stream":
                        continue
                    schema = {**content["schema"], "components": document["components"]}
                    given = [content["example"]] if "example" in content else [one["value"] for one in content.get("examples", {}).values()]
                    assert given or media_type in {"text/plain", "application/pdf"} or not path.startswith("/v1"), (method, path, media_type)
                    for example in given:
                        Draft202012Validator(schema).validate(example)
                        checked += 1
    assert checked > 300


def test_every_operation_names_the_errors_it_can_give(client: FlaskClient) -> None:
    """What needs a key documents 401 and 403, what has a body 400, 413, 415 and 422, what is addressed 404, and everything 429, 500 and 503."""
    for path, methods in client.get("/openapi.json").get_json()["paths"].items():
        for operation in methods.values():
            expected = {"400", "422", "429", "500", "503"}
            expected |= {"401", "403"} if operation["security"] else set()
            expected |= {"413", "415"} if "requestBody" in operation else set()
            expected |= {"404"} if "{" in path else set()
            expected |= {"410"} if "{analysis_id}" in path else set()
            assert expected <= set(operation["responses"]), (path, expected - set(operation["responses"]))


def test_the_page_shows_operations_examples_and_code(client: FlaskClient) -> None:
    """The documentation names every operation, shows the examples, and marks code as code; what it shows is escaped."""
    page = client.get("/docs").get_data(as_text=True)
    document = client.get("/openapi.json").get_json()

    assert all(f'id="{operation["operationId"]}"' in page for methods in document["paths"].values() for operation in methods.values())
    assert "Example of 202" in page
    assert "<code>retried_from</code>" in page
    assert "&lt;!doctype html&gt;" in page


def test_whom_to_tell(settings: Settings, jobs: FakeJobs, client: FlaskClient) -> None:
    """security.txt names the configured contact and a day on which it ends, less than a year away; without a contact there is none."""
    named = create_app(
        settings.model_copy(update={"security_contact": "mailto:security@example.com"}), jobs=jobs, clock=lambda: datetime(2026, 11, 12, tzinfo=UTC)
    ).test_client()
    found = named.get("/.well-known/security.txt")
    missing = client.get("/.well-known/security.txt")

    assert (found.status_code, found.mimetype) == (200, "text/plain")
    assert found.get_data(as_text=True).splitlines() == [
        "Contact: mailto:security@example.com",
        "Expires: 2027-02-01T00:00:00Z",
        "Preferred-Languages: en",
    ]
    assert named.get("/.well-known/security.txt", headers={"If-None-Match": found.headers["ETag"]}).status_code == 304
    assert (missing.status_code, missing.get_json()["code"]) == (404, "not_found")
    assert "STOCKCREW_SECURITY_CONTACT" in missing.get_json()["detail"]


@pytest.mark.parametrize("contact", ["security@example.com", "http://example.com", "mailto:a b@example.com", "mailto:a@example.com\nExpires: never"])
def test_a_contact_must_be_an_address(contact: str) -> None:
    """What a client could not follow, or what would add lines to the file, is refused at start."""
    with pytest.raises(ValidationError, match="STOCKCREW_SECURITY_CONTACT"):
        Settings(security_contact=contact)


def test_readiness_in_detail_counts_what_there_is(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """`?verbose` tells what runs and how much waits; without a database there is no detail, and still an answer."""
    jobs.start(analysis_id)
    told = client.get("/readyz?verbose").get_json()
    jobs.broken = True

    assert told["detail"]["analyses"] == {"running": 1}
    assert (told["detail"]["database"], told["detail"]["model"], told["detail"]["market_data"]) == ("SQLite", "rules", "yahoo")
    assert client.get("/readyz").get_json()["detail"] is None
    assert client.get("/readyz?verbose=true").get_json()["detail"] is None
    assert client.get("/readyz?verbose=maybe").status_code == 422


def test_the_front_door_leads_on_as_json_and_as_a_page(client: FlaskClient) -> None:
    """Every link of it is an address here that answers; a browser gets a page that loads nothing from elsewhere, and both have an ETag."""
    body, page = client.get("/"), client.get("/", headers={"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"})
    links = [path for path in body.get_json().values() if path.startswith("/")]

    assert (body.mimetype, page.mimetype, body.headers["Vary"], page.headers["Vary"]) == ("application/json", "text/html", "Accept", "Accept")
    assert len(links) == 6
    assert {client.get(path).status_code for path in links} == {200}
    assert all(f'href="{path}"' in page.get_data(as_text=True) for path in links)
    assert "//" not in page.get_data(as_text=True).replace("<!doctype html>", "")
    assert body.headers["ETag"] != page.headers["ETag"]
    assert client.get("/", headers={"If-None-Match": body.headers["ETag"]}).status_code == 304
    assert client.get("/", headers={"Accept": "image/png"}).status_code == 406


def test_the_version_need_not_be_read_twice(client: FlaskClient) -> None:
    """It has an ETag that holds until another version runs."""
    assert client.get("/version", headers={"If-None-Match": client.get("/version").headers["ETag"]}).status_code == 304
