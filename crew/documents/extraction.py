"""The text of a document, read in a process of its own that may take so long and no longer."""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from crew.domain.document import MediaType
from crew.errors import DocumentUnreadable

CHARSETS = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16")
SUFFIXES: dict[str, MediaType] = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
}
_PAGE_BREAK = "\n\n"


@dataclass(frozen=True)
class Extracted:
    """A document's text, the offset at which each page begins, and how many pages hold no text."""

    text: str
    page_starts: tuple[int, ...]
    pages_without_text: int


def extract(content: bytes, media_type: MediaType, *, charset: str = "utf-8", timeout_s: float) -> Extracted:
    """Read `content`.

    Args:
        content: the bytes as they were sent.
        media_type: what they are said to be.
        charset: of a text, one of `CHARSETS`.
        timeout_s: seconds the reading may take.

    Raises:
        DocumentUnreadable: it is broken, encrypted, a scan, no text, or too much; the message says which and what to do.
    """
    command = [sys.executable, "-I", "-m", "crew.documents.reader", media_type, charset, str(math.ceil(timeout_s))]
    try:
        # Without our environment: a parser that is tricked has no key to give away.
        done = subprocess.run(command, input=content, capture_output=True, timeout=timeout_s, env={}, check=False)  # noqa: S603 - a fixed command of ours
    except subprocess.TimeoutExpired:
        raise DocumentUnreadable(f"the document cannot be read within {timeout_s:g} s (STOCKCREW_DOCUMENT_TIMEOUT_S)") from None
    if done.returncode != 0:
        raise DocumentUnreadable("the document cannot be read: its reader ran out of time or memory, or broke on it")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise DocumentUnreadable(answer["detail"])
    return _joined(answer["pages"], has_pages=media_type == "application/pdf")


def _joined(pages: Sequence[str], *, has_pages: bool) -> Extracted:
    if not has_pages:
        return Extracted(pages[0], (), 0)
    starts, at = [], 0
    for page in pages:
        starts.append(at)
        at += len(page) + len(_PAGE_BREAK)
    return Extracted(_PAGE_BREAK.join(pages), tuple(starts), sum(not page for page in pages))
