"""Why a document cannot be taken in."""

from typing import Literal

Reason = Literal["broken", "encrypted", "no_text", "too_large", "not_text"]


class Refused(Exception):
    """The document cannot be read; `detail` says why and what to do, in words for its sender."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail
