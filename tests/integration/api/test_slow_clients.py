"""Clients that dawdle, under the real gunicorn with few threads: none holds a thread or a connection for long, and others are answered at once."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from api.gunicorn_conf import GRACEFUL_S

THREADS, PATIENCE_S = 4, 1.0
FINISHED = "an_aghk4lnbpj7rhfabk5gvk43pku"
MANY = 4 * THREADS
# Generous to a busy machine, and far below the minute that the server waits for clients in those tests.
SOON_S, LONG_S = 10.0, 60.0
SLACK_S = 8.0


@pytest.fixture(scope="module")
def long_suffering(start_shared_server: Callable[..., object]) -> tuple[str, int]:
    """A server with four threads that waits a minute for its clients."""
    served = start_shared_server(STOCKCREW_THREADS=str(THREADS), STOCKCREW_CLIENT_TIMEOUT_S=str(LONG_S))
    return "127.0.0.1", int(served.url.rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def address(start_shared_server: Callable[..., object]) -> tuple[str, int]:
    """A server with four threads that waits a second for its clients."""
    served = start_shared_server(STOCKCREW_THREADS=str(THREADS), STOCKCREW_CLIENT_TIMEOUT_S=str(PATIENCE_S))
    return "127.0.0.1", int(served.url.rsplit(":", 1)[1])


@pytest.fixture
def connect(address: tuple[str, int]) -> Iterator[Callable[..., socket.socket]]:
    """Opens connections that send what they are given, and closes them at the end."""
    opened: list[socket.socket] = []

    def open_one(sent: bytes = b"", *, window: int | None = None, address: tuple[str, int] = address) -> socket.socket:
        made = socket.socket()
        made.settimeout(30)
        if window is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        made.connect(address)
        made.sendall(sent)
        opened.append(made)
        return made

    yield open_one
    for made in opened:
        made.close()


def answered_within(address: tuple[str, int], count: int = 8) -> float:
    """The longest that somebody else waits for an answer, of several at once, in seconds."""

    def ask(_number: int) -> float:
        began = time.monotonic()
        assert requests.get(f"http://{address[0]}:{address[1]}/livez", timeout=LONG_S / 2).ok
        return time.monotonic() - began

    with ThreadPoolExecutor(count) as pool:
        return max(pool.map(ask, range(count)))


def rest_of(connection: socket.socket) -> tuple[bytes, float]:
    """All that the server still sends until it closes, and how long that took."""
    began, received = time.monotonic(), b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received, time.monotonic() - began


def post(head: bytes = b"", body: bytes = b"") -> bytes:
    return b"POST /v1/analyses HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + head + b"\r\n" + body


SLOW = {
    "says nothing": b"",
    "stops within the headers": b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "stops within the body": post(b"Content-Length: 20\r\n", b'{"sym'),
    "stops within a chunk": post(b"Transfer-Encoding: chunked\r\n", b'5\r\n{"sy'),
    "stops between chunks": post(b"Transfer-Encoding: chunked\r\n", b'5\r\n{"sym\r\n'),
    "stops within a second request": b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTT",
    "asks to close and does not": b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "does not read a long answer": b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n",
    "does not read many answers": b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 10,
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW.keys())
def test_slow_clients_block_nobody(long_suffering: tuple[str, int], connect: Callable[..., socket.socket], sent: bytes) -> None:
    """Four times as many slow clients as threads, and everybody else is answered at once."""
    for _ in range(MANY):
        connect(sent, window=2048, address=long_suffering)
    time.sleep(0.1)

    assert answered_within(long_suffering) < SOON_S


REFUSED = [name for name in SLOW if name.startswith("stops")]


@pytest.mark.parametrize("sent", [SLOW[name] for name in REFUSED], ids=REFUSED)
def test_a_request_that_does_not_come_is_refused(connect: Callable[..., socket.socket], sent: bytes) -> None:
    """After the patience the last answer is 408 as a problem, and the connection ends."""
    began = time.monotonic()
    received, _ = rest_of(connect(sent))
    took = time.monotonic() - began
    head, _, body = received.rpartition(b"\r\n\r\n")

    assert PATIENCE_S - 0.1 <= took < PATIENCE_S + SLACK_S
    assert b"HTTP/1.1 408 Request Timeout" in head
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "request_timeout"


def test_a_byte_at_a_time_gains_nothing(connect: Callable[..., socket.socket]) -> None:
    """Headers that trickle have the same time as headers that stop."""
    slow, began = connect(b"GET /livez HTTP/1.1\r\n"), time.monotonic()
    while was_taken(slow, b"X-a: b\r\n"):
        assert time.monotonic() - began < PATIENCE_S + SLACK_S
        time.sleep(0.1)


def was_taken(connection: socket.socket, data: bytes) -> bool:
    """Whether the connection still took `data`."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def test_a_connection_on_which_nothing_is_sent_ends(connect: Callable[..., socket.socket]) -> None:
    """Who says nothing is told nothing."""
    received, took = rest_of(connect())

    assert received == b""
    assert took < PATIENCE_S + SLACK_S


