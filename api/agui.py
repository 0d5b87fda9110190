"""The events of an analysis in the words of the AG-UI protocol: a run with its steps, for front ends that speak it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from crew.domain.analysis import EventType

Control = Literal["snapshot", "gap", "done"]
Kind = EventType | Control
Told = dict[str, Any]
Translated = list[dict[str, Any]]


def _run(told: Told) -> dict[str, str]:
    return {"threadId": told["analysis_id"], "runId": told["analysis_id"]}


def _state(told: Told) -> Translated:
    """Where a stream begins: a run begins with its start, one that is resumed goes on."""
    opened = [] if told["seq"] else [{"type": "RUN_STARTED", **_run(told)}]
    return [*opened, {"type": "STATE_SNAPSHOT", "snapshot": told["data"]}]


def _named(told: Told) -> Translated:
    return [{"type": "CUSTOM", "name": told["type"], "value": told["data"]}]


def _step(type: Literal["STEP_STARTED", "STEP_FINISHED"]) -> Callable[[Told], Translated]:
    return lambda told: [{"type": type, "stepName": told["data"]["step"]}]


def _finished(told: Told) -> Translated:
    return [{"type": "RUN_FINISHED", **_run(told), "result": told["data"]}]


def _failed(told: Told) -> Translated:
    return [{"type": "RUN_ERROR", "message": told["data"].get("message", "the analysis failed"), "code": told["data"].get("code", "internal_error")}]


def _canceled(told: Told) -> Translated:  # noqa: ARG001 - one signature for all
    return [{"type": "RUN_ERROR", "message": "the analysis was canceled", "code": "canceled"}]


def _nothing(told: Told) -> Translated:  # noqa: ARG001 - one signature for all
    return []


TABLE: Mapping[Kind, Callable[[Told], Translated]] = {
    "snapshot": _state,
    "analysis.queued": _named,
    "analysis.started": _named,
    "analysis.estimated": _named,
    "step.started": _step("STEP_STARTED"),
    "step.finished": _step("STEP_FINISHED"),
    "model.called": _named,
    "gap": _named,
    "analysis.succeeded": _finished,
    "analysis.failed": _failed,
    "analysis.canceled": _canceled,
    # The run has ended with the event before, and nothing may come behind that.
    "done": _nothing,
}


_TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An event of AG-UI, in streams with `format=ag-ui`.",
    "required": ["type", "timestamp"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["RUN_STARTED", "STATE_SNAPSHOT", "STEP_STARTED", "STEP_FINISHED", "CUSTOM", "RUN_FINISHED", "RUN_ERROR"]},
        "timestamp": {"type": "integer", "description": "Milliseconds since 1970 in UTC."},
        "threadId": _TEXT,
        "runId": _TEXT,
        "stepName": _TEXT,
        "name": _TEXT,
        "value": {"type": "object"},
        "snapshot": {"type": "object"},
        "result": {"type": "object"},
        "message": _TEXT,
        "code": _TEXT,
    },
}


def translate(kind: Kind, told: Told) -> Translated:
    """What AG-UI says of one event, as clients of our own stream see it (`seq`, `type`, `at`, `analysis_id`, `data`)."""
    milliseconds = int(datetime.fromisoformat(told["at"]).timestamp() * 1000)
    return [{**event, "timestamp": milliseconds} for event in TABLE[kind](told)]


def frames(kind: Kind, id: str, told: Told) -> bytes:
    """The event as server-sent events of AG-UI, which names types in the data alone; empty where AG-UI has nothing to say."""
    return b"".join(f"id: {id}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in translate(kind, told))
