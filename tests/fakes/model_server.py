"""A loopback model server that speaks OpenAI's chat completions: answers with drafts that cite [[price.last]], counts what it was asked.

`faults` are given for the first requests, one each: a status code, `empty`, `prose`, `fenced`, `wrong`, `unbound`, `obey`.
"""

import json
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

from fakes.addresses import at_a_new_address

CLAIM = {
    "text": "The price is [[price.last]].",
    "side": "bull",
    "evidence": ["price.last"],
    "direction": "up",
    "wrong_if": {"evidence": "price.last", "operator": "<", "threshold": 0.0},
    "strength": 3,
}
LINE = "The shares last traded at [[price.last]]."
DRAFTS: dict[str, dict[str, Any]] = {
    "business": {"business": [LINE], "events": [], "catalysts": [LINE], "risks": []},
    "profitability": dict.fromkeys(("growth", "profitability", "balance_sheet", "cash_flow", "valuation"), LINE) | {"claims": [CLAIM]},
    "momentum": dict.fromkeys(("trend", "momentum", "volatility", "levels"), LINE) | {"claims": [CLAIM]},
    "thesis": {
        "summary": LINE,
        "thesis": [LINE],
        "change_our_mind": [LINE],
        "crew_view": {"view": "agree", "reason": LINE, "evidence": ["price.last"]},
    },
}
PROMPT_TOKENS, COMPLETION_TOKENS, CACHED_TOKENS = 1000, 200, 100


class Record:
    """What the server was asked: request bodies, and the tokens it said they cost."""

    def __init__(self, faults: list[Any]) -> None:
        self.faults = list(faults)
        self.requests: list[dict[str, Any]] = []
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0}
        self.in_flight = 0
        self.most_in_flight = 0
        self.lock = threading.Lock()


def draft_for(prompt: str) -> dict[str, Any]:
    """The draft of the schema that the prompt asks for, told by a field that only this schema has."""
    return next(draft for field, draft in reversed(DRAFTS.items()) if f'"{field}":' in prompt)


class Door(BaseHTTPRequestHandler):
    """Answers POST …/chat/completions."""

    protocol_version = "HTTP/1.1"
    record: ClassVar[Record]
    delay: ClassVar[Callable[[], None]]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.record.lock:
            self.record.requests.append(body)
            self.record.in_flight += 1
            self.record.most_in_flight = max(self.record.most_in_flight, self.record.in_flight)
            fault = self.record.faults.pop(0) if self.record.faults else None
        type(self).delay()
        try:
            self._answer(body, fault)
        finally:
            with self.record.lock:
                self.record.in_flight -= 1

    def _answer(self, body: dict[str, Any], fault: Any) -> None:
        if isinstance(fault, int):
            self._send(fault, {"error": {"message": "no", "type": "fault", "code": str(fault)}}, **({"Retry-After": "0"} if fault == 429 else {}))
            return
        message: dict[str, Any] = {"role": "assistant", "content": self._content(body, fault)}
        reason = "stop"
        asked_already = any(one["role"] == "tool" for one in body["messages"])
        if body.get("tools") and not asked_already and fault is None:
            name = body["tools"][0]["function"]["name"]
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps({"id": "price."})}}
            message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        with self.record.lock:
            self.record.usage["prompt_tokens"] += PROMPT_TOKENS
            self.record.usage["completion_tokens"] += COMPLETION_TOKENS
        usage = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": COMPLETION_TOKENS,
            "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        }
        choice = {"index": 0, "message": message, "finish_reason": reason}
        self._send(200, {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice], "usage": usage})

    def _content(self, body: dict[str, Any], fault: Any) -> str:
        prompt = "\n".join(str(one.get("content")) for one in body["messages"])
        draft = draft_for(prompt)
        if fault == "unbound":
            draft = json.loads(json.dumps(draft).replace(LINE, f"{LINE} It will rise by 12 percent."))
        text = json.dumps(draft)
        return {"empty": "", "prose": f"Here it is: {text} I hope it helps.", "fenced": f"```json\n{text}\n```", "wrong": '{"nothing": 1}'}.get(
            str(fault), text
        )

    def _send(self, status: int, body: dict[str, Any], **headers: str) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)


class ModelServer:
    """A running server; use it as a context manager. `url` is what OPENAI_BASE_URL would be."""

    def __init__(self, faults: list[Any] | None = None, *, delay: Callable[[], None] = lambda: None) -> None:
        self.record = Record(faults or [])
        door = type("BoundDoor", (Door,), {"record": self.record, "delay": staticmethod(delay)})
        self._server = at_a_new_address(partial(ThreadingHTTPServer, ("127.0.0.1", 0), door))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
