"""The API under the real gunicorn: streams, shutdown, limits, start errors, weight."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
import requests
from fakes.waiting import until

from api.gunicorn_conf import GRACEFUL_S

RUNNING = "an_" + "a" * 26
FINISHED = "an_aghk4lnbpj7rhfabk5gvk43pku"
SSE = {"Accept": "text/event-stream"}
ROOT = Path(__file__).resolve().parents[3]


def open_stream(url: str) -> tuple[int, requests.Response, Iterator[str]]:
    """A stream that stays open as long as the result is kept: status, response, its lines."""
    response = requests.get(f"{url}/v1/analyses/{RUNNING}/events", headers=SSE, stream=True, timeout=(5, 30))
    lines = response.iter_lines(chunk_size=1, decode_unicode=True)
    next(lines)
    return response.status_code, response, lines


def test_livez_answers_beside_as_many_streams_as_there_may_be(start_server: Callable[..., object]) -> None:
    """With 256 threads the cap is 224 streams: the next are refused with Retry-After, and all else is answered. `bench_streams` says how quickly."""
    served = start_server(STOCKCREW_THREADS="256")
    streams = [open_stream(served.url) for _ in range(230)]
    with requests.Session() as session:
        assert all(session.get(f"{served.url}/livez", timeout=60).ok for _ in range(20))
        assert session.get(f"{served.url}/v1/analyses/{RUNNING}", timeout=60).ok
        assert "stockcrew_sse_streams 224.0" in session.get(f"{served.url}/metrics", timeout=60).text

    assert [status for status, *_ in streams] == [200] * 224 + [503] * 6
    assert all(response.headers["Retry-After"] for status, response, _ in streams if status == 503)
    for _, response, _ in streams[:50]:
        response.close()
    until(lambda: open_stream(served.url)[0] == 200, within_s=90, pause_s=0.1)
    for _, response, _ in streams[50:]:
        response.close()


def is_refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_ends_open_streams(start_server: Callable[..., object]) -> None:
    """Open streams do not sit out gunicorn's grace of ten seconds, and end cleanly, without done, so that clients resume elsewhere."""
    served = start_server()
    streams = [open_stream(served.url) for _ in range(20)]

    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    code = served.process.wait(timeout=15)
    took = time.monotonic() - began

    assert code == 0, served.log.read_text()
    assert took < GRACEFUL_S
    for _, _, lines in streams:
        rest = list(lines)
        assert "event: analysis.started" in rest
        assert "event: done" not in rest


def test_a_stream_resumes_over_a_restart(start_server: Callable[..., object]) -> None:
    """The client that reconnects with the last id it saw gets what follows, from a new process."""
    first = start_server()
    text = requests.get(f"{first.url}/v1/analyses/{FINISHED}/events", headers=SSE, timeout=10).text
    first.process.terminate()
    first.process.wait(timeout=15)
    second = start_server()
    rest = requests.get(f"{second.url}/v1/analyses/{FINISHED}/events", headers={**SSE, "Last-Event-ID": "1"}, timeout=10).text
    over = requests.get(f"{second.url}/v1/analyses/{FINISHED}/events", headers={**SSE, "Last-Event-ID": "3"}, timeout=10)

    assert [line for line in text.splitlines() if line.startswith("id:")] == ["id: 0", "id: 1", "id: 2", "id: 3", "id: 3"]
    assert [line for line in rest.splitlines() if line.startswith("id:")] == ["id: 1", "id: 2", "id: 3", "id: 3"]
    assert over.status_code == 204


def test_a_taken_port_is_one_clear_sentence(start_server: Callable[..., object]) -> None:
    """A second server on one port ends with code 2 and says what to do."""
    first = start_server()
    second = start_server(wait=False, PORT=first.url.rsplit(":", 1)[1])

    assert second.process.wait(timeout=90) == 2 or "cannot listen" in second.log.read_text()
    lines = [line for line in second.log.read_text().splitlines() if "cannot listen" in line]
    assert len(lines) == 1
    assert "set PORT" in lines[0]


SECRET = b"sk_production_abcdefghijkl_0123456789012345678901234567890123456789012abcdef"
BROKEN = {
    "a long address": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
    "a line without end": (b"x" * 9000, 414, "uri_too_long"),
    "a large header": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Big: " + b"x" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
    "many headers": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n",
        431,
        "headers_too_large",
    ),
    "headers without end": (b"GET /livez HTTP/1.1\r\n" + b"X-Big: " + b"x" * 90_000 + b"\r\n", 431, "headers_too_large"),
    "no HTTP": (b"nonsense\r\n\r\n", 400, "bad_request"),
    "two lengths": (b"POST /v1/analyses HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "bad_request"),
    "a key in a broken header": (b"GET /livez HTTP/1.1\r\nHost: a\r\nAuthorization Bearer " + SECRET + b"\r\n\r\n", 400, "bad_request"),
    "an unknown coding": (b"POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip\r\n\r\n", 501, "bad_request"),
    "an unknown expectation": (b"GET /livez HTTP/1.1\r\nHost: a\r\nExpect: gold\r\n\r\n", 417, "bad_request"),
    "a large body": (
        b"POST /v1/analyses HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n",
        413,
        "body_too_large",
    ),
}


