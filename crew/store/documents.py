"""Attached documents in the database: their text, never the bytes it was read from."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from crew.domain.analysis import AnalysisRequest
from crew.domain.document import Document, DocumentText, require_readable
from crew.errors import DocumentInUse, InvalidRequest, NotFound, QuotaExceeded
from crew.store.analyses import utc_now
from crew.store.connect import connected, one_at_a_time
from crew.store.moments import aware
from crew.store.pages import newest_first
from crew.store.tables import analyses, analysis_documents, documents

_METADATA = [column for column in documents.c if column.name not in {"text", "page_starts"}]
_ENDED = sa.select(analyses.c.id).where(analyses.c.status.notin_(["queued", "running"]))
_UNUSED = ~sa.exists().where(analysis_documents.c.document_id == documents.c.id)


class DocumentStore:
    """The documents of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, item: DocumentText, *, most: int) -> None:
        """Keep a new document.

        Raises:
            QuotaExceeded: the tenant keeps `most` already.
        """
        tenant = item.document.tenant
        values = item.document.model_dump() | {"text": item.text, "page_starts": json.dumps(item.page_starts)}
        with connected(self._engine) as connection:
            one_at_a_time(connection, f"documents:{tenant}")
            _require_room(connection, tenant, most)
            connection.execute(sa.insert(documents).values(values))

    def require_room(self, *, tenant: str, most: int) -> None:
        """Refuse early what `add` would refuse, before work is put into a document.

        Raises:
            QuotaExceeded: the tenant keeps `most` already.
        """
        with connected(self._engine) as connection:
            _require_room(connection, tenant, most)

    def get(self, id: str, *, tenant: str) -> Document:
        """One document without its text.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(*_METADATA).where(documents.c.id == id, documents.c.tenant == tenant)).first()
        if row is None:
            raise NotFound("There is no such document.")
        return _document(row)

    def texts(self, ids: Sequence[str]) -> list[DocumentText]:
        """The documents with their text, in the order of `ids`. The caller has seen to it that they are the right tenant's.

        Raises:
            NotFound: one of them is gone.
        """
        with connected(self._engine) as connection:
            rows = {row.id: row for row in connection.execute(sa.select(documents).where(documents.c.id.in_(ids)))}
        missing = [id for id in ids if id not in rows]
        if missing:
            raise NotFound(f"the document {missing[0]} is gone")
        return [DocumentText(document=_document(rows[id]), text=rows[id].text, page_starts=tuple(json.loads(rows[id].page_starts))) for id in ids]

    def list(self, *, tenant: str, limit: int, before: tuple[datetime, str] | None = None) -> Sequence[Document]:
        """Up to `limit` of the tenant's documents, newest first, older than `before` (creation time and id)."""
        query = sa.select(*_METADATA).where(documents.c.tenant == tenant)
        with connected(self._engine) as connection:
            return [_document(row) for row in connection.execute(newest_first(query, documents, before=before, limit=limit))]

    def delete(self, id: str, *, tenant: str) -> None:
        """Delete a document. Reports that quote it keep the quotations.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            DocumentInUse: an analysis under way needs it.
        """
        own = sa.select(documents.c.id).where(documents.c.id == id, documents.c.tenant == tenant)
        try:
            with connected(self._engine) as connection:
                used_up = sa.delete(analysis_documents).where(analysis_documents.c.document_id.in_(own), analysis_documents.c.analysis_id.in_(_ENDED))
                connection.execute(used_up)
                if not connection.execute(sa.delete(documents).where(documents.c.id.in_(own))).rowcount:
                    raise NotFound("There is no such document.")
        except IntegrityError:
            raise DocumentInUse("An analysis that is queued or running needs this document.") from None

    def delete_old(self, before: datetime) -> int:
        """Delete documents made before `before` that no kept analysis uses; how many."""
        try:
            with connected(self._engine) as connection:
                return connection.execute(sa.delete(documents).where(documents.c.created_at < before, _UNUSED)).rowcount
        except IntegrityError:
            # One of them was attached at this very moment; the next round will tell.
            return 0


def attach(connection: sa.Connection, id: str, request: AnalysisRequest, *, tenant: str) -> None:
    """Tie the request's documents to the analysis `id`, in the transaction that makes it; until it has ended they cannot be deleted.

    Raises:
        InvalidRequest: one is unknown, another tenant's, or dated after the day that the analysis speaks of (names its index), or they are too
            long together.
    """
    if not request.documents:
        return
    query = sa.select(documents.c.id, documents.c.as_of, documents.c.characters).where(
        documents.c.tenant == tenant, documents.c.id.in_(request.documents)
    )
    rows = connection.execute(query).all()
    found = {row.id: row.as_of for row in rows}
    _require_all(request, [index for index, wanted in enumerate(request.documents) if wanted not in found], "there is no such document")
    late = [index for index, wanted in enumerate(request.documents) if request.as_of and found[wanted] and found[wanted] > request.as_of]
    _require_all(request, late, f"the document became public after {request.as_of}, the day to analyse as of")
    require_readable(sum(row.characters for row in rows))
    connection.execute(sa.insert(analysis_documents), [{"analysis_id": id, "document_id": wanted} for wanted in request.documents])


def _require_room(connection: sa.Connection, tenant: str, most: int) -> None:
    if connection.execute(sa.select(sa.func.count()).where(documents.c.tenant == tenant)).scalar_one() >= most:
        text = f"{most} documents are kept, which is the limit (STOCKCREW_MAX_DOCUMENTS): delete some."
        raise QuotaExceeded(text, policy="documents", limit=most, retry_after_s=None)


def _require_all(request: AnalysisRequest, wrong: Sequence[int], reason: str) -> None:
    if wrong:
        named = ", ".join(f"documents[{index}] ({request.documents[index]})" for index in wrong)
        raise InvalidRequest(f"{named}: {reason}", pointers=[f"/documents/{index}" for index in wrong])


def _document(row: sa.Row[Any]) -> Document:
    values = {column.name: getattr(row, column.name) for column in _METADATA}
    created: datetime = values["created_at"]
    return Document.model_validate(values | {"created_at": aware(created)})
