"""Server-sent events over the durable event log: snapshot first, integer ids, resume, heartbeats, `done`, and an end on shutdown."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore, Event
from time import monotonic
from typing import Any

import structlog

from crew.domain.analysis import Analysis
from crew.domain.analysis import Event as LoggedEvent
from crew.errors import StockcrewError

log = structlog.get_logger(__name__)

RETRY_MS = 3000
HEARTBEAT_S = 15.0
PAGE = 200
# Between two looks at the log: a stream writes at most twice a second.
_FASTEST_S = 0.5
_SLOWEST_S = 1.0
Pulses = Mapping[str, tuple[int, bool]]
Encode = Callable[[Any, str, dict[str, Any]], bytes]


class StreamGate:
    """Counts open streams against a cap, and ends them all when the process stops.

    Args:
        capacity: streams open at once; every stream holds a thread, so threads beyond it keep answering.
        longest_s: seconds after which a stream ends and the client resumes on a new connection.
        heartbeat_s: seconds without an event after which a comment is sent, so that nobody between takes the connection for dead.
    """

    def __init__(self, capacity: int, *, longest_s: float, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.capacity = capacity
        self.longest_s = longest_s
        self.heartbeat_s = heartbeat_s
        self.stopping = Event()
        self._slots = BoundedSemaphore(capacity)

    def enter(self) -> bool:
        """Take a place. False when the cap is reached.

        In a stopping process as well: such a stream says what there is to say and ends, and its client resumes at another process as those of
        the open ones do. Refused, a request that has reached this process by an old connection would fail for a restart.
        """
        return self._slots.acquire(blocking=False)

    def leave(self) -> None:
        """Give the place back."""
        self._slots.release()


@dataclass
class Place:
    """How far a client has read: by analysis the number of the last event, in the order in which the client named them."""

    seqs: dict[str, int]

    @property
    def label(self) -> str:
        """The `id` from which the stream can be resumed: one number for each analysis, so for a single one just its `seq`."""
        return ".".join(map(str, self.seqs.values()))


class EventFeed:
    """One client's view of one or several analyses: where their states and logs are read, and how they are shown.

    Args:
        read_states: gives the analyses as they are now, in the order in which the client named them.
        read_pulses: gives for each analysis the number of its last event and whether it has ended; none for a deleted one.
        read_log: gives up to PAGE events of an analysis after a `seq`.
        present: an analysis as JSON values.
        clock: the time in UTC.
        named: what log lines about the stream name, since it outlives its request.
        encode: makes the bytes of one event from its kind, its id and what it tells; none where there is nothing to send.
    """

    def __init__(
        self,
        read_states: Callable[[], Sequence[Analysis]],
        read_pulses: Callable[[], Pulses],
        read_log: Callable[[str, int], Sequence[LoggedEvent]],
        present: Callable[[Analysis], dict[str, Any]],
        clock: Callable[[], datetime],
        *,
        named: Mapping[str, Any] | None = None,
        encode: Encode | None = None,
    ) -> None:
        self._encode = encode or frame
        self._log = log.bind(**(named or {}))
        self._read_states = read_states
        self._read_pulses = read_pulses
        self._read_log = read_log
        self._present = present
        self._clock = clock

    def frames(self, after: Sequence[int], gate: StreamGate) -> Iterator[bytes]:
        """The stream from just behind `after` until every analysis has ended, `gate` closes or the stream has lived long enough."""
        return filter(None, self._frames(after, gate))

    def _frames(self, after: Sequence[int], gate: StreamGate) -> Iterator[bytes]:
        ends_at = monotonic() + gate.longest_s
        yield f"retry: {RETRY_MS}\n\n".encode()
        try:
            analyses = self._read_states()
            place = Place({analysis.id: seq for analysis, seq in zip(analyses, after, strict=True)})
            for analysis in analyses:
                yield self._control("snapshot", place, analysis.id, self._present(analysis))
            yield from self._follow(place, gate, ends_at)
        except StockcrewError as error:
            self._log.warning("stream_cut", code=error.code, error=error.message)

    def _follow(self, place: Place, gate: StreamGate, ends_at: float) -> Iterator[bytes]:
        pause, beat_at, following = _FASTEST_S, monotonic() + gate.heartbeat_s, set(place.seqs)
        while True:
            # What has happened since the last look goes out together, so that a burst of events is one write.
            if news := b"".join(self._news(place, following)):
                yield news
                pause, beat_at = _FASTEST_S, monotonic() + gate.heartbeat_s
            longest = max(0.0, min(pause, gate.heartbeat_s, ends_at - monotonic()))
            if not following or gate.stopping.wait(longest) or monotonic() >= ends_at:
                return
            pause = min(_SLOWEST_S, pause * 1.5)
            if monotonic() >= beat_at:
                beat_at = monotonic() + gate.heartbeat_s
                yield b": still here\n\n"

    def _news(self, place: Place, following: set[str]) -> Iterator[bytes]:
        """What has happened since the last look; analyses that have ended or are deleted are followed no longer."""
        pulses = self._read_pulses()
        for id in [id for id in place.seqs if id in following]:
            last, ended = pulses.get(id, (0, False))
            if last > place.seqs[id]:
                yield from self._logged(place, id, last)
            if ended:
                yield self._control("done", place, id, {"status": self._status(id)})
            if ended or id not in pulses:
                following.remove(id)

    def _logged(self, place: Place, id: str, last: int) -> Iterator[bytes]:
        """The events up to `last`, with a `gap` in place of those that the log no longer has."""
        while place.seqs[id] < last:
            page = self._read_log(id, place.seqs[id])
            for event in page:
                if event.seq > place.seqs[id] + 1:
                    yield self._gap(place, id, event.seq - 1)
                place.seqs[id] = event.seq
                yield self._encode(event.type, place.label, as_data(event))
            if not page:
                yield self._gap(place, id, last)
                place.seqs[id] = last

    def _gap(self, place: Place, id: str, until: int) -> bytes:
        return self._control("gap", place, id, {"missing_from": place.seqs[id] + 1, "missing_to": until})

    def _status(self, id: str) -> str:
        return next(analysis.status for analysis in self._read_states() if analysis.id == id)

    def _control(self, kind: str, place: Place, id: str, data: dict[str, Any]) -> bytes:
        return self._encode(
            kind, place.label, {"seq": place.seqs[id], "type": kind, "at": self._clock().isoformat(), "analysis_id": id, "data": data}
        )


def as_data(event: LoggedEvent) -> dict[str, Any]:
    """One logged event as clients see it."""
    return {"seq": event.seq, "type": event.type, "at": event.at.isoformat(), "analysis_id": event.analysis_id, "data": event.data}


def frame(kind: str, id: str, data: dict[str, Any]) -> bytes:
    """One server-sent event; JSON on one line, so that text in it can never start a field of its own."""
    return f"id: {id}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
