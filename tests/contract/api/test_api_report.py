"""The report and its sources over HTTP."""

import json

import pytest
from fakes.jobs import FakeJobs
from fakes.reports import small_report
from flask.testing import FlaskClient


@pytest.fixture
def finished(jobs: FakeJobs, analysis_id: str) -> str:
    """A finished analysis."""
    jobs.finish(analysis_id, "succeeded", report=small_report(analysis_id))
    return analysis_id


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/markdown", "text/markdown"),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/*;q=0.5, application/json;q=0.1", "text/markdown"),
        ("application/pdf, text/html;q=0.2", "text/html"),
    ],
)
def test_accept_chooses_the_form(client: FlaskClient, finished: str, accept: str | None, media_type: str) -> None:
    """The representation follows Accept, and a client that accepts anything gets JSON."""
    response = client.get(f"/v1/analyses/{finished}/report", headers={"Accept": accept} if accept else {})

    assert (response.status_code, response.mimetype) == (200, media_type)
    assert "Accept" in response.headers["Vary"]
    assert response.headers["Content-Language"] == "en"
    assert len(response.headers.getlist("Link")) == 2


def test_format_wins_over_accept(client: FlaskClient, finished: str) -> None:
    """A link can name the form."""
    response = client.get(f"/v1/analyses/{finished}/report?format=html", headers={"Accept": "application/json"})

    assert response.mimetype == "text/html"
    assert "script" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("query", "accept"), [("?format=pdf", "*/*"), ("", "application/pdf"), ("", "image/png;q=0.5")])
def test_a_form_that_is_not_offered_is_406(client: FlaskClient, finished: str, query: str, accept: str) -> None:
    """PDF and the like are refused with the list of what there is."""
    response = client.get(f"/v1/analyses/{finished}/report{query}", headers={"Accept": accept})

    assert (response.status_code, response.get_json()["code"]) == (406, "not_acceptable")
    assert response.get_json()["available"] == ["application/json", "text/markdown", "text/html"]


def test_each_representation_has_its_own_etag(client: FlaskClient, finished: str) -> None:
    """One form's ETag gives 304 for that form only."""
    path = f"/v1/analyses/{finished}/report"
    tags = {form: client.get(f"{path}?format={form}").headers["ETag"] for form in ("json", "md", "html")}

    assert len(set(tags.values())) == 3
    assert client.get(f"{path}?format=md", headers={"If-None-Match": tags["md"]}).status_code == 304
    assert client.get(f"{path}?format=json", headers={"If-None-Match": tags["md"]}).status_code == 200


def test_the_json_report_is_the_report(client: FlaskClient, finished: str) -> None:
    """The JSON form is the stored report with the contract's top level."""
    body = json.loads(client.get(f"/v1/analyses/{finished}/report").data)

    assert body == small_report(finished).to_json()


def test_there_is_no_report_before_the_end(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """Before the end the answer is 409 with Retry-After; after a failure it is 409 and not worth repeating."""
    jobs.start(analysis_id)
    early = client.get(f"/v1/analyses/{analysis_id}/report")
    jobs.finish(analysis_id, "failed")
    never = client.get(f"/v1/analyses/{analysis_id}/report")

    assert (early.status_code, early.get_json()["code"], early.get_json()["retryable"]) == (409, "report_not_ready", True)
    assert early.headers["Retry-After"]
    assert (never.status_code, never.get_json()["retryable"], "Retry-After" in never.headers) == (409, False, False)
    assert "no price that old" in never.get_json()["detail"]


def test_sources_page_through_the_evidence(client: FlaskClient, finished: str) -> None:
    """Every figure is listed once in the report's order, with source and locator."""
    first = client.get(f"/v1/analyses/{finished}/sources?limit=2").get_json()
    second = client.get(f"/v1/analyses/{finished}/sources", query_string={"limit": 2, "cursor": first["next_cursor"]}).get_json()

    assert [item["id"] for item in first["data"] + second["data"]] == ["price.last", "price.previous_close", "price.change_1d"]
    assert first["data"][0]["source"] == "sample"
    assert second["next_cursor"] is None


def test_the_next_page_of_sources_is_linked(client: FlaskClient, finished: str) -> None:
    """The Link header leads to the next page with the same filter, and the last page has none."""
    first = client.get(f"/v1/analyses/{finished}/sources?limit=1&prefix=price.")
    second = client.get(first.headers["Link"].split(";")[0].strip("<>"))

    assert [item["id"] for item in second.get_json()["data"]] == ["price.previous_close"]
    assert "Link" not in client.get(f"/v1/analyses/{finished}/sources").headers


def test_sources_filter_by_prefix(client: FlaskClient, finished: str) -> None:
    """Only ids with the prefix are listed."""
    body = client.get(f"/v1/analyses/{finished}/sources?prefix=price.ch").get_json()

    assert [item["id"] for item in body["data"]] == ["price.change_1d"]


def test_one_figure_unfolds_to_what_was_observed(client: FlaskClient, finished: str) -> None:
    """The tree of a computed figure holds its formula and, under it, the observed inputs."""
    response = client.get(f"/v1/analyses/{finished}/sources/price.change_1d")

    text = response.get_data(as_text=True)
    assert response.status_code == 200
    assert all(part in text for part in ("price.change_1d", "price.last", "price.previous_close", "prices#last"))


@pytest.mark.parametrize("id", ["price.nothing", "nothing", "price.last%00", "x" * 200, "..%2f..%2fetc", "Price.last"])
def test_an_unknown_figure_is_404(client: FlaskClient, finished: str, id: str) -> None:
    """An id that the report does not have is not found."""
    assert client.get(f"/v1/analyses/{finished}/sources/{id}").status_code == 404


def test_a_kept_report_goes_with_its_analysis(client: FlaskClient, finished: str, jobs: FakeJobs) -> None:
    """A report that was read before is 410, also for who holds its ETag, as soon as another process has deleted the analysis."""
    path = f"/v1/analyses/{finished}/report"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": f'"other", W/{tag}'}).status_code == 304
    jobs.deleted[finished] = jobs.analyses.pop(finished)

    assert [client.get(path, headers=headers).status_code for headers in ({}, {"If-None-Match": tag})] == [410, 410]


def test_a_304_repeats_what_caches_need(client: FlaskClient, finished: str) -> None:
    """It names the ETag, how to cache and what the choice depends on, and has no body."""
    path = f"/v1/analyses/{finished}/report?format=md"
    whole = client.get(path)
    same = client.get(path, headers={"If-None-Match": whole.headers["ETag"]})

    assert (same.status_code, same.data) == (304, b"")
    assert [same.headers[name] for name in ("ETag", "Cache-Control", "Vary")] == [whole.headers[name] for name in ("ETag", "Cache-Control", "Vary")]
    assert client.get(path, headers={"If-None-Match": '"else"'}).data == whole.data
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304
