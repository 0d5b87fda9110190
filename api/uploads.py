"""Bodies that are files: strict about media type, charset and size, and only so many at a time, since each is held in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import get_args

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from api.negotiation import require_no_coding
from api.problems import Problem
from api.services import services
from crew.documents.extraction import CHARSETS
from crew.domain.document import MediaType

UPLOADS_AT_ONCE = 4
_MEDIA_TYPES: tuple[MediaType, ...] = get_args(MediaType)


@dataclass(frozen=True)
class Upload:
    """A file as it was sent."""

    content: bytes
    media_type: MediaType
    charset: str


@contextmanager
def upload() -> Iterator[Upload]:
    """The request's body as a file. Its place among those at work is given back at the end of the `with` block.

    Raises:
        Problem: the media type or charset is not supported, the file is too large or empty, or too many are being read.
    """
    require_no_coding()
    media_type, charset = _declared()
    gate = services().uploads
    if not gate.acquire(blocking=False):
        raise Problem("overloaded", f"{UPLOADS_AT_ONCE} documents are being read, which is the limit.", headers={"Retry-After": "2"})
    try:
        yield Upload(_content(), media_type, charset)
    finally:
        gate.release()


def _declared() -> tuple[MediaType, str]:
    media_type = next((known for known in _MEDIA_TYPES if known == request.mimetype), None)
    if media_type is None:
        raise Problem("unsupported_media_type", f"The body must be one of {', '.join(_MEDIA_TYPES)}.", headers={"Accept": ", ".join(_MEDIA_TYPES)})
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in CHARSETS:
        raise Problem("unsupported_media_type", f"The charset must be one of {', '.join(CHARSETS)}.", headers={"Accept": ", ".join(_MEDIA_TYPES)})
    return media_type, charset


def _content() -> bytes:
    most = services().settings.max_document_bytes
    # One more than allowed: of a body whose length is not announced the server gives as much as it may, without a word about the rest.
    request.max_content_length = most + 1
    try:
        content = request.get_data(cache=True)
    except RequestEntityTooLarge:
        content = None
    if content is None or len(content) > most:
        raise Problem("body_too_large", f"A document may have {most:,} bytes (STOCKCREW_MAX_DOCUMENT_BYTES).")
    if not content:
        raise Problem("malformed_body", "The body is empty: send the document itself.")
    return content
