"""Yahoo Finance on loopback: an HTTPS proxy that ends TLS itself, so that the unmodified yfinance talks to it by Yahoo's own names.

Give its `proxy` and `ca_file` to the client. It checks cookie and crumb as Yahoo does, counts requests, waits, and fails on demand.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import trustme
from fakes.yahoo_answers import Answers

HOSTS = (
    "fc.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com", "finance.yahoo.com", "guce.yahoo.com", "consent.yahoo.com",
)  # fmt: skip
COOKIE = "A3=replayed"
CRUMB = "rEpLaYeD.01"
GONE = "No data found, symbol may be delisted"


@dataclass(frozen=True)
class Request:
    """One request as it arrived. `what` is one of cookie, crumb, consent, zone, chart, profile, statements, news, options, quote, other."""

    host: str
    path: str
    query: dict[str, str]
    what: str
    symbol: str


@dataclass
class Fault:
    """An answer in place of the real one, for requests that `applies` picks, `times` times (None for ever)."""

    applies: Callable[[Request], bool]
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    drop: bool = False
    times: int | None = None


class YahooServer:
    """A replay server; use it as a context manager.

    Args:
        folder: where its certificate authority is written.
        latency_s: wait before each answer.
    """

    def __init__(self, folder: Path, *, latency_s: float = 0.0) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "replay-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.set_alpn_protocols(["http/1.1"])
        authority.issue_cert(*HOSTS).configure_cert(self.tls)
        self.latency_s = latency_s
        self.crumb = CRUMB
        self.requests: list[Request] = []
        self._answers: dict[str, Answers] = {}
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.yahoo = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def proxy(self) -> str:
        """The proxy URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def serve(self, symbol: str, answers: Answers) -> None:
        """Know `symbol` from now on."""
        self._answers[symbol] = answers

    def withdraw(self, symbol: str) -> None:
        """Know `symbol` no longer."""
        del self._answers[symbol]

    def renew_crumb(self) -> None:
        """Take another crumb from now on."""
        self.crumb = f"{CRUMB}.{len(self.requests)}"

    def fail(self, applies: Callable[[Request], bool] | str, **fault: Any) -> None:
        """Answer otherwise: for all requests of one kind (`"chart"`), for all (`"*"`), or for those that a function picks."""
        picks = applies if callable(applies) else (lambda request: applies in {"*", request.what})
        with self._lock:
            self._faults.append(Fault(picks, **fault))

    def heal(self) -> None:
        """Fail no longer."""
        with self._lock:
            self._faults.clear()

    def forget(self) -> None:
        """Forget the requests seen so far."""
        with self._lock:
            self.requests.clear()

    def count(self, what: str | None = None) -> int:
        """How many requests (of one kind) arrived."""
        with self._lock:
            return sum(1 for request in self.requests if what in {None, request.what})

    def note(self, request: Request) -> Fault | None:
        """Log a request and return the fault that applies to it."""
        with self._lock:
            self.requests.append(request)
            for fault in self._faults:
                if fault.times != 0 and fault.applies(request):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def answer(self, request: Request, body: bytes, cookie: str) -> tuple[int, Any, dict[str, str]]:
        """Return status, JSON or text, and headers."""
        routes: dict[str, Callable[[], tuple[int, Any, dict[str, str]]]] = {
            "cookie": _set_cookie,
            "crumb": lambda: (200, self.crumb, {}) if COOKIE in cookie else (401, "", {}),
            "consent": lambda: (200, "<html><body>no form</body></html>", {}),
            "zone": lambda: self._chart(request),
            "chart": lambda: self._chart(request),
            "profile": lambda: self._profile(request, cookie),
            "quote": lambda: self._quote(request, cookie),
            "statements": lambda: self._statements(request),
            "news": lambda: self._news(body),
            "options": lambda: (200, {"optionChain": {"result": [], "error": None}}, {}),
        }
        return routes.get(request.what, lambda: (404, "<html>not here</html>", {}))()

    def _chart(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        known = self._answers.get(request.symbol)
        bounds = (int(request.query["period1"]), int(request.query["period2"])) if "period1" in request.query else (None, None)
        result = known.chart(*bounds) if known is not None else None
        if result is None:
            return 404, {"chart": {"result": None, "error": {"code": "Not Found", "description": GONE}}}, {}
        return 200, {"chart": {"result": [result], "error": None}}, {}

    def _profile(self, request: Request, cookie: str) -> tuple[int, Any, dict[str, str]]:
        if request.query.get("crumb") != self.crumb or COOKIE not in cookie:
            return _invalid_crumb()
        known = self._answers.get(request.symbol)
        modules = known.modules(request.query["modules"].split(",")) if known is not None else None
        if not modules:
            error = {"code": "Not Found", "description": f"Quote not found for symbol: {request.symbol}"}
            return 404, {"quoteSummary": {"result": None, "error": error}}, {}
        return 200, {"quoteSummary": {"result": [modules], "error": None}}, {}

    def _quote(self, request: Request, cookie: str) -> tuple[int, Any, dict[str, str]]:
        if request.query.get("crumb") != self.crumb or COOKIE not in cookie:
            return _invalid_crumb()
        known = request.query.get("symbols", "") in self._answers
        return 200, {"quoteResponse": {"result": [{"symbol": request.query["symbols"]}] if known else [], "error": None}}, {}

    def _statements(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        known = self._answers.get(request.symbol)
        result = known.series(request.query.get("type", "").split(",")) if known is not None else []
        return 200, {"timeseries": {"result": result, "error": None}}, {}

    def _news(self, body: bytes) -> tuple[int, Any, dict[str, str]]:
        symbol = json.loads(body)["serviceConfig"]["s"][0]
        known = self._answers.get(symbol)
        return 200, {"data": {"tickerStream": {"stream": known.news() if known is not None else []}}}, {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True

    @property
    def yahoo(self) -> YahooServer:
        return self.server.yahoo  # type: ignore[attr-defined,no-any-return]

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        try:
            self.connection = self.request = self.yahoo.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb", -1), self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = _parsed(self.headers.get("Host", ""), self.path)
        fault = self.yahoo.note(request)
        time.sleep(self.yahoo.latency_s)
        if fault is not None:
            time.sleep(fault.hang_s)
            if fault.drop:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self._send(fault.status, fault.body, fault.headers)
            return
        status, answer, headers = self.yahoo.answer(request, body, self.headers.get("Cookie", ""))
        self._send(status, answer.encode() if isinstance(answer, str) else json.dumps(answer).encode(), headers)

    do_POST = do_GET  # noqa: N815 - the name http.server looks for

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: tests read `requests`."""


def _parsed(host: str, target: str) -> Request:
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    last = unquote(parts.path.rsplit("/", 1)[-1])
    return Request(host=host, path=parts.path, query=query, what=_what(host, parts.path, query), symbol=last)


def _what(host: str, path: str, query: dict[str, str]) -> str:
    if host in {"guce.yahoo.com", "consent.yahoo.com"}:
        return "consent"
    if host == "fc.yahoo.com":
        return "cookie"
    if "/v8/finance/chart/" in path:
        return "zone" if query.get("range") == "1d" else "chart"
    kinds = {
        "/getcrumb": "crumb",
        "/quoteSummary/": "profile",
        "/timeseries/": "statements",
        "/xhr/ncp": "news",
        "/options/": "options",
        "/v7/finance/quote": "quote",
    }
    return next((what for part, what in kinds.items() if part in path), "other")


def _set_cookie() -> tuple[int, Any, dict[str, str]]:
    expires = format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True)
    return 404, "", {"Set-Cookie": f"{COOKIE}; Expires={expires}; Domain=.yahoo.com; Path=/; SameSite=None; Secure; HttpOnly"}


def _invalid_crumb() -> tuple[int, Any, dict[str, str]]:
    return 401, {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, {}
