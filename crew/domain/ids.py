"""Ids of stored things: a prefix that says what it is, and a time-ordered random part."""

import base64
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime


def new_id(prefix: str, *, at: datetime | None = None, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """`prefix`, an underscore, and the 26 lower-case base32 characters of a UUID version 7 made at `at` (now).

    Ids made later sort later, to the millisecond (RFC 9562, section 5.7).
    """
    milliseconds = int((at or datetime.now(UTC)).timestamp() * 1000)
    random = int.from_bytes(random_bytes(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (2**62 - 1)
    text = base64.b32encode(uuid.UUID(int=value).bytes).decode().rstrip("=").lower()
    return f"{prefix}_{text}"
