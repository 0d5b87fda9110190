"""A simulated model server: speaks OpenAI's protocol, answers as slowly as a fast hosted model, counts tokens with a real tokenizer.

It writes drafts of usual length that are true to the facts in the prompt. Run it in a process of its own:
`python -m fakes.model_simulator` prints its address, and `GET /counts` says what it has served so far. After `POST /latency` with
`{"seconds": 2}` every answer takes exactly as long.
"""

import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import bpe_openai
from fakes.model_protocols import ModelRequest, OpenAI, Reply
from fakes.model_writer import Fact, draft_for, facts_in, sentence, subject_of, tripwire

FIRST_TOKEN_S = 0.05
TOKENS_PER_S = 1_000.0
ENCODING = bpe_openai.get_encoding("o200k_base")
LOOKS_UP = "research"
_PARAGRAPHS = {
    "fundamentals": ("growth", "profitability", "balance_sheet", "cash_flow", "valuation"),
    "technicals": ("trend", "momentum", "volatility", "levels"),
}
_OPENINGS = (
    "The figure that matters most here is {label}, which stands at [[{id}]].",
    "Beside it, {label} comes to [[{id}]], and the two have to be read together.",
    "A careful reader will also look at {label} of [[{id}]] before drawing a conclusion.",
    "What has been reported for {label}, [[{id}]], neither proves nor disproves the case by itself.",
)


def tokens(text: str) -> int:
    """Tokens of `text` as OpenAI's newest tokenizer counts them."""
    return len(ENCODING.encode(text))


def prompt_tokens(body: dict[str, Any]) -> int:
    """Tokens of all messages and tool schemas, with four for the frame of each message."""
    messages = sum(4 + tokens(json.dumps(one) if one.get("tool_calls") else str(one.get("content") or "")) for one in body["messages"])
    return messages + (tokens(json.dumps(body["tools"])) if body.get("tools") else 0)


def write(request: ModelRequest) -> Reply:
    """One look-up by the researcher, then a draft of usual length."""
    if subject_of(request.text) == LOOKS_UP and not request.answered and "fact_lookup" in request.tools:
        return Reply(calls=(("fact_lookup", {"id": "growth.revenue"}),))
    return Reply(text=json.dumps(_full(request.text)))


def _full(prompt: str) -> dict[str, Any]:
    draft, subject = draft_for(prompt), subject_of(prompt)
    facts = [fact for fact in facts_in(prompt) if fact.unit != "date"]
    if subject in _PARAGRAPHS and facts:
        names = _PARAGRAPHS[subject]
        draft |= {name: _paragraph(_share(facts, index, len(names))) for index, name in enumerate(names)}
        draft["claims"] = [_claim(fact, side) for fact, side in zip(_picked(facts, 6), ("bull", "bear") * 3, strict=False)]
    elif subject == "research" and facts:
        draft["business"] = [_paragraph(_share(facts, index, 2)) for index in range(2)]
        draft["catalysts"] = [sentence(fact) for fact in _picked(facts, 4)]
        draft["risks"] = [{"text": sentence(fact), "tripwire": tripwire(fact)} for fact in _picked(facts, 4)]
    elif subject == "report" and facts:
        draft["summary"] = _paragraph(facts[:4])
        draft["thesis"] = [_paragraph(_share(facts, index, 3)[:3]) for index in range(3)]
        draft["change_our_mind"] = [f"A turn in {_plain(fact.label)}, now [[{fact.id}]], would overturn this view." for fact in _picked(facts, 3)]
    return draft


def _share(facts: list[Fact], index: int, count: int) -> list[Fact]:
    size = max(1, len(facts) // count)
    return facts[index * size : index * size + 4] or facts[:1]


def _picked(facts: list[Fact], count: int) -> list[Fact]:
    return facts[:: max(1, len(facts) // count)][:count]


def _paragraph(facts: list[Fact]) -> str:
    return " ".join(_OPENINGS[index % 4].format(label=_plain(fact.label), id=fact.id) for index, fact in enumerate(facts))


def _claim(fact: Fact, side: str) -> dict[str, Any]:
    word = "for" if side == "bull" else "against"
    return {
        "text": f"The figure for {_plain(fact.label)} of [[{fact.id}]] speaks {word} the shares as long as nothing changes in the business.",
        "side": side,
        "evidence": [fact.id],
        "direction": "up" if fact.value > 0 else "down" if fact.value < 0 else "flat",
        "wrong_if": tripwire(fact),
        "strength": 3,
    }


def _plain(label: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\S*\d\S*", "", label)).strip(" ,").lower()


class Counts:
    """What the server has served. `spoken` are the symbols of whose prompt each answer was made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self.calls = self.prompt_tokens = self.completion_tokens = self.in_flight = self.most_in_flight = 0
        self.seconds: list[tuple[str, float]] = []
        self.statuses: Counter[int] = Counter()

    def values(self) -> dict[str, Any]:
        """As plain values."""
        names = ("calls", "prompt_tokens", "completion_tokens", "most_in_flight", "seconds")
        return {name: getattr(self, name) for name in names}


class Handler(BaseHTTPRequestHandler):
    """POST …/chat/completions, GET /counts, POST /reset, POST /latency."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    counts: ClassVar[Counts] = Counts()
    protocol: ClassVar[OpenAI] = OpenAI()
    fixed_s: ClassVar[float | None] = None

    def do_GET(self) -> None:
        with self.counts.lock:
            self._send(json.dumps(self.counts.values()).encode())

    def do_POST(self) -> None:
        began = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if self.path == "/reset":
            with self.counts.lock:
                self.counts.reset()
            self._send(b"{}")
            return
        if self.path == "/latency":
            type(self).fixed_s = float(body["seconds"])
            self._send(b"{}")
            return
        with self.counts.lock:
            self.counts.in_flight += 1
            self.counts.most_in_flight = max(self.counts.most_in_flight, self.counts.in_flight)
        request = self.protocol.read(self.counts.calls + 1, self.path, body, {})
        reply = write(request)
        answer = self.protocol.write(request, reply)
        read, written = prompt_tokens(body), tokens(reply.text or json.dumps(reply.calls))
        answer["usage"] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        takes = FIRST_TOKEN_S + written / TOKENS_PER_S if self.fixed_s is None else self.fixed_s
        # The thinking of this program is part of the time, not on top of it.
        time.sleep(max(0.0, takes - (time.monotonic() - began)))
        with self.counts.lock:
            self.counts.calls += 1
            self.counts.prompt_tokens += read
            self.counts.completion_tokens += written
            self.counts.in_flight -= 1
            self.counts.seconds.append((subject_of(request.text), takes))
        self._send(json.dumps(answer).encode())

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main() -> None:
    """Serve until killed."""
    server = _Server(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
