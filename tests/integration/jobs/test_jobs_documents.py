"""Documents behind analyses, on SQLite and PostgreSQL: tied when an analysis is made, kept while it needs them, deleted with age."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fakes.documents import document

from crew.domain.analysis import AnalysisRequest
from crew.domain.document import DocumentText
from crew.errors import DocumentInUse, InvalidRequest, NotFound
from crew.store.analyses import AnalysisStore
from crew.store.documents import DocumentStore
from crew.store.engine import make_engine

if TYPE_CHECKING:
    from conftest import Service

NOTES = document("Apple said that demand was strong, and that competition remains a risk.")
LATER = document("Apple said more.", number=2, as_of=date(2026, 3, 1))
FOREIGN = document("Not yours.", number=3)


@pytest.fixture
def store(service: "Service") -> DocumentStore:
    """The documents of the service: two of the local tenant's, one of another's."""
    made = DocumentStore(make_engine(service.settings))
    for item in (NOTES, LATER):
        made.add(item, most=100)
    made.add(FOREIGN.model_copy(update={"document": FOREIGN.document.model_copy(update={"tenant": "globex"})}), most=100)
    return made


def request(*documents: DocumentText, **more: object) -> AnalysisRequest:
    return AnalysisRequest.model_validate({"symbol": "AAPL", "documents": [item.document.id for item in documents], **more})


def test_a_document_comes_back_as_it_was_stored(store: DocumentStore) -> None:
    """Text, page offsets, dates and times survive the database; the order is the caller's."""
    paged = document("Ação €1.\n\nPage two.", number=4, as_of=None, pages=(0, 10))
    store.add(paged, most=100)

    assert store.texts([paged.document.id, NOTES.document.id]) == [paged, NOTES]
    assert store.get(paged.document.id, tenant="local") == paged.document


def test_documents_are_part_of_what_makes_two_requests_the_same(service: "Service", store: DocumentStore) -> None:
    """Other documents, or another order, make another analysis; the same ones join it."""
    first = service.client.submit(request(NOTES, LATER))

    assert service.client.submit(request(NOTES, LATER)).outcome == "joined"
    assert [service.client.submit(other).outcome for other in (request(), request(NOTES), request(LATER, NOTES))] == ["created"] * 3
    assert service.client.get(first.analysis.id).request.documents == (NOTES.document.id, LATER.document.id)


@pytest.mark.parametrize(
    ("documents", "as_of", "indices", "said"),
    [
        ((NOTES, FOREIGN), None, [1], "no such document"),
        ((document("never stored", number=5), NOTES, FOREIGN), None, [0, 2], "no such document"),
        ((NOTES, LATER), "2026-02-15", [1], "became public after 2026-02-15"),
    ],
)
def test_a_document_that_cannot_be_attached_is_named_by_its_index(
    service: "Service", store: DocumentStore, documents: tuple[DocumentText, ...], as_of: str | None, indices: list[int], said: str
) -> None:
    """Unknown, another tenant's, or from after the day: refused with the index, and nothing is stored."""
    with pytest.raises(InvalidRequest, match=said) as caught:
        service.client.submit(request(*documents, as_of=as_of))

    assert caught.value.pointers == tuple(f"/documents/{index}" for index in indices)
    assert service.client.list() == []


def test_documents_that_are_too_long_together_are_refused(service: "Service", store: DocumentStore) -> None:
    """What one analysis reads is bounded; the limit and the sum are told, and nothing is stored."""
    long = [document("Long.", number=number) for number in (4, 5)]
    for item in long:
        store.add(item.model_copy(update={"document": item.document.model_copy(update={"characters": 2_600_000})}), most=100)
    with pytest.raises(InvalidRequest, match=r"5,200,000 characters together; at most 5,000,000") as caught:
        service.client.submit(request(*long))

    assert caught.value.pointers == ("/documents",)
    assert service.client.submit(request(long[0])).outcome == "created"


