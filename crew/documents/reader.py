"""The process that reads one document: bytes on standard input, JSON on standard output, bounded in time and memory.

`python -m crew.documents.reader MEDIA_TYPE CHARSET SECONDS`. Parsers of files from outside run here and nowhere else: what
hangs, eats memory or crashes takes this process with it and no other.
"""

import json
import re
import resource
import sys

from crew.documents.cleaning import cleaned
from crew.documents.refusal import Refused

MEMORY_BYTES = 1 << 30
MAX_CHARACTERS = 5_000_000
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def read(content: bytes, media_type: str, charset: str) -> list[str]:
    """The text of each page, or of the whole where there are no pages.

    Raises:
        Refused: it cannot be read.
    """
    if media_type == "application/pdf":
        from crew.documents.pdf_text import pdf_text  # noqa: PLC0415 - a process reads one document with one parser

        return [cleaned(page) for page in pdf_text(content)]
    text = _decoded(content, charset)
    if media_type == "text/html":
        from crew.documents.html_text import html_text  # noqa: PLC0415

        text = html_text(text)
    elif media_type == "text/markdown":
        text = _COMMENT.sub(" ", text)
    text = cleaned(text)
    if not text:
        raise Refused("no_text", "the document holds no text that a reader would see")
    if len(text) > MAX_CHARACTERS:
        raise Refused("too_large", f"the document holds {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    return [text]


def _decoded(content: bytes, charset: str) -> str:
    if content[:5] == b"%PDF-":
        raise Refused("not_text", "it is a PDF: send it as application/pdf")
    try:
        text = content.decode("utf-8-sig" if charset == "utf-8" else charset)
    except UnicodeDecodeError as error:
        raise Refused("not_text", f"it is not text in {charset}: byte {error.start + 1} fits no character; name its charset") from None
    if "\0" in text:
        raise Refused("not_text", "it holds NUL bytes, as no text does: it is a binary file, or text in another charset")
    return text


def main(media_type: str, charset: str, seconds: str) -> None:
    """Read standard input and say what was found; a problem is an answer too."""
    _bound(int(seconds))
    try:
        answer: dict[str, object] = {"pages": read(sys.stdin.buffer.read(), media_type, charset)}
    except Refused as refused:
        answer = {"refused": refused.reason, "detail": refused.detail}
    except (MemoryError, RecursionError):
        answer = {"refused": "too_large", "detail": "the document needs more memory to read than it is given"}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode())


def _bound(seconds: int) -> None:
    for limit, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):  # not every system has every limit; the caller's clock remains
            continue


if __name__ == "__main__":
    main(*sys.argv[1:])
