"""Documents from files on this machine, for the command line: the same values as the service stores, under ids that follow from their content."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from crew.documents.cleaning import cleaned
from crew.documents.extraction import SUFFIXES, extract
from crew.domain.document import LONGEST_NAME, MAX_ATTACHED, Document, DocumentText, require_readable
from crew.errors import DocumentUnreadable, InvalidRequest


class LocalDocuments:
    """The documents that the command line names, read at once.

    Args:
        named: files, each with the day it became public behind an @ if wanted: `notes.pdf@2026-02-01`.
        timeout_s: seconds that reading one may take.
        most_bytes: how large one may be.

    Raises:
        InvalidRequest: a file is missing, too large or of an unknown kind, or there is too much to read.
        DocumentUnreadable: no text can be read from one; the message names it.
    """

    def __init__(self, named: Sequence[str], *, timeout_s: float, most_bytes: int) -> None:
        if len(named) > MAX_ATTACHED:
            raise InvalidRequest(f"at most {MAX_ATTACHED} documents can be attached, not {len(named)}")
        self._texts = {text.document.id: text for text in (_read(*_split(name), timeout_s, most_bytes) for name in named)}
        require_readable(sum(text.document.characters for text in self._texts.values()))

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids in the order in which they were named."""
        return tuple(self._texts)

    def texts(self, ids: Sequence[str]) -> list[DocumentText]:
        """The documents by their ids."""
        return [self._texts[id] for id in ids]


def _split(named: str) -> tuple[Path, date | None]:
    file, at, day = named.rpartition("@")
    if not at or Path(named).exists():
        return Path(named), None
    try:
        return Path(file), date.fromisoformat(day)
    except ValueError:
        return Path(named), None


def _read(file: Path, as_of: date | None, timeout_s: float, most_bytes: int) -> DocumentText:
    media_type = SUFFIXES.get(file.suffix.lower())
    if media_type is None:
        raise InvalidRequest(f"{file} is of a kind that cannot be attached; use {', '.join(SUFFIXES)}")
    try:
        if file.stat().st_size > most_bytes:
            raise InvalidRequest(f"{file} has {file.stat().st_size:,} bytes; at most {most_bytes:,} are read (STOCKCREW_MAX_DOCUMENT_BYTES)")
        content = file.read_bytes()
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}") from None
    try:
        found = extract(content, media_type, timeout_s=timeout_s)
    except DocumentUnreadable as error:
        raise DocumentUnreadable(f"{file}: {error.message}") from None
    hashed = hashlib.sha256(content)
    return DocumentText(
        document=Document(
            id="do_" + base64.b32encode(hashed.digest()[:16]).decode().rstrip("=").lower(),
            tenant="local",
            name=cleaned(file.name).replace("\n", " ")[:LONGEST_NAME] or "document",
            media_type=media_type,
            as_of=as_of,
            size_bytes=len(content),
            sha256=hashed.hexdigest(),
            characters=len(found.text),
            pages=len(found.page_starts) or None,
            pages_without_text=found.pages_without_text,
            created_at=changed,
        ),
        text=found.text,
        page_starts=found.page_starts,
    )
