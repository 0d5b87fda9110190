"""A request on its way in: whether enough of it has come that a thread can answer it without waiting for the client."""

import re

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding:[ \t]*([^\r]*)", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)
_LONGEST_SIZE_LINE = 1024


class HeadTooLarge(Exception):
    """The headers do not end within what they may have."""


class Arrival:
    """The bytes of one request so far.

    What is malformed counts as complete: the parser refuses it without waiting.

    Args:
        longest_line: bytes that the request line may have.
        largest_head: bytes that the request line and the headers may have together.
        largest_body: bytes up to which a body is waited for; larger ones are read by the thread that answers.
    """

    def __init__(self, *, longest_line: int, largest_head: int, largest_body: int) -> None:
        self._longest_line = longest_line
        self._largest_head = largest_head
        self._largest_body = largest_body
        self._bytes = bytearray()
        self._body_at: int | None = None
        self._wanted: int | None = 0
        self._next_chunk = 0

    def add(self, data: bytes) -> bool:
        """Take what has come; whether the request can be answered now.

        Raises:
            HeadTooLarge: it has no end where it must have one.
        """
        self._bytes += data
        if self._body_at is None and not self._read_head():
            return self._is_hopeless()
        if self._wanted is not None:
            return len(self._bytes) >= self._wanted
        return self._has_last_chunk()

    def take(self) -> bytes:
        """All bytes, those behind the request included."""
        return bytes(self._bytes)

    def _read_head(self) -> bool:
        found = self._bytes.find(_HEAD_ENDS, 2 if self._bytes.startswith(b"\r\n") else 0)
        if found < 0:
            return False
        self._body_at = self._next_chunk = found + len(_HEAD_ENDS)
        head = bytes(self._bytes[: found + 2])
        length, coding = _LENGTH.search(head), _CODED.search(head)
        if _EXPECTS.search(head):
            self._wanted = 0  # the client waits for a word from the parser before it sends the body
        elif coding is not None:
            self._wanted = None if coding.group(1).strip().lower() == b"chunked" else 0
        elif length is not None and int(length.group(1)) <= self._largest_body:
            self._wanted = self._body_at + int(length.group(1))
        return True

    def _is_hopeless(self) -> bool:
        line = self._bytes.find(b"\n", 2)
        if line < 0:
            return len(self._bytes) > self._longest_line + 2
        if self._bytes[line - 1 : line] != b"\r":
            return True
        if len(self._bytes) > self._largest_head:
            raise HeadTooLarge
        return False

    def _has_last_chunk(self) -> bool:
        while len(self._bytes) - (self._body_at or 0) <= self._largest_body:
            end = self._bytes.find(b"\r\n", self._next_chunk)
            if end < 0:
                return len(self._bytes) - self._next_chunk > _LONGEST_SIZE_LINE
            try:
                size = int(self._bytes[self._next_chunk : end].split(b";")[0], 16)
            except ValueError:
                return True
            if size <= 0:
                return size < 0 or self._bytes.find(_HEAD_ENDS, end) >= 0
            if end + 2 + size + 2 > len(self._bytes):
                return size > self._largest_body
            self._next_chunk = end + 2 + size + 2
        return True
