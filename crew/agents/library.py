"""The documents of one analysis as passages that can be searched and cited."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TypeVar

from langchain_core.documents import Document as Chunk
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from crew.agents.bm25 import Bm25Retriever
from crew.agents.metering import Meter
from crew.agents.provider_errors import first_line
from crew.domain.document import DocumentText, passage
from crew.domain.evidence import Evidence
from crew.errors import ConfigurationError, ModelUnavailable, StockcrewError

PASSAGE_CHARACTERS = 400
SHORT_PARAGRAPH = 60
MOST_FOUND = 6
_RANK_DAMPING = 60  # of reciprocal rank fusion, as its authors found it
_GAP = re.compile(r"\n{2,}")
_SENTENCE_END = r"(?<=[.!?…])[\"”’)]*\s+"
_SPLITTER = RecursiveCharacterTextSplitter(
    chunk_size=PASSAGE_CHARACTERS,
    chunk_overlap=0,
    add_start_index=True,
    separators=[r"\n\n", _SENTENCE_END, r"\n", r"(?<=[;:])\s", r"\s", ""],
    is_separator_regex=True,
    keep_separator="end",
)
MakeEmbeddings = Callable[[str], Embeddings]
Answer = TypeVar("Answer")


def _embeddings(name: str) -> Embeddings:
    from langchain.embeddings import init_embeddings  # noqa: PLC0415 - needed only where an embedding model is configured

    try:
        made = init_embeddings(name)
    except (ImportError, ValueError, TypeError) as error:
        raise ConfigurationError(f"the embedding model {name!r} of STOCKCREW_EMBEDDINGS cannot be used: {first_line(error)}") from None
    if not isinstance(made, Embeddings):
        raise ConfigurationError(f"{name!r} of STOCKCREW_EMBEDDINGS is not an embedding model")
    return made


class Library:
    """Documents split into passages; the same documents always give the same passages under the same ids.

    Args:
        sources: the documents by their number in the request.
        day: of undated documents' passages.
        embeddings: the model that searches by meaning beside BM25, None for BM25 alone.
        make_embeddings: makes that model by its name; LangChain's way unless told otherwise.
        meter: counts the embedding of the passages under a cap; uncounted without one.

    Raises:
        ConfigurationError, ModelUnavailable: the embedding model cannot be used.
        BudgetExceeded: embedding the passages would exceed the cap.
    """

    def __init__(
        self,
        sources: dict[int, DocumentText],
        *,
        day: date,
        embeddings: str | None = None,
        make_embeddings: MakeEmbeddings | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.sources = sources
        self._day = day
        self._chunks = [chunk for number, source in sources.items() for chunk in chunks_of(number, source)]
        self._by_words = Bm25Retriever.over(self._chunks, most=len(self._chunks))
        self._by_meaning = _Vectors(embeddings, (make_embeddings or _embeddings)(embeddings), self._chunks, meter) if embeddings else None

    @property
    def size(self) -> int:
        """How many passages there are."""
        return len(self._chunks)

    def search(self, query: str, *, number: int | None = None, most: int = MOST_FOUND, meter: Meter | None = None) -> list[Evidence]:
        """Up to `most` passages on `query`, the best first; of one document only when `number` is given. `meter` counts what embedding takes.

        Raises:
            ModelUnavailable: the embedding model cannot be reached.
            BudgetExceeded: embedding the query would exceed the cap.
        """
        ranked = self._by_words.invoke(query)
        if self._by_meaning is not None:
            ranked = _fused(ranked, self._by_meaning.nearest(query, len(ranked) + most, meter))
        wanted = [chunk for chunk in ranked if number is None or chunk.metadata["number"] == number]
        return [self._evidence(chunk) for chunk in wanted[:most]]

    def _evidence(self, chunk: Chunk) -> Evidence:
        number, start = chunk.metadata["number"], chunk.metadata["start"]
        return passage(number, self.sources[number], start, start + len(chunk.page_content), day=self._day)


def chunks_of(number: int, source: DocumentText) -> list[Chunk]:
    """The passages of one document with their offsets in it. A passage never runs over the end of a page or of a paragraph."""
    starts = source.page_starts or (0,)
    found = []
    for page_start, page_end in zip(starts, (*starts[1:], len(source.text)), strict=True):
        for start, end in _paragraphs(source.text, page_start, page_end):
            for chunk in _SPLITTER.create_documents([source.text[start:end]]):
                at = start + int(chunk.metadata["start_index"])
                if source.text[at : at + len(chunk.page_content)] != chunk.page_content:
                    raise RuntimeError(f"{source.document.id}: the splitter misplaced a passage at {at}")
                found.append(Chunk(page_content=chunk.page_content, metadata={"number": number, "start": at}))
    return found


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The paragraphs between two offsets; a short one, such as a heading, goes with the one after it."""
    begins = start
    for gap in _GAP.finditer(text, start, end):
        if gap.start() - begins >= SHORT_PARAGRAPH:
            yield begins, gap.start()
            begins = gap.end()
    if begins < end:
        yield begins, end


class _Vectors:
    """The passages by meaning."""

    def __init__(self, name: str, model: Embeddings, chunks: Sequence[Chunk], meter: Meter | None) -> None:
        self._name, self._model = name, model
        self._store = InMemoryVectorStore(model)
        texts = [chunk.page_content for chunk in chunks]
        self._metered(texts, lambda: self._store.add_documents(list(chunks)), meter)
        self._asked = ("", [0.0])

    def nearest(self, query: str, most: int, meter: Meter | None) -> list[Chunk]:
        """The passages nearest in meaning. The same question after itself, of another document say, is embedded once."""
        asked, vector = self._asked
        if asked != query:
            vector = self._metered([query], lambda: self._model.embed_query(query), meter)
            self._asked = (query, vector)
        return self._store.similarity_search_by_vector(vector, k=most)

    def _metered(self, texts: Sequence[str], work: Callable[[], Answer], meter: Meter | None) -> Answer:
        try:
            return meter.embed(self._name, texts, work) if meter else work()
        except StockcrewError:
            raise
        except Exception as error:
            raise ModelUnavailable(f"the embedding model {self._name!r} cannot be reached: {type(error).__name__}") from error


def _fused(*rankings: Sequence[Chunk]) -> list[Chunk]:
    """One ranking of several, by reciprocal rank."""
    scores: dict[tuple[int, int], float] = {}
    chunks: dict[tuple[int, int], Chunk] = {}
    for ranking in rankings:
        for rank, chunk in enumerate(ranking, start=1):
            key = (chunk.metadata["number"], chunk.metadata["start"])
            chunks[key] = chunk
            scores[key] = scores.get(key, 0.0) + 1 / (_RANK_DAMPING + rank)
    return [chunks[key] for key in sorted(scores, key=lambda key: (-scores[key], key))]
