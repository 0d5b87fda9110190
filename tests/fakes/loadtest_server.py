"""A loopback stand-in for the API under load test, which can be good or broken in one chosen way.

`python -m fakes.loadtest_server --fault none` prints its base URL and serves until it is ended.
"""

import argparse
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

REPORT = {"evidence": [{"id": f"price.n{n}"} for n in range(40)], "recommendation": {"rating": "hold"}}
BODIES = {
    "application/json": json.dumps(REPORT),
    "text/markdown": "# Report\n" + "A sentence that says something. " * 30,
    "text/html": "<!doctype html><title>Report</title>" + "<p>A sentence that says something.</p>" * 30,
}
SNAPSHOT = "retry: 3000\n\nid: 3\nevent: snapshot\ndata: {}\n\n"
DONE = "event: done\ndata: {}\n\n"
# What each fault breaks. `hollow`: valid JSON without content; `slow_route`: one rare route only; `late_stream`: headers at once, events late.
# `restarting`, which is none: streams of running analyses end early and go on for who comes back; `cut_streams`: they never get to their end.
FAULTS = (
    "none",
    "rubbish",
    "hollow",
    "slow",
    "slow_route",
    "late_stream",
    "failing",
    "never",
    "refusing",
    "no_batches",
    "restarting",
    "cut_streams",
)


class State:
    """What the server remembers: analyses by id with their time of creation, batches, and the count of requests."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.created: dict[str, float] = {}
        self.bodies: list[tuple[str, str]] = []
        self.batches: dict[str, list[str]] = {}
        self.numbers = itertools.count(1)
        self.judged = itertools.count(1)
        self.ids = itertools.count(1)
        self.resumed = 0
        self.lock = threading.Lock()

    def create(self, body: dict[str, Any]) -> str:
        with self.lock:
            name = f"an_{next(self.ids):026d}"
            self.created[name] = time.monotonic()
            self.bodies.append((body["symbol"], body.get("as_of", "")))
            return name

    def batch(self, names: list[str]) -> str:
        with self.lock:
            name = f"ba_{next(self.ids):026d}"
            self.batches[name] = names
            return name

    def status(self, name: str) -> str:
        age = time.monotonic() - self.created[name]
        return "succeeded" if age > 0.3 and self.fault != "never" else "running"


class Door(BaseHTTPRequestHandler):
    """Answers the routes that the scenarios use, in the shapes of the real API."""

    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    state: ClassVar[State]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, status: int, body: str, media_type: str = "application/json", **headers: str) -> None:
        with self.state.lock:
            number = next(self.state.numbers)
        if self.state.fault == "slow" and number % 16 == 0:
            time.sleep(0.8)
        if self.state.fault == "slow_route" and self.command == "POST":
            time.sleep(0.6)
        if self.state.fault == "failing" and self._is_judged(status, media_type) and next(self.state.judged) % 66 == 0:
            status, body, media_type = 500, '{"code": "internal_error"}', "application/problem+json"
        if self.state.fault == "refusing":
            status, body, media_type = 429, '{"code": "rate_limited"}', "application/problem+json"
        if self.state.fault == "rubbish":
            status, body, media_type = 200, "<html>It works!</html>", "text/html"
        payload = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", "0" if status in {204, 304} else str(len(payload)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if status not in {204, 304}:
            self.wfile.write(payload)
        self.wfile.flush()

    def _is_judged(self, status: int, media_type: str) -> bool:
        """Whether the answer counts for the rate of failures: streams, errors on purpose and the look at the description do not."""
        return status < 400 and media_type != "text/event-stream" and self.path != "/openapi.json"

    def _problem(self, status: int) -> None:
        self._send(status, json.dumps({"status": status}), "application/problem+json")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "items" in body:
            names = [self.state.create(item) for item in body["items"]]
            name = self.state.batch(names)
            self._send(202, self._batch(name), Location=f"/v1/batches/{name}", Retry_After="1")
        elif " " in body["symbol"]:
            self._problem(422)
        else:
            name = self.state.create(body)
            self._send(202, json.dumps({"id": name, "status": "queued"}), Location=f"/v1/analyses/{name}", Retry_After="1")

    def _batch(self, name: str) -> str:
        items = [{"index": index, "analysis_id": analysis} for index, analysis in enumerate(self.state.batches[name])]
        return json.dumps({"id": name, "items": items})

    def do_GET(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts == ["openapi.json"]:
            paths = ["/v1/analyses"] + ["/v1/batches"] * (self.state.fault != "no_batches")
            self._send(200, json.dumps({"openapi": "3.1.0", "paths": {path: {} for path in paths}}))
        elif parts == ["v1", "analyses"]:
            self._send(200, json.dumps({"data": [], "next_cursor": None}))
        elif len(parts) == 3 and parts[2] in self.state.batches:
            self._send(200, self._batch(parts[2]))
        elif len(parts) < 3 or parts[2] not in self.state.created:
            self._problem(404)
        elif len(parts) == 3:
            self._send(200, json.dumps({"id": parts[2], "status": self.state.status(parts[2])}), Retry_After="1")
        elif parts[3] == "events":
            self._events()
        else:
            self._report()

    def _events(self) -> None:
        if self.headers["Accept"] != "text/event-stream":
            self._send(200, json.dumps({"data": [{"seq": 1}]}))
        elif self.state.fault == "late_stream":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(SNAPSHOT + DONE)))
            self.end_headers()
            self.wfile.flush()
            time.sleep(0.7)
            self.wfile.write((SNAPSHOT + DONE).encode())
            self.wfile.flush()
        elif self._is_cut():
            self._send(200, SNAPSHOT, "text/event-stream")
        elif self.headers["Last-Event-ID"] == "3":
            with self.state.lock:
                self.state.resumed += 1
            self._send(204, "", "text/event-stream")
        else:
            self._send(200, SNAPSHOT + DONE, "text/event-stream")

    def _is_cut(self) -> bool:
        comes_back = self.headers["Last-Event-ID"] is not None
        is_running = self.state.status(self.path.split("/")[3]) == "running"
        return (self.state.fault == "restarting" and is_running and not comes_back) or (
            self.state.fault == "cut_streams" and (is_running or comes_back)
        )

    def _report(self) -> None:
        accept = self.headers["Accept"]
        if accept not in BODIES:
            self._problem(406)
        elif self.headers["If-None-Match"] == f'"{accept}"':
            self._send(304, "", accept)
        else:
            body = '{"evidence": [], "recommendation": {}}' if self.state.fault == "hollow" and accept == "application/json" else BODIES[accept]
            self._send(200, body, accept, ETag=f'"{accept}"')


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # With five, as it is by default, a connection that comes while the machine is busy waits a second for its second try.
    request_queue_size = 128


def serve(fault: str) -> ThreadingHTTPServer:
    """A server with `fault` bound to a free loopback port; the caller runs `serve_forever` and `shutdown`."""
    door = type("BoundDoor", (Door,), {"state": State(fault)})
    return _Server(("127.0.0.1", 0), door)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, default="none")
    server = serve(parser.parse_args().fault)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
