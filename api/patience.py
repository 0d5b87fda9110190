"""A client's connection on which no thread waits for longer than agreed."""

import errno
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from time import monotonic
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_READS_AT_MOST = 65536
# What a client has not taken when its answer is complete is sent without a thread; up to this much may pile up in the middle of an answer.
_MOST_UNSENT = 65536


class SlowClient(TimeoutError):
    """The client was waited for long enough."""

    def __init__(self, doing: str) -> None:
        super().__init__(errno.EPIPE, f"the client was too slow while {doing}")
        self.doing = doing


@dataclass(frozen=True)
class Patience:
    """How long clients are waited for.

    Args:
        seconds: for a request to arrive, and for anything else to begin to move.
        bytes_per_s: what a client must manage beyond that.
        readers: places for threads that wait for the rest of a body.
    """

    seconds: float
    bytes_per_s: int = 16 * 1024
    readers: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(4))

    def for_bytes(self, count: int) -> float:
        """Seconds that so many bytes may take."""
        return self.seconds + count / self.bytes_per_s


class PatientSocket(socket.socket):
    """Never blocks by itself: a thread that has to wait for the client does so until a deadline.

    Args:
        accepted: the connection; it is taken over.
        patience: how long to wait.
        clock: gives seconds.
    """

    def __init__(self, accepted: socket.socket, patience: Patience, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self._patience = patience
        self._clock = clock
        self._began = clock()
        self._received = 0
        self.waits = True
        self.unsent = bytearray()

    def setblocking(self, flag: bool, /) -> None:
        """Stay as it is: gunicorn would have the system wait, and without end."""

    def begin(self) -> None:
        """A request begins: its body may take its time from here."""
        self._began, self._received, self.waits = self._clock(), 0, True

    def arrived(self) -> bytes | None:
        """What has come, b"" at the end of the connection, None when nothing has."""
        try:
            return super().recv(_READS_AT_MOST)
        except (BlockingIOError, InterruptedError):
            return None

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive, within the patience for what was received since the request began.

        Raises:
            SlowClient: it was used up, or too many threads wait for clients already.
        """
        while True:
            try:
                data = super().recv(bufsize, flags)
            except (BlockingIOError, InterruptedError):
                self._wait_for_body()
            else:
                self._received += len(data)
                return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send, and keep what the client does not take at once in `unsent`.

        Raises:
            SlowClient: too much was kept already and the client did not take it in time.
        """
        until = self._clock() + self._patience.for_bytes(len(self.unsent))
        while len(self.unsent) > _MOST_UNSENT and not self.flush():
            self._wait(select.POLLOUT, until, "taking an answer")
        if self.flush():
            data = memoryview(data)[self._send(data, flags) :]
        self.unsent += data

    def flush(self) -> bool:
        """Send what is left as far as the client takes it; whether nothing is left."""
        while self.unsent:
            sent = self._send(self.unsent)
            if not sent:
                return False
            del self.unsent[:sent]
        return True

    def _send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (BlockingIOError, InterruptedError):
            return 0

    def _wait_for_body(self) -> None:
        if not self.waits or not self._patience.readers.acquire(blocking=False):
            raise SlowClient("sending a body")
        try:
            self._wait(select.POLLIN, self._began + self._patience.for_bytes(self._received), "sending a body")
        finally:
            self._patience.readers.release()

    def _wait(self, event: int, until: float, doing: str) -> None:
        left = until - self._clock()
        poll = select.poll()
        poll.register(self, event)
        if left <= 0 or not poll.poll(left * 1000):
            log.info("slow_client", doing=doing)
            raise SlowClient(doing)
