"""The text of a PDF, page by page."""

import io
import logging

from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError, LimitReachedError, PdfReadError, PyPdfError

from crew.documents.refusal import Refused

MAX_PAGES = 3_000
MAX_CHARACTERS = 5_000_000
_TEXT_PER_PAGE = 8


def pdf_text(content: bytes) -> list[str]:
    """The text of each page; an empty one for a page that holds none.

    Raises:
        Refused: it is no PDF, broken, encrypted, too long, or holds pictures of text only.
    """
    if b"%PDF-" not in content[:1024]:
        raise Refused("broken", "it is no PDF: the file does not begin as one")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _pages(PdfReader(io.BytesIO(content), strict=False))
    except Refused:
        raise
    except FileNotDecryptedError:
        raise _encrypted() from None
    except LimitReachedError:
        raise Refused("too_large", "the PDF unpacks to more than can be read") from None
    except (MemoryError, RecursionError):
        raise
    except (PdfReadError, PyPdfError) as error:
        raise Refused("broken", f"the PDF is broken: {_first_line(error)}") from None
    except Exception as error:  # noqa: BLE001 - the parser meets files made to break it, and raises whatever Python does
        raise Refused("broken", f"the PDF is broken: {type(error).__name__} while it was read") from None


def _pages(reader: PdfReader) -> list[str]:
    if reader.is_encrypted and not reader.decrypt(""):
        raise _encrypted()
    count = len(reader.pages)
    if count > MAX_PAGES:
        raise Refused("too_large", f"the PDF has {count:,} pages; at most {MAX_PAGES:,} are read")
    if count == 0:
        raise Refused("broken", "the PDF has no pages")
    texts, total = [], 0
    for page in reader.pages:
        text = page.extract_text()
        total += len(text)
        if total > MAX_CHARACTERS:
            raise Refused("too_large", f"the PDF holds more than {MAX_CHARACTERS:,} characters")
        texts.append(text)
    if sum(len("".join(text.split())) for text in texts) < _TEXT_PER_PAGE * min(count, 3):
        raise Refused(
            "no_text", "no text can be read from the PDF: it may hold pictures of text, as a scan does; send it through text recognition first"
        )
    return texts


def _encrypted() -> Refused:
    return Refused("encrypted", "the PDF is encrypted: save it without a password")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