@pytest.mark.parametrize("announced", [b"Content-Length: 200000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_slow_upload_is_refused(address: tuple[str, int], connect: Callable[..., socket.socket], announced: bytes) -> None:
    """A document of which only the beginning comes is 408 after the patience, and its place is free again."""
    head = b"POST /v1/documents?name=a HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n" + announced + b"\r\n"
    first = b"1388\r\n" + b"x" * 5000 if b"chunked" in announced else b"x" * 5000
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(rest_of, [connect(head + first) for _ in range(2)]))

    assert all(b"408" in received.split(b"\r\n")[0] for received, _ in answers), answers
    assert max(took for _, took in answers) < PATIENCE_S + SLACK_S
    assert answered_within(address) < SOON_S


def test_slow_uploads_do_not_take_all_threads(long_suffering: tuple[str, int], connect: Callable[..., socket.socket]) -> None:
    """Of the threads one in four waits for bodies, so that the others answer."""
    for _ in range(MANY):
        connect(post(b"Expect: 100-continue\r\nContent-Length: 20\r\n"), address=long_suffering)
    time.sleep(0.1)

    assert answered_within(long_suffering) < SOON_S


def test_a_long_answer_reaches_a_slow_reader(connect: Callable[..., socket.socket], address: tuple[str, int]) -> None:
    """Who reads steadily, if slowly, gets every byte although no thread waits."""
    expected = requests.get(f"http://{address[0]}:{address[1]}/openapi.json", timeout=10).content
    slow, received = connect(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" * 8, window=4096), b""
    time.sleep(0.5)
    while part := slow.recv(200_000):
        received += part

    assert received.split(b"\r\n\r\n", 1)[1] == expected


def test_what_is_never_read_is_dropped(connect: Callable[..., socket.socket]) -> None:
    """Answers that nobody takes end with their connection, after the patience and the time that so many bytes may take."""
    slow = connect(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 12, window=2048)
    deadline = time.monotonic() + 100
    while was_taken(slow, b"x"):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_ordinary_requests_in_unusual_pieces(start_server: Callable[..., object], connect: Callable[..., socket.socket]) -> None:
    """Pieces, chunks with extensions and trailers, two requests in one packet and a client that asks first are all answered."""
    served = start_server(STOCKCREW_THREADS=str(THREADS), STOCKCREW_CLIENT_TIMEOUT_S=str(LONG_S))

    def statuses(*pieces: bytes) -> list[bytes]:
        connection = connect(pieces[0], address=("127.0.0.1", int(served.url.rsplit(":", 1)[1])))
        for piece in pieces[1:]:
            time.sleep(0.05)
            connection.sendall(piece)
        received, _ = rest_of(connection)
        return re.findall(rb"HTTP/1\.1 (\d+)", received)

    body, last = b'{"symbol":"AAPL"}', b"Connection: close\r\n"
    assert statuses(post(last + b"Content-Length: 17\r\n", body)) == [b"202"]
    assert statuses(post(last + b"Content-Length: 17\r\n"), body[:5], body[5:]) == [b"202"]
    chunked = b"5;a=b\r\n" + body[:5] + b"\r\nC\r\n" + body[5:] + b"\r\n0\r\nX-After: 1\r\n\r\n"
    assert statuses(post(last + b"Transfer-Encoding: chunked\r\n", chunked[:9]), chunked[9:40], chunked[40:]) == [b"202"]
    assert statuses(post(b"Content-Length: 17\r\n", body) + post(last + b"Content-Length: 17\r\n", body)) == [b"202", b"202"]
    assert statuses(post(last + b"Expect: 100-continue\r\nContent-Length: 17\r\n"), body) == [b"100", b"202"]
    assert statuses(b"\r\nGET /livez HTTP/1.1\r\nHost: a\r\n" + last + b"\r\n") == [b"200"]


def test_a_stop_does_not_wait_for_slow_clients(start_server: Callable[..., object]) -> None:
    """Silent, dawdling and idle connections do not hold up the end of the process."""
    served = start_server(STOCKCREW_CLIENT_TIMEOUT_S="60")
    address = ("127.0.0.1", int(served.url.rsplit(":", 1)[1]))
    held = [socket.create_connection(address) for _ in range(6)]
    for connection, sent in zip(held, [b"", b"", *SLOW.values()], strict=False):
        connection.sendall(sent)
    time.sleep(0.2)
    began = time.monotonic()
    served.process.terminate()

    assert served.process.wait(timeout=15) == 0
    assert time.monotonic() - began < GRACEFUL_S


def test_new_connections_take_the_places_of_the_longest_waiting(start_server: Callable[..., object]) -> None:
    """When all places are taken by clients that say nothing, somebody who asks is still answered at once."""
    served = start_server(STOCKCREW_CLIENT_TIMEOUT_S="60", STOCKCREW_THREADS=str(THREADS))
    address = ("127.0.0.1", int(served.url.rsplit(":", 1)[1]))
    held = [socket.create_connection(address) for _ in range(600)]

    assert answered_within(address) < SOON_S
    for connection in held:
        connection.close()
