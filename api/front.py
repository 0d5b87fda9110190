"""The front of gunicorn's threaded worker: connections wait in its loop, not in its threads, and none waits without end (ADR 51).

Gunicorn's own hands a connection to a thread with its first byte, and that thread waits for the rest for as long as the client likes.
"""

import json
import select
import selectors
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any

import structlog
from gunicorn.http import errors as refusals
from gunicorn.http import get_parser
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from api.arrivals import Arrival, HeadTooLarge
from api.patience import Patience, PatientSocket, SlowClient
from api.problem_types import PROBLEMS
from api.problems import MEDIA_TYPE, RETRY_S, describe
from api.security import error_headers

log = structlog.get_logger(__name__)

LARGEST_HEAD = 64 * 1024
_LINGERS_S, _LINGERS_STOPPING_S = 2.0, 0.5
_ARRIVES_STOPPING_S = 1.0
_LINGERS_BYTES = 256 * 1024
_LOOKS_EVERY_S = 0.25

_REFUSED = {
    refusals.InvalidResponseHeader: ("internal_error", None),
    refusals.InvalidResponseHeaderName: ("internal_error", None),
    refusals.LimitRequestLine: ("uri_too_long", None),
    refusals.LimitRequestHeaders: ("headers_too_large", None),
    refusals.ExpectationFailed: ("bad_request", HTTPStatus.EXPECTATION_FAILED),
    refusals.UnsupportedTransferCoding: ("bad_request", HTTPStatus.NOT_IMPLEMENTED),
    refusals.ParseException: ("bad_request", None),
}


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A client's connection, with what has arrived of its next request and until when something must happen."""

    sock: PatientSocket

    def __init__(self, cfg: Any, accepted: PatientSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, accepted, client, server)
        self.parser = get_parser(cfg, accepted, client)
        self.initialized = True
        self.arrival: Arrival | None = None
        self.until = 0.0
        self.is_ending = False
        self.drained = 0

    @property
    def is_incoming(self) -> bool:
        """Whether it waits for a request, rather than to be rid of an answer."""
        return not self.is_ending and not self.sock.unsent


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that gives a request to a thread when it is there, and sends what clients are slow to take without one.

    `patience` and `largest_body` (bytes up to which a body is waited for without a thread) are set by a subclass.
    """

    patience: Patience
    largest_body: int

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._waiting: dict[Connection, None] = {}
        self._looked_at = 0.0
        self._is_hurrying = False

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or pause accepting; once the worker stops, for good, after taking those that wait already.

        As gunicorn has it, the listening socket stays open until the last request is answered: who connects meanwhile is let in by the
        kernel, is never served and is reset at the end. A proxy sends a request that was refused to another process, not one that was reset.
        """
        if enabled or self.alive:
            super().set_accept_enabled(enabled)
            return
        super().set_accept_enabled(False)
        for listener in self.sockets:
            waiting = select.poll()
            waiting.register(listener, select.POLLIN)
            while waiting.poll(0):
                self.accept(listener)
            listener.close()

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection, in the place of the one that has waited longest when all places are taken."""
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, PatientSocket(accepted, self.patience), client, listener.getsockname())
        conn.until = monotonic() + self.patience.seconds
        self._gather(conn)
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def on_client_socket_readable(self, conn: Connection, client: PatientSocket) -> None:
        """The next request on an idle connection begins to arrive, or the client has closed it."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.until = monotonic() + self.patience.seconds
        self._gather(conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """A thread has answered: send what the client has not taken yet, then wait for its next request or end the connection."""
        reusable = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        if not self._sent(conn):
            conn.until = monotonic() + self.patience.for_bytes(len(conn.sock.unsent))
            self._wait(conn, selectors.EVENT_WRITE, partial(self._send_rest, reusable))
        else:
            self._go_on(conn, reusable)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close idle connections whose time is over, except those on which a request has arrived in this moment."""
        if self.keepalived_conns and (force or self.keepalived_conns[0].timeout <= monotonic()):
            self.wait_for_and_dispatch_events(timeout=0)
        super().murder_keepalived(force=force)

    def murder_pending(self) -> None:
        """End the connections whose time is up. Once the worker stops, a request must have arrived within a moment."""
        now = monotonic()
        if not self.alive and not self._is_hurrying:
            self._is_hurrying = True
            for conn in self._waiting:
                if conn.is_incoming:
                    conn.until = min(conn.until, now + _ARRIVES_STOPPING_S)
        if now - self._looked_at < min(_LOOKS_EVERY_S, self.patience.seconds / 4):
            return
        self._looked_at = now
        for conn in list(self._waiting):
            if conn.until > now:
                continue
            self._leave(conn)
            if conn.arrival is not None:
                self._refuse(conn, "request_timeout" if self.alive else "shutting_down")
            else:
                self._drop(conn)

    def handle_error(self, _req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse what is no request that can be answered, by a problem that repeats nothing of it."""
        code, status = next((found for kind, found in _REFUSED.items() if isinstance(exc, kind)), ("internal_error", None))
        if code == "internal_error":
            log.error("request_crashed", exc_info=exc)
        else:
            log.info("request_refused", code=code, reason=type(exc).__name__, address=addr[0] if addr else None)
        with suppress(OSError):
            client.sendall(refusal(code, status))

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # Of a body that nobody read, only what is here already is drained: the rest would be waited for by this thread.
        if not keepalive:
            return False
        conn.sock.waits = False
        try:
            return bool(conn.parser.finish_body(max_bytes=_LINGERS_BYTES))
        except (OSError, refusals.ParseException):
            return False

    def _gather(self, conn: Connection, data: bytes | None = None) -> None:
        if data is None:
            try:
                data = conn.sock.arrived()
            except OSError:
                data = b""
        if data == b"":
            self._drop(conn)
        elif data is None:
            self._wait(conn, selectors.EVENT_READ, self._gather)
        else:
            self._take(conn, data)

    def _take(self, conn: Connection, data: bytes) -> None:
        conn.arrival = conn.arrival or Arrival(longest_line=self.cfg.limit_request_line, largest_head=LARGEST_HEAD, largest_body=self.largest_body)
        try:
            complete = conn.arrival.add(data)
        except HeadTooLarge:
            self._refuse(conn, "headers_too_large")
            return
        if not complete:
            self._wait(conn, selectors.EVENT_READ, self._gather)
            return
        conn.parser.unreader.unread(conn.arrival.take())
        conn.arrival = None
        conn.sock.begin()
        self.enqueue_req(conn)

    def _send_rest(self, reusable: bool, conn: Connection) -> None:
        if self._sent(conn):
            self._go_on(conn, reusable)
        else:
            self._wait(conn, selectors.EVENT_WRITE, partial(self._send_rest, reusable))

    def _sent(self, conn: Connection) -> bool:
        try:
            return conn.sock.flush()
        except OSError:
            conn.sock.unsent.clear()
            return True

    def _go_on(self, conn: Connection, reusable: bool) -> None:
        if not reusable:
            self._end(conn)
        elif rest := conn.parser.unreader.take_buffered():
            conn.until = monotonic() + self.patience.seconds
            self._gather(conn, rest)
        else:
            conn.set_timeout()
            if not self.alive:
                conn.timeout = min(conn.timeout, monotonic() + STOP_KEEPALIVE_LINGER)
            self.keepalived_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _end(self, conn: Connection) -> None:
        # Closed at once, with bytes of the client's unread, the connection would be reset and the answer lost (RFC 9112, 9.6).
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        conn.until, conn.is_ending = monotonic() + (_LINGERS_S if self.alive else _LINGERS_STOPPING_S), True
        self._drain(conn)

    def _drain(self, conn: Connection) -> None:
        try:
            data = conn.sock.arrived()
        except OSError:
            data = b""
        conn.drained += len(data or b"")
        if data == b"" or conn.drained > _LINGERS_BYTES:
            self._drop(conn)
        else:
            self._wait(conn, selectors.EVENT_READ, self._drain)

    def _refuse(self, conn: Connection, code: str) -> None:
        log.info("request_refused", code=code, address=conn.client[0] if conn.client else None)
        conn.arrival = None
        with suppress(OSError, SlowClient):
            conn.sock.sendall(refusal(code))
        conn.sock.unsent.clear()
        self._end(conn)

    def _wait(self, conn: Connection, event: int, then: Callable[[Connection], None]) -> None:
        self._waiting[conn] = None
        self.poller.register(conn.sock, event, partial(self._woken, conn, then))

    def _woken(self, conn: Connection, then: Callable[[Connection], None], _file: object) -> None:
        self._leave(conn)
        then(conn)

    def _leave(self, conn: Connection) -> None:
        del self._waiting[conn]
        self.poller.unregister(conn.sock)

    def _make_room(self) -> None:
        if self._waiting:
            oldest = min(self._waiting, key=lambda conn: conn.until)
            self._leave(oldest)
        elif self.keepalived_conns:
            oldest = self.keepalived_conns.popleft()
            self.poller.unregister(oldest.sock)
        else:
            return
        self._drop(oldest)

    def _drop(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.sock.close()


def refusal(code: str, status: HTTPStatus | None = None) -> bytes:
    """The whole answer to what never became a request: the problem `code`, and the end of the connection."""
    problem = {**describe(code, PROBLEMS[code].meaning), "instance": "", "request_id": uuid.uuid4().hex}
    problem["status"] = int(status or problem["status"])
    body = json.dumps(problem).encode()
    headers = {
        "Server": "stockcrew",
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **({"Retry-After": str(RETRY_S)} if problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE else {}),
        "X-Request-Id": problem["request_id"],
        **error_headers(),
    }
    lines = [f"HTTP/1.1 {problem['status']} {HTTPStatus(problem['status']).phrase}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
