"""Documents over HTTP: what is accepted, what is refused and how, and who sees them."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from urllib.parse import quote

import pytest
from fakes.documents import document
from fakes.jobs import FakeJobs
from fakes.pdfs import locked, pdf
from fakes.reports import small_report
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import of
from crew.domain.document import passage
from crew.settings import Settings
from crew.store.keys import Scope

NOTES = "Net sales rose. Competition remains a risk."


def post(
    client: FlaskClient, content: bytes | str = NOTES, media_type: str = "text/plain", query: str = "name=notes.txt", **headers: str
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/v1/documents?{query}", data=content, content_type=media_type, headers=named)


@pytest.mark.parametrize(
    ("media_type", "content", "pages"),
    [
        ("text/plain", NOTES.encode(), None),
        ("text/plain; charset=iso-8859-1", "Preço e ação".encode("latin-1"), None),
        ("text/markdown; charset=UTF-8", b"# Notes\n\nNet sales rose.", None),
        ("text/html", b"<p>Net sales rose.</p><script>x</script>", None),
        ("application/pdf", pdf("Net sales rose.", "Competition remains a risk."), 2),
    ],
)
def test_a_document_is_taken_in(client: FlaskClient, media_type: str, content: bytes, pages: int | None) -> None:
    """Each kind is 201 with its address, its length and the hash of what was sent; the tenant is not told."""
    response = post(client, content, media_type, "name=Q1%20notes&as_of=2026-02-01")

    body = response.get_json()
    assert (response.status_code, response.headers["Location"]) == (201, f"/v1/documents/{body['id']}")
    assert body["media_type"] == media_type.split(";", maxsplit=1)[0]
    assert (body["name"], body["as_of"], body["pages"], body["size_bytes"]) == ("Q1 notes", "2026-02-01", pages, len(content))
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    assert body["characters"] > 10
    assert "tenant" not in body
    assert client.get(response.headers["Location"]).get_json() == body


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code", "said"),
    [
        (NOTES, "application/json", 415, "unsupported_media_type", "application/pdf"),
        (NOTES, "", 415, "unsupported_media_type", "application/pdf"),
        (NOTES, "text/rtf", 415, "unsupported_media_type", "text/markdown"),
        (NOTES, "multipart/form-data; boundary=x", 415, "unsupported_media_type", "text/plain"),
        (NOTES, "text/plain; charset=utf-7", 415, "unsupported_media_type", "windows-1252"),
        ("", "text/plain", 400, "malformed_body", "empty"),
        (locked(pdf("x"), password="p"), "application/pdf", 422, "document_unreadable", "encrypted"),
        (b"%PDF-1.7 rubbish", "application/pdf", 422, "document_unreadable", "broken"),
        (pdf(""), "application/pdf", 422, "document_unreadable", "no text can be read"),
        (b"\xff\xfe\x00", "text/plain", 422, "document_unreadable", "charset"),
    ],
)
def test_what_cannot_be_taken_in_is_a_problem(client: FlaskClient, content: bytes | str, media_type: str, status: int, code: str, said: str) -> None:
    """Wrong kinds, empty bodies and unreadable documents are problems with a reason, and nothing is stored."""
    response = post(client, content, media_type)

    body = response.get_json()
    assert (response.status_code, response.mimetype, body["code"]) == (status, "application/problem+json", code)
    assert said in body["detail"]
    assert ("application/pdf" in response.headers.get("Accept", "")) == (status == 415)
    assert client.get("/v1/documents").get_json()["data"] == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_document_beyond_the_limit_is_413_and_names_the_setting(settings: Settings, announced: bool) -> None:
    """The limit is that of documents and not of other bodies, to the byte, whether or not the length is announced; nothing is cut off."""
    client = create_app(settings.model_copy(update={"max_document_bytes": 20_000, "max_body_bytes": 1000})).test_client()

    def send(size: int) -> TestResponse:
        stream, terminated = BytesIO(b"a" * size), {"wsgi.input_terminated": True}
        if announced:
            return post(client, stream.read())
        return client.post("/v1/documents?name=a", input_stream=stream, content_type="text/plain", environ_overrides=terminated)

    just, over, far = send(20_000), send(20_001), send(90_000)

    assert (just.status_code, just.get_json()["characters"]) == (201, 20_000)
    assert [(answer.status_code, answer.get_json()["code"]) for answer in (over, far)] == [(413, "body_too_large")] * 2
    assert "20,000 bytes (STOCKCREW_MAX_DOCUMENT_BYTES)" in over.get_json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "name=",
        "name=%20x",
        "name=a%0Ab",
        "name=a%00b",
        "name=a%E2%80%AEb",
        f"name={'x' * 201}",
        "name=a&name=b",
        "name=a&as_of=yesterday",
        "name=a&as_of=2026-02-30",
        "name=a&language=en",
    ],
)
def test_a_wrong_parameter_is_422_and_named(client: FlaskClient, query: str) -> None:
    """A missing, empty, invisible, overlong or repeated name, a bad date and an unknown parameter are each named."""
    response = post(client, query=query)

    assert (response.status_code, response.get_json()["code"]) == (422, "invalid_request")
    assert response.get_json()["errors"][0]["in"] == "query"


def test_a_name_may_be_in_any_script(client: FlaskClient) -> None:
    """Names are text, shown as they were sent."""
    name = "Relatório anual – 年度報告.pdf"

    assert post(client, query=f"name={quote(name)}").get_json()["name"] == name


def test_a_repeated_key_gives_the_first_document_again(client: FlaskClient) -> None:
    """The same document under the same key is stored once; another document, or another name, under it is refused."""
    first, again = (post(client, Idempotency_Key="k-1") for _ in range(2))
    other, renamed = post(client, "Other text.", Idempotency_Key="k-1"), post(client, query="name=other", Idempotency_Key="k-1")

    assert again.get_json() == first.get_json()
    assert (again.headers["Idempotent-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    assert [answer.get_json()["code"] for answer in (other, renamed)] == ["idempotency_key_reused"] * 2
    assert len(client.get("/v1/documents").get_json()["data"]) == 1


def test_documents_are_listed_newest_first_page_by_page(settings: Settings) -> None:
    """Pages follow each other without gap or repeat; a cursor of another list is refused."""
    moments = iter(datetime(2026, 3, 12, tzinfo=UTC) + timedelta(seconds=second) for second in range(10_000))
    client = create_app(settings, clock=lambda: next(moments)).test_client()
    made = [post(client, f"Text {number} of five.").get_json()["id"] for number in range(5)]
    first = client.get("/v1/documents?limit=2")
    second = client.get(f"/v1/documents?limit=2&cursor={first.get_json()['next_cursor']}").get_json()
    third = client.get(f"/v1/documents?limit=2&cursor={second['next_cursor']}").get_json()

    assert [item["id"] for page in (first.get_json(), second, third) for item in page["data"]] == made[::-1]
    assert third["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"]
    assert client.get(f"/v1/analyses?cursor={first.get_json()['next_cursor']}").status_code == 422


def test_an_unchanged_document_is_304(client: FlaskClient) -> None:
    """A document never changes, and a client that has it is told so."""
    location = post(client).headers["Location"]
    tag = client.get(location).headers["ETag"]

    assert client.get(location, headers={"If-None-Match": tag}).status_code == 304


def test_a_deleted_document_is_gone(client: FlaskClient) -> None:
    """204 once, then 404; the list no longer has it, nor does the database hold its text."""
    location = post(client, "The xylophone division was sold.").headers["Location"]
    statuses = [client.delete(location).status_code for _ in range(2)]

    assert statuses == [204, 404]
    assert client.get(location).status_code == 404
    assert client.get("/v1/documents").get_json()["data"] == []


@pytest.mark.parametrize("id", ["do_" + "a" * 26, "do_x", "an_" + "a" * 26, "do_" + "A" * 26, "..", "do_" + "a" * 26 + "%00"])
def test_an_unknown_document_is_404(client: FlaskClient, id: str) -> None:
    """Whatever is no document's id is simply not found."""
    assert [client.open(f"/v1/documents/{id}", method=method).status_code for method in ("GET", "DELETE")] == [404, 404]


