"""Opaque page cursors: the sort key of the last row and the filters it was made for, signed so that neither can be altered."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from api.problems import Problem

_SIGNATURE_BYTES = 16


class CursorSigner:
    """Makes and reads cursors with a secret `key`; a cursor is valid only with the filters it was made for."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"cursor:" + key).digest()

    def sign(self, position: Sequence[str], *, filters: Mapping[str, str | None]) -> str:
        """A cursor for the page after `position` under `filters`."""
        payload = json.dumps(list(position), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._signature(payload, filters) + payload).decode().rstrip("=")

    def read(self, cursor: str, *, filters: Mapping[str, str | None]) -> list[str]:
        """The position in `cursor`.

        Raises:
            Problem: `cursor` is not one of ours, or was made for other filters.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _refused() from None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(payload, filters)):
            raise _refused()
        return [str(part) for part in json.loads(payload)]

    def _signature(self, payload: bytes, filters: Mapping[str, str | None]) -> bytes:
        context = json.dumps(sorted(filters.items()), separators=(",", ":")).encode()
        return hmac.digest(self._key, context + b"\n" + payload, "sha256")[:_SIGNATURE_BYTES]


def _refused() -> Problem:
    detail = "cursor must be the next_cursor of the page before, with the same filters"
    return Problem("invalid_request", detail, errors=[{"parameter": "cursor", "in": "query", "code": "cursor", "detail": detail}])
