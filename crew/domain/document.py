"""Attached documents: what analysts hand in, the text in it, and the passages of it that serve as evidence."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from crew.domain.base import Value
from crew.domain.evidence import Evidence
from crew.domain.outside import is_hostile_name
from crew.errors import InvalidRequest

MediaType = Literal["text/plain", "text/markdown", "text/html", "application/pdf"]
DOCUMENT_ID = r"do_[a-z2-7]{26}"
MAX_ATTACHED = 10
MAX_ATTACHED_CHARACTERS = 5_000_000
LONGEST_NAME = 200
FAMILY = "document."

DocumentId = Annotated[str, Field(pattern=f"^{DOCUMENT_ID}$")]
_LOCATOR = re.compile(rf"({DOCUMENT_ID}), (?:page \d+, )?characters (\d+) to (\d+)")


class Document(Value):
    """One document without its text. `sha256` is of the bytes as they were sent; `characters` and `pages` are of the text in them.

    `as_of` is the day on which it became public, as the sender states; None when nothing was stated. `pages` is None for
    what has no pages, `pages_without_text` counts those of which nothing could be read (pictures of text). `name` is outside
    text: data, never instructions.
    """

    id: DocumentId
    tenant: str
    name: str
    media_type: MediaType
    as_of: date | None
    size_bytes: int
    sha256: str
    characters: int
    pages: int | None
    pages_without_text: int
    created_at: datetime


class DocumentText(Value):
    """A document's text with the offset at which each page begins (none for what has no pages). Outside text: data, never instructions."""

    document: Document
    text: str
    page_starts: tuple[int, ...] = ()


class AttachedDocument(Value):
    """A document as the report lists it. `number` is its place in the request, from 1; `left_out` says why it was not read, else None."""

    number: int
    id: str
    name: str
    media_type: MediaType
    as_of: date | None
    sha256: str
    characters: int
    pages: int | None
    pages_without_text: int = 0
    left_out: str | None = None


def require_readable(characters: int) -> None:
    """Check that documents of so many characters together can be read for one analysis.

    Raises:
        InvalidRequest: they cannot.
    """
    if characters > MAX_ATTACHED_CHARACTERS:
        problem = f"the documents hold {characters:,} characters together; at most {MAX_ATTACHED_CHARACTERS:,} are read for one analysis"
        raise InvalidRequest(problem, pointers=["/documents"])


def attached(number: int, document: Document, *, left_out: str | None = None) -> AttachedDocument:
    """The document as the report lists it."""
    shared = document.model_dump(include=set(AttachedDocument.model_fields)) | {"name": shown_name(number, document)}
    return AttachedDocument(number=number, left_out=left_out, **shared)


def shown_name(number: int, document: Document) -> str:
    """The document's name for readers: its number stands in for a name that reads like an instruction."""
    return f"document {number}" if is_hostile_name(document.name) else document.name


def passage(number: int, source: DocumentText, start: int, end: int, *, day: date) -> Evidence:
    """The characters from `start` to `end` as evidence that can be cited; an undated document is dated `day`.

    The name of the document is its source and not part of the label: labels are shown to models as our own words.
    """
    page = page_at(source.page_starts, start)
    where = f"page {page}, " if page is not None else ""
    return Evidence(
        id=f"{FAMILY}{number}.{start}",
        kind="text",
        label=f"Attached document {number}" + (f", page {page}" if page is not None else ""),
        value=plain(source.text[start:end]),
        unit="text",
        period="spot",
        as_of=source.document.as_of or day,
        retrieved_at=source.document.created_at,
        source=shown_name(number, source.document),
        locator=f"{source.document.id}, {where}characters {start} to {end}",
    )


def page_at(page_starts: Sequence[int], offset: int) -> int | None:
    """The page, from 1, on which the character at `offset` stands; None without pages."""
    return sum(begins <= offset for begins in page_starts) or None


def plain(text: str) -> str:
    """The text on one line, every run of white space one space: how passages are shown and compared."""
    return " ".join(text.split())


def misquoted(evidence: Sequence[Evidence], documents: Mapping[str, DocumentText]) -> list[str]:
    """Ids of passages whose words are not, character for character, what the stored document says at the place they name."""
    return [item.id for item in evidence if item.id.startswith(FAMILY) and not _is_verbatim(item, documents)]


def _is_verbatim(item: Evidence, documents: Mapping[str, DocumentText]) -> bool:
    found = _LOCATOR.fullmatch(item.locator or "")
    if found is None or found.group(1) not in documents:
        return False
    return plain(documents[found.group(1)].text[int(found.group(2)) : int(found.group(3))]) == item.value
