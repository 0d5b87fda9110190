"""Trying again, deleting, labels, filters and what an analysis tells of itself over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from fakes.jobs import FakeJobs
from fakes.reports import small_report
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.contract import Answer, Deprecation, Resource, mount
from api.openapi import document
from crew.settings import Settings


def path(analysis_id: str) -> str:
    return f"/v1/analyses/{analysis_id}"


def test_a_retry_is_a_new_analysis_of_the_same_request(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """Retry of an ended analysis answers 202 with a new one that names it; a second retry joins the first."""
    jobs.finish(analysis_id, "failed")
    again = client.post(f"{path(analysis_id)}/retry")
    twice = client.post(f"{path(analysis_id)}/retry")

    body = again.get_json()
    assert (again.status_code, again.headers["Location"]) == (202, path(body["id"]))
    assert (body["retried_from"], body["symbol"], body["status"]) == (analysis_id, "AAPL", "queued")
    assert body["id"] != analysis_id
    assert twice.get_json()["id"] == body["id"]
    assert client.get(path(analysis_id)).get_json()["status"] == "failed"


def test_what_runs_can_be_neither_retried_nor_deleted(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """Both are 409 until the analysis has ended, and it goes on."""
    jobs.start(analysis_id)
    answers = [client.post(f"{path(analysis_id)}/retry"), client.delete(path(analysis_id), headers={"If-Match": "*"})]

    assert [(answer.status_code, answer.get_json()["code"]) for answer in answers] == [(409, "analysis_active")] * 2
    assert client.get(path(analysis_id)).get_json()["status"] == "running"


def test_delete_needs_the_current_etag(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """Without If-Match it is 428, with an old or weak ETag 412, with the current one 204, and afterwards everything is 410."""
    old = client.get(path(analysis_id)).headers["ETag"]
    jobs.finish(analysis_id, "succeeded", report=small_report(analysis_id))
    assert client.get(f"{path(analysis_id)}/report").status_code == 200
    current = client.get(path(analysis_id)).headers["ETag"]
    statuses = [client.delete(path(analysis_id), headers=headers).status_code for headers in ({}, {"If-Match": old}, {"If-Match": f"W/{current}"})]
    done = client.delete(path(analysis_id), headers={"If-Match": f'"other", {current}'})

    assert statuses == [428, 412, 412]
    assert (done.status_code, done.data) == (204, b"")
    for part in ("", "/events", "/report", "/sources"):
        gone = client.get(path(analysis_id) + part)
        assert (gone.status_code, gone.get_json()["code"]) == (410, "gone")
    assert client.delete(path(analysis_id), headers={"If-Match": "*"}).status_code == 410
    assert client.get("/v1/analyses").get_json()["data"] == []


def test_an_analysis_keeps_the_clients_labels(client: FlaskClient) -> None:
    """Metadata comes back as it was sent and is no part of what makes two requests the same."""
    first = client.post("/v1/analyses", json={"symbol": "AAPL", "metadata": {"desk": "emea", "ticket-7": "ü"}}).get_json()
    second = client.post("/v1/analyses", json={"symbol": "AAPL", "metadata": {"desk": "apac"}}).get_json()

    assert first["metadata"] == {"desk": "emea", "ticket-7": "ü"}
    assert (second["id"], second["metadata"]) == (first["id"], first["metadata"])


@pytest.mark.parametrize("metadata", [{"a b": "x"}, {"x" * 41: "x"}, {"x": "y" * 201}, {"x": 1}, {f"k{n}": "x" for n in range(21)}, [], "x"])
def test_odd_labels_are_refused(client: FlaskClient, jobs: FakeJobs, metadata: object) -> None:
    """Too many, too long and oddly named labels are 422."""
    response = client.post("/v1/analyses", json={"symbol": "AAPL", "metadata": metadata})

    assert response.status_code == 422
    assert response.get_json()["errors"][0]["pointer"].startswith("#/metadata")
    assert not jobs.analyses


def test_an_analysis_says_when_it_must_end_and_goes(client: FlaskClient, jobs: FakeJobs, settings: Settings, analysis_id: str) -> None:
    """The deadline counts from the start and the end of keeping from the end; before there is none."""
    queued = client.get(path(analysis_id)).get_json()
    jobs.start(analysis_id)
    jobs.finish(analysis_id, "succeeded")
    ended = client.get(path(analysis_id)).get_json()

    assert (queued["deadline_at"], queued["expires_at"]) == (None, None)
    started, finished = (datetime.fromisoformat(ended[name]) for name in ("started_at", "finished_at"))
    assert datetime.fromisoformat(ended["deadline_at"]) - started == timedelta(seconds=settings.job_deadline_s)
    assert datetime.fromisoformat(ended["expires_at"]) - finished == timedelta(days=settings.retention_days)
    assert ended["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0, "unpriced_calls": 0}


def test_the_list_is_cut_by_time_and_the_next_link_survives_odd_symbols(client: FlaskClient) -> None:
    """created_after leaves older ones out, and a Link with a symbol full of signs can be followed as it is."""
    for number in range(3):
        client.post("/v1/analyses", json={"symbol": "^GSPC", "as_of": f"2026-03-0{number + 1}"})
    newest = client.get("/v1/analyses").get_json()["data"]
    later = client.get("/v1/analyses", query_string={"created_after": newest[1]["created_at"]}).get_json()["data"]
    first = client.get("/v1/analyses", query_string={"limit": 2, "symbol": "^GSPC", "created_after": "2020-01-01T00:00:00+02:00"})
    rest = client.get(first.headers["Link"].split(";")[0].strip("<>"))

    assert [item["id"] for item in later] == [newest[0]["id"]]
    assert "^" not in first.headers["Link"]
    assert [item["id"] for item in first.get_json()["data"] + rest.get_json()["data"]] == [item["id"] for item in newest]


@pytest.mark.parametrize("query", ["created_after=yesterday", "created_after=2026-03-12", "created_after=0", "batch_id=ba_1", "batch_id="])
def test_odd_filters_are_refused(client: FlaskClient, query: str) -> None:
    """Moments need a time zone, and ids their form."""
    assert client.get(f"/v1/analyses?{query}").status_code == 422


def test_json_is_all_there_is_but_where_more_is_offered(client: FlaskClient, analysis_id: str) -> None:
    """A client that takes no JSON is told so with 406 before anything is done; lists of types with JSON in them are served."""
    refused = client.post("/v1/analyses", json={"symbol": "MSFT"}, headers={"Accept": "application/xml"})

    assert (refused.status_code, refused.get_json()["available"]) == (406, ["application/json"])
    assert len(client.get("/v1/analyses").get_json()["data"]) == 1
    for accept in ("*/*", "application/*", "text/html, */*;q=0.1", "application/problem+json", "application/json; q=0.5, text/csv"):
        assert client.get(path(analysis_id), headers={"Accept": accept}).status_code == 200


def test_the_monitor_of_an_accepted_analysis_is_linked(client: FlaskClient) -> None:
    """202 says where the events are."""
    made = client.post("/v1/analyses", json={"symbol": "AAPL"})

    assert made.headers["Link"] == f'<{made.get_json()["urls"]["events"]}>; rel="monitor"'


def test_a_deprecated_operation_says_since_when_and_until_when(settings: Settings, jobs: FakeJobs) -> None:
    """Deprecation (RFC 9745) and Sunset (RFC 8594) stand in every answer, also in errors, and the document marks the operation."""
    old = Resource("old", "What goes away.")
    ends = Deprecation(since=datetime(2026, 3, 1, tzinfo=UTC), sunset=datetime(2026, 12, 1, tzinfo=UTC))

    @old.operation("GET", "/v1/old", scope="read", answers={200: Answer("It")}, deprecation=ends)
    def get_old() -> str:
        """Read it."""
        return "old"

    app = create_app(settings, jobs=jobs)
    mount_alone(app, old)
    answers = [app.test_client().get("/v1/old"), app.test_client().get("/v1/old?x=1")]

    assert [answer.status_code for answer in answers] == [200, 422]
    for answer in answers:
        assert answer.headers["Deprecation"] == "@1772323200"
        assert answer.headers["Sunset"] == "Tue, 01 Dec 2026 00:00:00 GMT"
        assert 'rel="deprecation"' in answer.headers["Link"]
    assert document([old])["paths"]["/v1/old"]["get"]["deprecated"] is True
    assert "Deprecation" not in app.test_client().get("/livez").headers


def mount_alone(app: Flask, resource: Resource) -> None:
    known = app.extensions["stockcrew.operations"]
    mount(app, [resource])
    app.extensions["stockcrew.operations"] = known | app.extensions["stockcrew.operations"]