@pytest.fixture(scope="module")
def shared(start_shared_server: Callable[..., object]) -> object:
    """One server for tests that leave it as it was."""
    return start_shared_server()


@pytest.mark.parametrize(("request_bytes", "status", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_oversized_and_broken_requests_are_refused(shared: object, request_bytes: bytes, status: int, code: str) -> None:
    """What is too long, too much or no HTTP is a problem with all security headers, and neither answer nor log repeats it."""
    with socket.create_connection(("127.0.0.1", int(shared.url.rsplit(":", 1)[1])), timeout=60) as connection:
        connection.sendall(request_bytes)
        with connection.makefile("rb") as stream:
            lines = list(iter(lambda: stream.readline() or b"\r\n", b"\r\n"))
            headers = {name.lower(): value for name, _, value in (line.decode().rstrip().partition(": ") for line in lines[1:])}
            body = stream.read(int(headers["content-length"]))
    answer = b"".join(lines) + body

    assert int(answer.split()[1]) == status
    assert headers["content-type"] == "application/problem+json"
    assert (json.loads(body)["code"], json.loads(body)["status"]) == (code, status)
    assert {"content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options", "x-request-id"} <= set(headers)
    assert headers["server"] == "stockcrew"
    assert SECRET not in answer
    assert SECRET.decode() not in shared.log.read_text()
    assert requests.get(f"{shared.url}/livez", timeout=60).ok


def test_logs_are_json_with_the_request_id(start_server: Callable[..., object]) -> None:
    """Every line is one JSON object, and the line of a request carries its id, route and status."""
    served = start_server()
    requests.get(f"{served.url}/v1/analyses/{FINISHED}", headers={"X-Request-Id": "look-here"}, timeout=60)
    served.process.terminate()
    served.process.wait(timeout=15)

    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    found = [line for line in lines if line.get("request_id") == "look-here"]
    assert [(line["route"], line["status"], line["tenant"], line["analysis_id"]) for line in found] == [
        ("/v1/analyses/<analysis_id>", 200, "local", FINISHED)
    ]


def test_the_door_is_light() -> None:
    """Importing the API with the jobs' client in it takes under 90 MB and brings none of the crew's heavy libraries; `make bench` times it."""
    probe = (
        "import sys, psutil; import api.server, crew.jobs.client, crew.report.html, crew.blueprint;"
        "heavy = {'crewai', 'langchain', 'langchain_core', 'pandas', 'numpy', 'yfinance'} & set(sys.modules);"
        "print(psutil.Process().memory_info().rss / 2**20, sorted(heavy))"
    )
    said = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    megabytes, heavy = said.split(maxsplit=1)

    assert heavy.strip() == "[]"
    assert float(megabytes) < 90


def test_memory_stays_flat_under_requests(start_server: Callable[..., object]) -> None:
    """Thousands of answers, errors among them, leave the process as large as it was."""
    served = start_server(STOCKCREW_LOG_LEVEL="WARNING")
    paths = [f"/v1/analyses/{FINISHED}", f"/v1/analyses/{FINISHED}/report", "/nope", "/v1/analyses?limit=0", "/metrics"]

    def rss() -> float:
        return max(child.memory_info().rss for child in psutil.Process(served.process.pid).children()) / 2**20

    with requests.Session() as session:
        for number in range(1000):
            session.get(served.url + paths[number % len(paths)], timeout=60)
        before = rss()
        for number in range(3000):
            session.get(served.url + paths[number % len(paths)], timeout=60)

    assert rss() - before < 5
    assert rss() < 110


def has_pending(pid: int, number: int) -> bool:
    """Whether the signal waits for the process to go on."""
    found = re.search(r"^ShdPnd:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def test_who_connects_while_the_server_ends_is_answered_or_refused(start_server: Callable[..., object]) -> None:
    """Nobody whom the kernel let in is reset or left waiting: a proxy may repeat a refused connection elsewhere, a reset request it may not."""
    served = start_server()
    address = ("127.0.0.1", int(served.url.rsplit(":", 1)[1]))
    kept, following, waiting = (HTTPConnection(*address, timeout=10) for _ in range(3))
    for connection in (kept, following):
        connection.request("GET", "/livez")
        assert connection.getresponse().read()
    (worker,) = psutil.Process(served.process.pid).children()
    worker.suspend()
    waiting.request("GET", "/livez")
    served.process.send_signal(signal.SIGTERM)
    until(lambda: has_pending(worker.pid, signal.SIGTERM))
    worker.resume()

    answer = waiting.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    answer.read()
    until(lambda: is_refused(address))
    # A connection that was idle stays for two seconds more, and says that it will not stay longer. A stream tells what there is, to be
    # resumed elsewhere.
    following.request("GET", f"/v1/analyses/{RUNNING}/events", headers=SSE)
    kept.request("GET", "/livez")
    answer = kept.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    kept.close()
    stream = following.getresponse()
    assert stream.status == 200
    told = stream.read().decode()
    assert "event: snapshot" in told
    assert "event: done" not in told
    following.close()
    assert served.process.wait(timeout=15) == 0