def test_a_document_is_kept_while_an_analysis_needs_it(service: "Service", store: DocumentStore) -> None:
    """Deleting is refused while a queued analysis names the document, and works once that has ended."""
    id = service.client.submit(request(NOTES)).analysis.id
    with pytest.raises(DocumentInUse):
        store.delete(NOTES.document.id, tenant="local")
    service.client.cancel(id)
    store.delete(NOTES.document.id, tenant="local")

    with pytest.raises(NotFound):
        store.texts([NOTES.document.id])
    assert service.client.get(id).request.documents == (NOTES.document.id,)


def test_another_tenants_document_cannot_be_deleted(store: DocumentStore) -> None:
    """It does not exist for others, and is still there afterwards."""
    for tenant in ("local", ""):
        with pytest.raises(NotFound):
            store.delete(FOREIGN.document.id, tenant=tenant)
    assert store.get(FOREIGN.document.id, tenant="globex").name == "notes.txt"


def test_posts_and_deletes_at_once_leave_no_analysis_without_its_document(service: "Service", store: DocumentStore) -> None:
    """However both race, a document is either deleted and the post refused, or kept for the analysis that was accepted."""
    items = [document("Raced.", number=4).document.model_copy(update={"id": f"do_{letter}{'a' * 25}"}) for letter in "abcdefghijkl"]
    for item in items:
        store.add(DocumentText(document=item, text="Raced."), most=100)

    def post(id: str) -> bool:
        try:
            service.client.submit(AnalysisRequest(symbol="AAPL", documents=(id,)))
        except InvalidRequest:
            return False
        return True

    def delete(id: str) -> bool:
        try:
            store.delete(id, tenant="local")
        except DocumentInUse:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        jobs = [(pool.submit(post, item.id), pool.submit(delete, item.id)) for item in items]
        outcomes = [(posted.result(), deleted.result()) for posted, deleted in jobs]

    assert all(posted != deleted for posted, deleted in outcomes)
    accepted = {analysis.request.documents[0] for analysis in service.client.list(limit=100)}
    assert [text.document.id for text in store.texts(sorted(accepted))] == sorted(accepted)


def test_old_documents_are_deleted_once_no_analysis_uses_them(service: "Service", store: DocumentStore) -> None:
    """Retention takes documents that are old and used by no kept analysis, and leaves the others."""
    id = service.client.submit(request(NOTES)).analysis.id
    soon = datetime.now(UTC) + timedelta(seconds=5)

    assert store.delete_old(NOTES.document.created_at) == 0
    assert store.delete_old(soon) == 2
    assert [item.id for item in store.list(tenant="local", limit=10)] == [NOTES.document.id]
    service.client.cancel(id)
    AnalysisStore(make_engine(service.settings)).delete([id])
    assert store.delete_old(soon) == 1


def test_a_worker_reads_the_stored_document_and_the_report_quotes_it(sqlite_service: "Service") -> None:
    """From the stored text to the report: a passage as evidence with document and offset, compared with the stored text, and listed."""
    DocumentStore(make_engine(sqlite_service.settings)).add(NOTES, most=100)
    sqlite_service.start_real_worker()
    found = sqlite_service.finished(sqlite_service.client.submit(request(NOTES)).analysis.id, seconds=90)
    assert found.failure is None
    report = sqlite_service.client.report(found.id)
    quoted = next(item for item in report.evidence if item.id == "document.1.0")

    assert quoted.value == NOTES.text
    assert quoted.locator == f"{NOTES.document.id}, characters 0 to {len(NOTES.text)}"
    assert [(item.number, item.id, item.sha256) for item in report.documents] == [(1, NOTES.document.id, NOTES.document.sha256)]
    assert any("[[document.1.0]]" in paragraph.text for section in report.sections for paragraph in section.paragraphs)
    assert "does not read the attached documents" in report.provenance.writer
    DocumentStore(make_engine(sqlite_service.settings)).delete(NOTES.document.id, tenant="local")
    assert sqlite_service.client.report(found.id) == report
