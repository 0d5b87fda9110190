"""The one HTTP session under yfinance: pace, retries, circuit breaker and our own errors, all in this layer.

yfinance answers any status from 400 on by fetching cookies anew and asking again. Raising here instead keeps an unknown
symbol at one request, keeps the crumb that other threads use, and leaves retrying to a single layer. What is raised is no
`Exception`, since yfinance catches those in dozens of places and tries other ways: `Aborted` carries our error past it.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from curl_cffi import CurlECode
from curl_cffi.requests import Response, Session
from curl_cffi.requests import exceptions as http

from crew.errors import MarketDataError, MarketDataUnavailable
from crew.market.providers.yahoo.breaker import CircuitBreaker
from crew.market.providers.yahoo.errors import not_found, refused, translate
from crew.market.providers.yahoo.limiter import RateLimiter

ATTEMPTS = 3
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 8.0
COOKIE_TIMEOUT_S = 4.0  # yfinance goes on without a cookie, and other requests wait for this one meanwhile
DATA_HOSTS = frozenset({"query1.finance.yahoo.com", "query2.finance.yahoo.com", "finance.yahoo.com"})
BLOCKED = frozenset({403, 999})
BY_SYMBOL = ("/chart/", "/quoteSummary/", "/timeseries/")
DROPPED = frozenset({CurlECode.GOT_NOTHING, CurlECode.SEND_ERROR, CurlECode.RECV_ERROR, CurlECode.PARTIAL_FILE, CurlECode.HTTP2_STREAM})
NOT_KNOWN = ("not found", "no data found", "data doesn't exist", "delisted")


class Aborted(BaseException):
    """Ends the yfinance call that asked; `error` is why."""

    def __init__(self, error: MarketDataError) -> None:
        super().__init__(error.message)
        self.error = error


class PacedSession(Session[Response]):
    """A curl_cffi session whose requests are paced, tried again and guarded. Safe to use from several threads."""

    def __init__(
        self,
        *,
        limiter: RateLimiter,
        breaker: CircuitBreaker,
        timeout_s: float,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        proxy: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        trusted: Any = str(ca_file) if ca_file is not None else True
        super().__init__(impersonate="chrome", proxy=proxy, verify=trusted)
        self._limiter = limiter
        self._breaker = breaker
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._random = random
        self._count_lock = threading.Lock()
        self.requests_sent = 0

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send one request of yfinance's.

        Raises:
            Aborted: with SymbolNotFound when Yahoo says that it does not know the symbol in `url`, MarketDataRateLimited when
                it refuses even when asked again later, MarketDataUnavailable when it fails or cannot be reached. The last
                two also while the breaker is open.
        """
        parts = urlsplit(url)
        try:
            if parts.hostname not in DATA_HOSTS:
                self._breaker.check(may_probe=False)
                return self._send(method, url, args, kwargs | {"timeout": min(self._timeout_s, COOKIE_TIMEOUT_S)})
            subject = unquote(parts.path.rsplit("/", 1)[-1]) if any(part in parts.path for part in BY_SYMBOL) else "this client"
            return self._patiently(method, url, args, kwargs | {"timeout": self._timeout_s}, subject)
        except MarketDataError as error:
            raise Aborted(error) from error

    def _patiently(self, method: Any, url: str, args: tuple[Any, ...], kwargs: dict[str, Any], subject: str) -> Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(method, url, args, kwargs, subject)
            except _Passing as passing:
                if attempt == ATTEMPTS or passing.wait_s > LONGEST_BACKOFF_S:
                    raise passing.error from None
                self._sleep(max(passing.wait_s, self._backoff_s(attempt)))
        raise AssertionError("the loop returns or raises")

    def probe(self, url: str) -> None:
        """Ask once, without a second try.

        Raises:
            MarketDataError: Yahoo does not answer as it should.
        """
        try:
            self._attempt("GET", url, (), {"timeout": self._timeout_s}, "this client")
        except _Passing as passing:
            raise passing.error from None

    def _attempt(self, method: Any, url: str, args: tuple[Any, ...], kwargs: dict[str, Any], subject: str) -> Response:
        self._breaker.check()
        try:
            response = self._send(method, url, args, kwargs)
        except http.RequestException as error:
            self._breaker.failed()
            if error.code in DROPPED:
                raise _Passing(translate(error, subject), 0.0) from error
            raise translate(error, subject) from error
        return self._judged(response, subject)

    def _send(self, method: Any, url: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Response:
        self._limiter.wait()
        with self._count_lock:
            self.requests_sent += 1
        return super().request(method, url, *args, **kwargs)

    def _judged(self, response: Response, subject: str) -> Response:
        status = response.status_code
        if status == 429:
            wait_s = _retry_after_s(response)
            self._breaker.refused(wait_s)
            raise _Passing(refused(subject, retry_after_s=wait_s or max(self._breaker.remaining_s(), 60.0)), wait_s or 0.0)
        if status in BLOCKED:
            self._breaker.refused(None)
            raise refused(subject)
        if status >= 500:
            self._breaker.failed()
            raise _Passing(MarketDataUnavailable(f"Yahoo Finance answered for {subject} with status {status}"), 0.0)
        self._breaker.succeeded()
        if status in {400, 404}:
            self._raise_for_missing(response, subject)
        return response

    @staticmethod
    def _raise_for_missing(response: Response, subject: str) -> None:
        reason = _stated_reason(response)
        if reason is not None and any(words in reason.lower() for words in NOT_KNOWN):
            raise not_found(subject)
        if response.status_code == 404:
            raise MarketDataUnavailable(f"Yahoo Finance answered for {subject} with status 404 and no reason")

    def _backoff_s(self, attempt: int) -> float:
        longest: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (attempt - 1))
        return longest * (0.5 + self._random() / 2)


class _Passing(Exception):  # never leaves this module
    """A refusal or failure that may pass: what to raise when it does not, and the wait that Yahoo asked for."""

    def __init__(self, error: MarketDataError, wait_s: float) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait_s = wait_s


def _retry_after_s(response: Response) -> float | None:
    stated = response.headers.get("Retry-After")
    return float(stated) if stated is not None and stated.isdigit() else None


def _stated_reason(response: Response) -> str | None:
    """The code and description of Yahoo's error envelope `{"chart": {"error": {...}}}`, whatever its key is called."""
    try:
        body = json.loads(response.text)
    except ValueError:
        return None
    envelopes = body.values() if isinstance(body, dict) else ()
    for envelope in envelopes:
        error = envelope.get("error") if isinstance(envelope, dict) else None
        if isinstance(error, dict):
            return f"{error.get('code', '')} {error.get('description', '')}"
    return None
