"""One POST to a place that a stranger named: the name is resolved once, every address is judged, and the connection goes to what was judged."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from crew.domain.targets import Target, TargetPolicy
from crew.errors import UrlNotAllowed

MOST_READ = 16 * 1024
_ADDRESSES = 4
Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True)
class Reply:
    """What came of it: the status, or the error that stood in the way, and how long the receiver asks to wait."""

    status: int | None
    error: str | None
    milliseconds: int
    retry_after: timedelta | None = None


def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` as the system resolves them, in its order, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Sender:
    """Sends a POST without following redirects, without a proxy, within a time that covers everything.

    Args:
        policy: which addresses are allowed.
        timeout_s: seconds for connecting, sending and the answer together.
        resolve: names to addresses.
        context: how certificates are judged.
    """

    def __init__(self, policy: TargetPolicy, *, timeout_s: float, resolve: Resolve = system_addresses, context: ssl.SSLContext | None = None) -> None:
        self._policy = policy
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._context = context or ssl.create_default_context()

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Send. Never raises for what the target does or is."""
        began = time.monotonic()
        status, error, retry_after = None, None, None
        try:
            target = self._policy.check(url)
            status, retry_after = self._exchange(target, headers, body, deadline=began + self._timeout_s)
            error = _verdict(status)
        except UrlNotAllowed as refused:
            error = refused.message
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
        except ssl.SSLCertVerificationError as problem:
            error = f"the certificate cannot be trusted: {problem.verify_message}"
        except (OSError, http.client.HTTPException) as problem:
            error = f"the connection failed: {_reason(problem)}"
        return Reply(status, error, round((time.monotonic() - began) * 1000), retry_after)

    def _exchange(self, target: Target, headers: dict[str, str], body: bytes, *, deadline: float) -> tuple[int, timedelta | None]:
        addresses = self._judged(target)
        watch = _Watch(self._reached(target, addresses, deadline), deadline)
        try:
            connection = self._spoken(target, watch)
            connection.request("POST", target.resource, body=body, headers=headers)
            with connection.getresponse() as response:
                status, wait = response.status, _retry_after(response.headers.get("Retry-After"))
                with suppress(OSError, ValueError, http.client.HTTPException):  # the status is what counts
                    response.read(MOST_READ)
                return status, wait
        except (OSError, ValueError, http.client.HTTPException) as problem:
            if watch.expired:
                raise TimeoutError from None
            if isinstance(problem, ValueError) and not isinstance(problem, OSError):
                raise OSError("it was closed") from None
            raise
        finally:
            watch.end()

    def _judged(self, target: Target) -> Sequence[str]:
        try:
            found = self._resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise OSError("the host's name cannot be resolved") from None
        if not found:
            raise OSError("the host has no address")
        if not all(self._policy.allows(address, scheme=target.scheme) for address in found):
            # Which address is not told: it may be one of the operator's own network.
            raise UrlNotAllowed("the host leads to an address that is not allowed")
        return found[:_ADDRESSES]

    def _reached(self, target: Target, addresses: Sequence[str], deadline: float) -> socket.socket:
        failed: OSError = OSError("the host has no address")
        for number, address in enumerate(addresses):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, target.port), timeout=remaining / (len(addresses) - number))
            except OSError as problem:
                failed = problem
        raise failed

    def _spoken(self, target: Target, watch: "_Watch") -> http.client.HTTPConnection:
        """A connection that speaks HTTP, over TLS in the name of the host where that is wanted, on the socket that is reached already."""
        if target.scheme == "http":
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = watch.sock
            return connection
        secure = self._context.wrap_socket(watch.sock, server_hostname=target.host, do_handshake_on_connect=False)
        watch.sock = secure
        secure.do_handshake()
        connection = http.client.HTTPSConnection(target.host, target.port, context=self._context)
        connection.sock = secure
        return connection


class _Watch:
    """Shuts a connection at the deadline, whatever it is doing: a receiver that sends a byte a second would never time out otherwise."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self.expired = False
        remaining = max(0.01, deadline - time.monotonic())
        sock.settimeout(remaining)
        self._timer = threading.Timer(remaining, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def _shut(self) -> None:
        self.expired = True
        with suppress(OSError):
            # The plain one: TLS would try to say goodbye from this thread in the middle of the other's reading.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def end(self) -> None:
        """Watch no more, and close."""
        self._timer.cancel()
        self.sock.close()


def _verdict(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"the receiver answered {status}; redirects are not followed"
    return f"the receiver answered {status}"


def _retry_after(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(), moment - datetime.now(UTC)) if moment.tzinfo else None


def _reason(problem: Exception) -> str:
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return text.splitlines()[0][:120]
