"""Documents: attach filings, transcripts and notes, which analyses then name by their ids."""

import hashlib
from typing import get_args

from flask import Response, g

from api.contract import Answer, Resource
from api.ids import checked_id
from api.negotiation import conditional
from api.paging import linked, read_page
from api.present import json_answer
from api.schemas.documents import DocumentBody, DocumentPage, ListDocuments, UploadDocument
from api.schemas.fields import KeyedHeaders
from api.services import services
from api.uploads import Upload
from crew.documents.extraction import extract
from crew.domain.document import Document, DocumentText, MediaType
from crew.domain.ids import new_id

resource = Resource(
    "documents",
    "Filings, transcripts and notes for the crew to read. The service keeps the text that it finds in a document, not its bytes, and quotes it "
    "verbatim with page and offset.",
)


@resource.operation(
    "POST",
    "/v1/documents",
    scope="run",
    query=UploadDocument,
    headers=KeyedHeaders,
    files=get_args(MediaType),
    answers={201: Answer("The document; name its id under `documents` of an analysis", DocumentBody, headers={"Location": "The document"})},
    problems=("document_unreadable", "quota_exceeded", "overloaded", "idempotency_in_flight", "idempotency_key_reused"),
)
def upload_document(query: UploadDocument, headers: KeyedHeaders, file: Upload) -> Response:  # noqa: ARG001 - read by the contract
    """Attach a document: the body is the document itself.

    `Content-Type` says what it is: `text/plain`, `text/markdown`, `text/html` or `application/pdf`. Texts are UTF-8 unless `charset` says otherwise.
    Its text is read at once; a PDF that is encrypted, broken, or holds pictures of text only is refused with the reason.
    """
    settings = services().settings
    services().documents.require_room(tenant=g.principal.tenant, most=settings.max_documents)
    found = extract(file.content, file.media_type, charset=file.charset, timeout_s=settings.document_timeout_s)
    made = Document(
        id=new_id("do"),
        tenant=g.principal.tenant,
        name=query.name,
        media_type=file.media_type,
        as_of=query.as_of,
        size_bytes=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        characters=len(found.text),
        pages=len(found.page_starts) or None,
        pages_without_text=found.pages_without_text,
        created_at=services().clock(),
    )
    services().documents.add(DocumentText(document=made, text=found.text, page_starts=found.page_starts), most=settings.max_documents)
    return json_answer(_body(made), 201, Location=f"/v1/documents/{made.id}")


@resource.operation(
    "GET",
    "/v1/documents",
    scope="read",
    query=ListDocuments,
    answers={200: Answer("One page, newest first", DocumentPage, headers={"Link": "The next page, when there is one"})},
)
def list_documents(query: ListDocuments) -> Response:
    """List documents, newest first."""
    store, tenant = services().documents, g.principal.tenant
    page, cursor = read_page(query, lambda limit, before: store.list(tenant=tenant, limit=limit, before=before), filters={"list": "documents"})
    return linked(json_answer(DocumentPage(data=[_body(item) for item in page], next_cursor=cursor)), "/v1/documents", query, cursor)


@resource.operation(
    "GET",
    "/v1/documents/<document_id>",
    scope="read",
    answers={
        200: Answer("What is known about the document", DocumentBody, headers={"ETag": "Of the document, which never changes"}),
        304: Answer("It has not changed since `If-None-Match`"),
    },
)
def get_document(document_id: str) -> Response:
    """Read what is known about a document."""
    return conditional(json_answer(_body(services().documents.get(checked_id("do", document_id, "document"), tenant=g.principal.tenant))))


@resource.operation("DELETE", "/v1/documents/<document_id>", scope="run", answers={204: Answer("It is deleted")}, problems=("document_in_use",))
def delete_document(document_id: str) -> Response:
    """Delete a document and its text.

    While an analysis that names it is queued or running this is refused. Finished reports keep what they quote.
    """
    services().documents.delete(checked_id("do", document_id, "document"), tenant=g.principal.tenant)
    return Response(status=204)


def _body(item: Document) -> DocumentBody:
    return DocumentBody.model_validate(item.model_dump(exclude={"tenant"}))