def test_no_tenant_sees_anothers_documents(settings: Settings) -> None:
    """Reading, listing, deleting: another tenant's document does not exist; scopes hold."""
    app = create_app(Settings.model_validate({"env": "production", "secret_key": "x" * 32, "data_dir": settings.data_dir}))
    client = app.test_client()

    def key(tenant: str, *scopes: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {of(app).keys.issue('production', tenant=tenant, name='t', scopes=scopes)[1]}"}

    mine, theirs, reader = key("acme", "run", "read"), key("globex", "admin"), key("acme", "read")
    location = post(client, **mine).headers["Location"]

    assert client.get(location, headers=mine).status_code == 200
    assert [client.open(location, method=method, headers=theirs).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert client.get("/v1/documents", headers=theirs).get_json()["data"] == []
    assert (post(client, **reader).status_code, client.delete(location, headers=reader).status_code) == (403, 403)
    assert client.get(location, headers=reader).status_code == 200
    assert client.delete(location, headers=mine).status_code == 204


def test_only_so_many_documents_are_read_at_once(app: Flask, client: FlaskClient) -> None:
    """Beyond the limit an upload is told to come back, and a place that is given back is free again, also after a refusal."""
    gate = of(app).uploads
    assert post(client, b"%PDF- rubbish", "application/pdf").status_code == 422
    taken = 0
    while gate.acquire(blocking=False):
        taken += 1
    full = post(client)
    for _ in range(taken):
        gate.release()

    assert taken == 4
    assert (full.status_code, full.get_json()["code"]) == (503, "overloaded")
    assert full.headers["Retry-After"]
    assert post(client).status_code == 201


def test_a_tenant_keeps_so_many_documents(settings: Settings) -> None:
    """Beyond the limit an upload is refused with the setting's name, and works again once one was deleted."""
    client = create_app(settings.model_copy(update={"max_documents": 2})).test_client()
    kept = [post(client).headers["Location"] for _ in range(2)]
    refused = post(client)
    client.delete(kept[0])

    assert (refused.status_code, refused.get_json()["code"]) == (429, "quota_exceeded")
    assert "STOCKCREW_MAX_DOCUMENTS" in refused.get_json()["detail"]
    assert post(client).status_code == 201


def test_a_document_that_takes_too_long_is_a_problem(settings: Settings) -> None:
    """The reading is bounded in time, and the answer names the setting."""
    client = create_app(settings.model_copy(update={"document_timeout_s": 0.3})).test_client()
    response = post(client, b"<div>" * 400_000, "text/html")

    assert (response.status_code, response.get_json()["code"]) == (422, "document_unreadable")
    assert "STOCKCREW_DOCUMENT_TIMEOUT_S" in response.get_json()["detail"]


@pytest.mark.parametrize(
    ("documents", "pointer"),
    [
        (["do_" + "a" * 26, "nonsense"], "#/documents/1"),
        ("do_" + "a" * 26, "#/documents"),
        (["do_" + "a" * 26] * 2, "#/documents"),
        ([f"do_{letter * 26}" for letter in "abcdefghijk"], "#/documents"),
    ],
)
def test_a_malformed_list_of_documents_is_422(client: FlaskClient, documents: object, pointer: str) -> None:
    """What is no id, no list, named twice, or too many, is named by its place."""
    response = client.post("/v1/analyses", json={"symbol": "AAPL", "documents": documents})

    assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_quoted_passage_is_served_among_the_sources(client: FlaskClient, jobs: FakeJobs, analysis_id: str) -> None:
    """A passage in a report has an address like every figure, with document, page and offset."""
    source = document("Cover.\n\nNet sales rose.", pages=(0, 8))
    quoted = passage(1, source, 8, 23, day=date(2026, 3, 12))
    report = small_report(analysis_id)
    jobs.finish(analysis_id, "succeeded", report=report.model_copy(update={"evidence": (*report.evidence, quoted)}))
    listed = client.get(f"/v1/analyses/{analysis_id}/sources?prefix=document.").get_json()["data"]
    tree = client.get(f"/v1/analyses/{analysis_id}/sources/document.1.8").get_json()

    assert [item["value"] for item in listed] == ["Net sales rose."]
    assert tree["evidence"] == listed[0]
    assert listed[0]["locator"] == f"{source.document.id}, page 2, characters 8 to 23"
