"""Request ids and W3C trace context: taken from the caller when well formed, made here otherwise, always sent back."""

import re
from dataclasses import dataclass
from random import getrandbits

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True)
class Trace:
    """One request's place in a trace. `parent_id` is the caller's span, None when the trace begins here."""

    trace_id: str
    span_id: str
    parent_id: str | None
    flags: str

    @property
    def traceparent(self) -> str:
        """The header for whoever continues the trace."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def request_id(sent: str | None) -> str:
    """`sent` when it is a well-formed id (at most 64 of letters, digits, `.`, `_`, `:`, `-`), else a new one."""
    return sent if sent and _REQUEST_ID.fullmatch(sent) else _hex(16)


def trace(sent: str | None) -> Trace:
    """The trace that `sent`, a `traceparent` header, continues; a new one when it is missing or malformed."""
    span_id = _hex(8)
    found = _TRACEPARENT.fullmatch(sent.strip()) if sent else None
    if found is None:
        return Trace(_hex(16), span_id, None, "01")
    version, trace_id, parent_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or set(trace_id) == {"0"} or set(parent_id) == {"0"}:
        return Trace(_hex(16), span_id, None, "01")
    return Trace(trace_id, span_id, parent_id, flags)


def _hex(count: int) -> str:
    # These ids are told to everybody and need to differ only. Asking the system for randomness lets other threads in, thrice per request.
    return f"{getrandbits(8 * count):0{2 * count}x}"
