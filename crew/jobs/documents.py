"""Attached documents on their way through one analysis: fetched, put on the fact sheet, searched, and every quotation compared at the end."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from crew.domain.document import DocumentText, misquoted
from crew.domain.factsheet import FactSheet
from crew.domain.report import Report
from crew.errors import OutputInvalid
from crew.settings import Settings
from crew.store.documents import DocumentStore
from crew.store.engine import make_engine

if TYPE_CHECKING:
    from crew.agents.library import Library, MakeEmbeddings
    from crew.agents.metering import Meter

DocumentSource = Callable[[Sequence[str]], list[DocumentText]]
_KEPT = 4


class DocumentDesk:
    """Hands out attached documents and their passages to the analyses of one process; documents never change, so both may be kept.

    Args:
        settings: names the database and the embedding model.
        source: gives documents by their ids; the database's unless told otherwise.
        make_embeddings: makes the embedding model by its name; LangChain's way unless told otherwise.
    """

    def __init__(self, settings: Settings, source: DocumentSource | None = None, make_embeddings: MakeEmbeddings | None = None) -> None:
        self._settings = settings
        self._make = make_embeddings
        self._source = source
        self._kept: OrderedDict[tuple[object, ...], Library] = OrderedDict()
        self._lock = threading.Lock()

    def attach(self, sheet: FactSheet, ids: Sequence[str], meter: Meter | None = None) -> FactSheet:
        """The sheet with the documents, their best passages, and what is to be known about them; `meter` counts what embedding takes.

        Raises:
            NotFound: a document is gone.
            ConfigurationError, ModelUnavailable: the embedding model cannot be used.
            BudgetExceeded: embedding would exceed the cap.
        """
        from crew.agents.attach import listed, with_documents  # noqa: PLC0415 - LangChain is loaded when the first document is attached

        noted = sheet.model_copy(update={"documents": listed(self._texts(ids), sheet.as_of)})
        return with_documents(sheet, noted.documents, self.library(noted, ids, meter), meter)

    def library(self, sheet: FactSheet, ids: Sequence[str], meter: Meter | None = None) -> Library:
        """The passages of the documents that `sheet` lists and did not leave out; `meter` counts what embedding them takes.

        Raises:
            NotFound: a document is gone.
            ConfigurationError, ModelUnavailable: the embedding model cannot be used.
            BudgetExceeded: embedding would exceed the cap.
        """
        from crew.agents.attach import readable  # noqa: PLC0415 - see attach
        from crew.agents.library import Library  # noqa: PLC0415 - see attach

        key = (tuple(ids), sheet.as_of)
        with self._lock:
            if key not in self._kept:
                sources = readable(self._texts(ids), sheet.documents)
                self._kept[key] = Library(sources, day=sheet.as_of, embeddings=self._settings.embeddings, make_embeddings=self._make, meter=meter)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def require_verbatim(self, report: Report) -> None:
        """Compare every passage in the report with the stored document, character for character.

        Raises:
            OutputInvalid: one says something else.
        """
        texts = {text.document.id: text for text in self._texts([item.id for item in report.documents])}
        wrong = misquoted(report.evidence, texts)
        if wrong:
            raise OutputInvalid(f"the passage {wrong[0]} is not what the stored document says at that place")

    def _texts(self, ids: Sequence[str]) -> list[DocumentText]:
        return self._source(ids) if self._source else self._stored.texts(ids)

    @cached_property
    def _stored(self) -> DocumentStore:
        return DocumentStore(make_engine(self._settings, pool_size=2))
