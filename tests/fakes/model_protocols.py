"""How model providers speak on the wire: requests read into one shape, scripted replies written in the provider's own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class ModelRequest:
    """One request for a completion, whatever the protocol. `tools` are names; `answered` are the results of earlier tool calls."""

    number: int
    protocol: str
    model: str
    system: str
    user: str
    tools: tuple[str, ...]
    answered: tuple[str, ...]
    body: dict[str, Any]
    headers: dict[str, str]
    streamed: bool = False

    @property
    def text(self) -> str:
        """All that the model reads."""
        return "\n".join((self.system, self.user, *self.answered))

    @property
    def prompt_tokens(self) -> int:
        """Four characters to a token, over the whole body."""
        return len(json.dumps(self.body)) // 4


@dataclass(frozen=True)
class Reply:
    """What the server answers: text, or calls of tools as (name, arguments); or an error by `status`; or `raw` bytes as they are.

    With `trickle_s` the answer comes in twenty pieces with that pause before each.
    """

    text: str | None = None
    calls: tuple[tuple[str, Any], ...] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    trickle_s: float = 0.0
    finish: str | None = None
    cached_tokens: int = 0
    with_usage: bool = True
    raw: bytes | None = None

    @property
    def completion_tokens(self) -> int:
        """Four characters to a token."""
        return (len(self.text or "") + len(json.dumps(self.calls))) // 4


Chunk = tuple[str | None, str]
"""One event of a stream: its name, if the protocol names events, and its data."""


class OpenAI:
    """Chat completions, streamed or not. Ollama and every compatible server speak it too."""

    name = "openai"

    def speaks(self, path: str) -> bool:
        """Whether the path is of this protocol."""
        return path.split("?", maxsplit=1)[0].endswith("/chat/completions")

    def read(self, number: int, path: str, body: dict[str, Any], headers: dict[str, str]) -> ModelRequest:
        """The request in the common shape."""
        said = [(message["role"], _text(message.get("content"))) for message in body["messages"]]
        return ModelRequest(
            number=number,
            protocol=self.name,
            model=body["model"],
            system="\n".join(text for role, text in said if role == "system"),
            user="\n".join(text for role, text in said if role == "user"),
            tools=tuple(tool["function"]["name"] for tool in body.get("tools") or ()),
            answered=tuple(text for role, text in said if role == "tool"),
            body=body,
            headers=headers,
        )

    def write(self, request: ModelRequest, reply: Reply) -> dict[str, Any]:
        """The reply as a chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.calls:
            message["tool_calls"] = [
                {"id": f"call_{request.number}_{index}", "type": "function", "function": {"name": name, "arguments": _arguments(arguments)}}
                for index, (name, arguments) in enumerate(reply.calls)
            ]
        answer: dict[str, Any] = {
            "id": f"chatcmpl-{request.number}",
            "object": "chat.completion",
            "created": 0,
            "model": request.model,
            "choices": [{"index": 0, "message": message, "finish_reason": reply.finish or ("tool_calls" if reply.calls else "stop")}],
        }
        if reply.with_usage:
            answer["usage"] = self._usage(request, reply)
        return answer

    def stream(self, request: ModelRequest, reply: Reply) -> Iterator[Chunk] | None:
        """The reply as server-sent chunks when the request wants a stream."""
        if not request.body.get("stream"):
            return None
        whole = self.write(request, reply)
        return self._chunks(whole, request, reply)

    def _chunks(self, whole: dict[str, Any], request: ModelRequest, reply: Reply) -> Iterator[Chunk]:
        head = {"id": whole["id"], "object": "chat.completion.chunk", "created": 0, "model": request.model}
        calls = whole["choices"][0]["message"].get("tool_calls")
        if calls:
            deltas: list[dict[str, Any]] = [{"role": "assistant", "tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]}]
        else:
            text = reply.text or ""
            deltas = [{"role": "assistant", "content": text[start : start + 40]} for start in range(0, len(text), 40)]
        for delta in deltas:
            yield None, json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        yield None, json.dumps({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}]})
        if reply.with_usage:
            yield None, json.dumps({**head, "choices": [], "usage": self._usage(request, reply)})
        yield None, "[DONE]"

    def error(self, reply: Reply) -> dict[str, Any]:
        """An error as this provider words it."""
        return {"error": {"message": reply.text or f"scripted {reply.status}", "type": "scripted", "code": None}}

    def _usage(self, request: ModelRequest, reply: Reply) -> dict[str, Any]:
        return {
            "prompt_tokens": request.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": request.prompt_tokens + reply.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        }


class Anthropic:
    """The messages API."""

    name = "anthropic"

    def speaks(self, path: str) -> bool:
        """Whether the path is of this protocol."""
        return path.split("?", maxsplit=1)[0].endswith("/v1/messages")

    def read(self, number: int, path: str, body: dict[str, Any], headers: dict[str, str]) -> ModelRequest:
        """The request in the common shape."""
        parts = [(message["role"], part) for message in body["messages"] for part in _parts(message["content"])]
        return ModelRequest(
            number=number,
            protocol=self.name,
            model=body["model"],
            system=_text(body.get("system")),
            user="\n".join(part["text"] for role, part in parts if role == "user" and part.get("type") == "text"),
            tools=tuple(tool["name"] for tool in body.get("tools") or ()),
            answered=tuple(_text(part.get("content")) for _, part in parts if part.get("type") == "tool_result"),
            body=body,
            headers=headers,
        )

    def write(self, request: ModelRequest, reply: Reply) -> dict[str, Any]:
        """The reply as a message."""
        content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
        content += [
            {"type": "tool_use", "id": f"toolu_{request.number}_{index}", "name": name, "input": arguments}
            for index, (name, arguments) in enumerate(reply.calls)
        ]
        return {
            "id": f"msg_{request.number}",
            "type": "message",
            "role": "assistant",
            "model": request.model,
            "content": content,
            "stop_reason": {"length": "max_tokens", None: "tool_use" if reply.calls else "end_turn"}.get(reply.finish, reply.finish),
            "stop_sequence": None,
            "usage": {
                "input_tokens": request.prompt_tokens - reply.cached_tokens,
                "output_tokens": reply.completion_tokens,
                "cache_read_input_tokens": reply.cached_tokens,
                "cache_creation_input_tokens": 0,
            },
        }

    def stream(self, request: ModelRequest, reply: Reply) -> Iterator[Chunk] | None:
        """The reply as named events when the request wants a stream."""
        return self._events(request, reply) if request.body.get("stream") else None

    def _events(self, request: ModelRequest, reply: Reply) -> Iterator[Chunk]:
        whole = self.write(request, reply)
        opening = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 0}}
        yield _named({"type": "message_start", "message": opening})
        for index, block in enumerate(whole["content"]):
            is_text = block["type"] == "text"
            empty = {**block, "text": ""} if is_text else {**block, "input": {}}
            yield _named({"type": "content_block_start", "index": index, "content_block": empty})
            for piece in _pieces(block["text"] if is_text else json.dumps(block["input"])):
                delta = {"type": "text_delta", "text": piece} if is_text else {"type": "input_json_delta", "partial_json": piece}
                yield _named({"type": "content_block_delta", "index": index, "delta": delta})
            yield _named({"type": "content_block_stop", "index": index})
        closing = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield _named({"type": "message_delta", "delta": closing, "usage": {"output_tokens": whole["usage"]["output_tokens"]}})
        yield _named({"type": "message_stop"})

    def error(self, reply: Reply) -> dict[str, Any]:
        """An error as this provider words it."""
        return {"type": "error", "error": {"type": "api_error", "message": reply.text or f"scripted {reply.status}"}}


