"""A receiver of webhooks on loopback that remembers what came and answers as its path says."""

import json
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def values(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # With five, as it is by default, a delivery that comes while the machine is busy waits a second for its second try.
    request_queue_size = 128


class Receiver:
    """Answers 200, or by the path: /status/503, /redirect, /hang, /drip, /retry-after, /huge, /garbage. `answers` overrides the next ones."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        self.go_on = threading.Event()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.answer(self)

            do_GET = do_POST  # noqa: N815 - as the base class spells it

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.scheme = "http" if context is None else "https"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """The address of a path here."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def of(self, path: str) -> list[Received]:
        """What came to a path, in order."""
        with self._lock:
            return [item for item in self.received if item.path == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Remember a request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._lock:
            self.received.append(Received(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body))
            planned = self.answers.pop(0) if self.answers else None
        if planned is None and handler.path.startswith("/status/"):
            planned = int(handler.path.partition("?")[0].rsplit("/", 1)[1])
        special = {"/hang": self._hang, "/drip": self._drip, "/huge": self._huge, "/garbage": self._garbage}.get(handler.path)
        if planned is None and special is not None:
            special(handler)
            return
        handler.send_response(planned or {"/redirect": 302, "/retry-after": 503}.get(handler.path, 200))
        if handler.path == "/redirect":
            handler.send_header("Location", self.url("/inside"))
        if handler.path == "/retry-after":
            handler.send_header("Retry-After", "3600")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _hang(self, _handler: BaseHTTPRequestHandler) -> None:
        self.go_on.wait(20)

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        for letter in b"HTTP/1.0 200 OK\r\nX-Slow: " + b"a" * 1000:
            if self.go_on.is_set():
                return
            try:
                handler.wfile.write(bytes([letter]))
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def _huge(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not self.go_on.is_set():
                handler.wfile.write(b"x" * 65536)
        except OSError:
            return

    def _garbage(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 mail.example.com ESMTP\r\n")

    def close(self) -> None:
        """End."""
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
