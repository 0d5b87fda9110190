"""Documents as the store would give them."""

from datetime import UTC, date, datetime

from crew.domain.document import Document, DocumentText

CREATED = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def document(
    text: str, *, number: int = 1, name: str = "notes.txt", as_of: date | None = date(2026, 2, 1), pages: tuple[int, ...] = ()
) -> DocumentText:
    """A document with `text`; `pages` are the offsets at which its pages begin."""
    made = Document(
        id="do_" + "abcdefghij"[number] * 26,
        tenant="local",
        name=name,
        media_type="application/pdf" if pages else "text/plain",
        as_of=as_of,
        size_bytes=len(text.encode()),
        sha256=f"{number:064x}",
        characters=len(text),
        pages=len(pages) or None,
        pages_without_text=0,
        created_at=CREATED,
    )
    return DocumentText(document=made, text=text, page_starts=pages)