class Gemini:
    """generateContent."""

    name = "gemini"

    def speaks(self, path: str) -> bool:
        """Whether the path is of this protocol."""
        return path.split("?", maxsplit=1)[0].endswith((":generateContent", ":streamGenerateContent"))

    def read(self, number: int, path: str, body: dict[str, Any], headers: dict[str, str]) -> ModelRequest:
        """The request in the common shape."""
        parts = [(content.get("role", "user"), part) for content in body["contents"] for part in content["parts"]]
        return ModelRequest(
            number=number,
            protocol=self.name,
            model=path.rsplit("/models/", maxsplit=1)[-1].split(":", maxsplit=1)[0],
            system="\n".join(part.get("text", "") for part in (body.get("systemInstruction") or {}).get("parts", ())),
            user="\n".join(part["text"] for role, part in parts if role == "user" and "text" in part),
            tools=tuple(made["name"] for tool in body.get("tools") or () for made in tool.get("functionDeclarations", ())),
            answered=tuple(json.dumps(part["functionResponse"]) for _, part in parts if "functionResponse" in part),
            body=body,
            headers=headers,
            streamed=":streamGenerateContent" in path,
        )

    def write(self, request: ModelRequest, reply: Reply) -> dict[str, Any]:
        """The reply as a candidate."""
        parts: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
        parts += [{"functionCall": {"name": name, "args": arguments}} for name, arguments in reply.calls]
        return {
            "candidates": [
                {
                    "content": {"role": "model", "parts": parts},
                    "finishReason": {"length": "MAX_TOKENS", "refusal": "SAFETY"}.get(reply.finish or "", "STOP"),
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": request.prompt_tokens,
                "candidatesTokenCount": reply.completion_tokens,
                "totalTokenCount": request.prompt_tokens + reply.completion_tokens,
                "cachedContentTokenCount": reply.cached_tokens,
            },
            "modelVersion": request.model,
        }

    def stream(self, request: ModelRequest, reply: Reply) -> Iterator[Chunk] | None:
        """The reply in partial answers when the request wants a stream; the last one has the usage."""
        return self._partial(request, reply) if request.streamed else None

    def _partial(self, request: ModelRequest, reply: Reply) -> Iterator[Chunk]:
        whole = self.write(request, reply)
        for part in whole["candidates"][0]["content"]["parts"]:
            for piece in [{"text": text} for text in _pieces(part["text"])] if "text" in part else [part]:
                yield None, json.dumps({"candidates": [{"content": {"role": "model", "parts": [piece]}, "index": 0}]})
        closing = {"content": {"role": "model", "parts": []}, "finishReason": whole["candidates"][0]["finishReason"], "index": 0}
        yield None, json.dumps({**whole, "candidates": [closing]})

    def error(self, reply: Reply) -> dict[str, Any]:
        """An error as this provider words it."""
        return {"error": {"code": reply.status, "message": reply.text or f"scripted {reply.status}", "status": "SCRIPTED"}}


class Bedrock:
    """Converse."""

    name = "bedrock"

    def speaks(self, path: str) -> bool:
        """Whether the path is of this protocol."""
        return path.endswith("/converse")

    def read(self, number: int, path: str, body: dict[str, Any], headers: dict[str, str]) -> ModelRequest:
        """The request in the common shape."""
        parts = [(message["role"], part) for message in body["messages"] for part in message["content"]]
        return ModelRequest(
            number=number,
            protocol=self.name,
            model=unquote(path.split("/model/", maxsplit=1)[-1].rsplit("/", maxsplit=1)[0]),
            system=_text(body.get("system")),
            user="\n".join(part["text"] for role, part in parts if role == "user" and "text" in part),
            tools=tuple(tool["toolSpec"]["name"] for tool in (body.get("toolConfig") or {}).get("tools", ())),
            answered=tuple(_text(part["toolResult"]["content"]) for _, part in parts if "toolResult" in part),
            body=body,
            headers=headers,
        )

    def write(self, request: ModelRequest, reply: Reply) -> dict[str, Any]:
        """The reply as a message with its usage."""
        content: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
        content += [
            {"toolUse": {"toolUseId": f"tooluse_{request.number}_{index}", "name": name, "input": arguments}}
            for index, (name, arguments) in enumerate(reply.calls)
        ]
        tokens = {"inputTokens": request.prompt_tokens, "outputTokens": reply.completion_tokens, "cacheReadInputTokens": reply.cached_tokens}
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": {"length": "max_tokens"}.get(reply.finish or "", "tool_use" if reply.calls else "end_turn"),
            "usage": {**tokens, "totalTokens": request.prompt_tokens + reply.completion_tokens},
            "metrics": {"latencyMs": 1},
        }

    def stream(self, request: ModelRequest, reply: Reply) -> Iterator[Chunk] | None:
        """Not spoken here: this provider streams in a binary framing."""
        return None

    def error(self, reply: Reply) -> dict[str, Any]:
        """An error as this provider words it."""
        return {"message": reply.text or f"scripted {reply.status}"}


PROTOCOLS = (OpenAI(), Anthropic(), Gemini(), Bedrock())
Protocol = OpenAI | Anthropic | Gemini | Bedrock


def _named(event: dict[str, Any]) -> Chunk:
    return event["type"], json.dumps(event)


def _pieces(text: str) -> list[str]:
    return [text[start : start + 40] for start in range(0, len(text), 40)]


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _text(content: Any) -> str:
    if content is None:
        return ""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def _arguments(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
