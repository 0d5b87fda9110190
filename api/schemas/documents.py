"""Queries, headers and bodies of documents."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from api.schemas.fields import Answered, ListQuery, PageSize, Sent
from crew.documents.cleaning import cleaned
from crew.domain.document import LONGEST_NAME, MediaType


def _one_line(text: str) -> str:
    if cleaned(text) != text or "\n" in text:
        raise ValueError("must be one line of visible characters, without blanks around it")
    return text


DocumentName = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_one_line),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": "^[!-~]+( [!-~]+)*$", "examples": ["10-K 2025.pdf"]}),
]


class UploadDocument(Sent):
    """What the document in the body is."""

    name: DocumentName = Field(description="What to call it; reports show it. Any script, percent-encoded in UTF-8.")
    as_of: date | None = Field(None, description="The day on which it became public. An analysis as of an earlier day does not read it.")


class ListDocuments(ListQuery):
    """Which documents to list."""

    limit: PageSize = Field(20, description="Documents per page; more than 100 counts as 100.")


class DocumentBody(Answered):
    """One document. `sha256` is of the bytes that were sent, which are not kept; `pages` is null for what has no pages."""

    id: str
    name: str
    media_type: MediaType
    as_of: date | None
    size_bytes: int
    sha256: str
    characters: int
    pages: int | None
    pages_without_text: int
    created_at: datetime


class DocumentPage(Answered):
    """One page of documents, newest first. `next_cursor` null means that there are no more."""

    data: list[DocumentBody]
    next_cursor: str | None
