"""A loopback model provider: scripted answers, delays and failures over the providers' real protocols, every request counted.

From the tests folder: `python -m fakes.model_provider --port N --log FILE [--latency S]` serves the obedient writer of
`fakes.model_writer` and appends one JSON line to FILE as each request arrives. Set OPENAI_BASE_URL to http://127.0.0.1:N/v1.
"""

import argparse
import contextlib
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from fakes.addresses import at_a_new_address
from fakes.model_protocols import PROTOCOLS, ModelRequest, Protocol, Reply
from fakes.model_writer import subject_of, write

Script = Callable[[ModelRequest], Reply]


class ModelProvider:
    """Serves `script` on loopback; usable as a context manager.

    Args:
        script: what to answer to each request; called from several threads.
        port: 0 takes a free one.
        latency_s: added to every answer.
        log: a file that receives one JSON line as each request arrives.
    """

    def __init__(self, script: Script = write, *, port: int = 0, latency_s: float = 0.0, log: Path | None = None) -> None:
        self.script, self.latency_s = script, latency_s
        self.requests: list[ModelRequest] = []
        self.replies: list[tuple[ModelRequest, Reply]] = []
        self.in_flight = self.most_in_flight = 0
        self._log, self._lock = log, threading.Lock()
        bind = partial(_Server, ("127.0.0.1", port), _handler(self))
        self._server = bind() if port else at_a_new_address(bind)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Where the server listens, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def prompt_tokens(self) -> int:
        """Prompt tokens of all answers that stated their usage."""
        return sum(request.prompt_tokens for request, _ in self._stated())

    @property
    def completion_tokens(self) -> int:
        """Completion tokens of all answers that stated their usage."""
        return sum(reply.completion_tokens for _, reply in self._stated())

    def _stated(self) -> list[tuple[ModelRequest, Reply]]:
        return [(request, reply) for request, reply in self.replies if reply.status == 200 and reply.raw is None and reply.with_usage]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, protocol: Protocol, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[ModelRequest, Reply]:
        """Count the request, ask the script, wait as long as it says."""
        with self._lock:
            request = protocol.read(len(self.requests) + 1, path, body, headers)
            self.requests.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._note(request)
        try:
            reply = self.script(request)
            time.sleep(self.latency_s + reply.delay_s)
        finally:
            with self._lock:
                self.in_flight -= 1
        with self._lock:
            self.replies.append((request, reply))
        return request, reply

    def _note(self, request: ModelRequest) -> None:
        if self._log is None:
            return
        line = {
            "number": request.number,
            "at": time.time(),
            "model": request.model,
            "subject": subject_of(request.text),
            "answered": len(request.answered),
        }
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or ran out of patience is no error of the server's."""


def _trickle(out: IO[bytes], content: bytes, pause_s: float) -> None:
    size = len(content) // (20 if pause_s else 1) + 1
    for start in range(0, len(content), size):
        time.sleep(pause_s)
        out.write(content[start : start + size])


def _handler(server: ModelProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            protocol = next((one for one in PROTOCOLS if one.speaks(self.path)), None)
            if protocol is None:
                self._send(404, {}, json.dumps({"error": {"message": f"no such path: {self.path}"}}).encode())
                return
            request, reply = server.answer(protocol, self.path, body, {name.lower(): value for name, value in self.headers.items()})
            chunks = protocol.stream(request, reply) if reply.status == 200 and reply.raw is None else None
            if chunks is not None:
                content = "".join((f"event: {name}\n" if name else "") + f"data: {data}\n\n" for name, data in chunks).encode()
                self._send(200, {"Content-Type": "text/event-stream", **reply.headers}, content, reply.trickle_s)
            elif reply.raw is not None:
                self._send(reply.status, reply.headers, reply.raw)
            else:
                answer = protocol.write(request, reply) if reply.status == 200 else protocol.error(reply)
                self._send(reply.status, reply.headers, json.dumps(answer).encode(), reply.trickle_s)

        def _send(self, status: int, headers: dict[str, str], content: bytes, trickle_s: float = 0.0) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                _trickle(self.wfile, content, trickle_s)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    with ModelProvider(port=given.port, log=given.log, latency_s=given.latency) as server:
        print(f"serving on {server.url}/v1", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
