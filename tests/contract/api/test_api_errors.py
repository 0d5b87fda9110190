"""One error shape on every path."""

import pytest
from fakes.jobs import FakeJobs
from flask import Flask
from flask.testing import FlaskClient

from api.problem_types import PROBLEMS
from crew import errors


def every_error() -> list[type[errors.StockcrewError]]:
    """Every error class of the crew."""
    found, queue = [], [errors.StockcrewError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_code_is_in_the_table(kind: type[errors.StockcrewError]) -> None:
    """No error of the crew's lacks a status, a title and an explanation, and both sides agree whether to try again."""
    assert PROBLEMS[kind.code].meaning
    assert PROBLEMS[kind.code].retryable == kind.retryable


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_type_leads_to_a_page(client: FlaskClient, code: str) -> None:
    """The `type` of a problem is an address that explains it, for programs and for people."""
    as_json = client.get(f"/problems/{code}")
    as_page = client.get(f"/problems/{code}", headers={"Accept": "text/html"})

    assert as_json.get_json()["code"] == code
    assert PROBLEMS[code].title in as_page.get_data(as_text=True).replace("&#39;", "'")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/v2/analyses", 404),
        ("GET", "/problems/nope", 404),
        ("GET", "/static/nope.js", 404),
        ("GET", "/static/../app.py", 404),
        ("PUT", "/v1/analyses", 405),
        ("DELETE", "/livez", 405),
        ("TRACE", "/v1/analyses", 405),
        ("GET", "/v1/analyses/an_aaaaaaaaaaaaaaaaaaaaaaaaaa/cancel", 405),
        ("GET", "/livez?x=1", 422),
    ],
)
def test_errors_of_routing_have_the_same_shape(client: FlaskClient, method: str, path: str, status: int) -> None:
    """Unknown addresses and methods are problems too, and 405 names the methods there are."""
    response = client.open(path, method=method)

    body = response.get_json()
    assert (response.status_code, response.mimetype, body["status"]) == (status, "application/problem+json", status)
    assert {"type", "title", "detail", "code", "retryable", "instance", "request_id"} <= set(body)
    assert ("Allow" in response.headers) == (status == 405)


def test_an_unusable_database_is_503_without_details(client: FlaskClient, jobs: FakeJobs) -> None:
    """Every route that needs the database says 503 with Retry-After and tells nothing about where it lies."""
    jobs.broken = True
    answers = [client.post("/v1/analyses", json={"symbol": "AAPL"}), client.get("/v1/analyses"), client.get("/v1/analyses/an_" + "a" * 26)]

    for response in answers:
        assert (response.status_code, response.get_json()["code"], response.get_json()["retryable"]) == (503, "store_unavailable", True)
        assert response.headers["Retry-After"]
        assert b"secret" not in response.data


def test_a_bug_is_500_without_details(app: Flask, client: FlaskClient) -> None:
    """What nobody expected is a problem without stack trace or message."""

    def explode() -> str:
        raise RuntimeError("the password is hunter2")

    app.view_functions["livez"] = explode
    response = client.get("/livez")

    assert (response.status_code, response.mimetype, response.get_json()["code"]) == (500, "application/problem+json", "internal_error")
    assert b"hunter2" not in response.data
    assert b"Traceback" not in response.data
