"""CrewAI AMP's words for what happens here: states, webhook kinds, event names, and ids as UUIDs."""

import base64
import re
import uuid
from typing import Any, Literal

from crew.domain.analysis import EventType, Status
from crew.domain.webhooks import HookKind, concerns_endpoints

AmpStatus = Literal["running", "completed", "error"]
AmpState = Literal["PENDING", "RUNNING", "SUCCESS", "FAILED"]
STATUS: dict[Status, AmpStatus] = {"queued": "running", "running": "running", "succeeded": "completed", "failed": "error", "canceled": "error"}
# Not in AMP's document, but what its own tools and other clients poll.
STATE: dict[Status, AmpState] = {"queued": "PENDING", "running": "RUNNING", "succeeded": "SUCCESS", "failed": "FAILED", "canceled": "FAILED"}
OWN_STEPS = frozenset({"collect", "compute", "compose"})
_ENDED = frozenset({"analysis.succeeded", "analysis.failed", "analysis.canceled"})
_STREAMED: dict[EventType, str] = {
    "analysis.started": "crew_kickoff_started",
    "analysis.succeeded": "crew_kickoff_completed",
    "analysis.failed": "crew_kickoff_failed",
    "analysis.canceled": "crew_kickoff_failed",
    "step.started": "task_started",
    "step.finished": "task_completed",
    "model.called": "llm_call_completed",
}
STREAMED_NAMES = tuple(dict.fromkeys([*_STREAMED.values(), "llm_call_failed"]))
_ANALYSIS_ID = re.compile(r"an_[a-z2-7]{26}")


def kickoff_id(analysis_id: str) -> str:
    """The UUID in an analysis's id, which is what AMP's clients know it by."""
    text = analysis_id.removeprefix("an_").upper()
    return str(uuid.UUID(bytes=base64.b32decode(text + "=" * (-len(text) % 8))))


def analysis_id(kickoff: str) -> str | None:
    """The id of the analysis that AMP's clients know as `kickoff`; None when that is no UUID in its usual form."""
    try:
        value = uuid.UUID(kickoff)
    except ValueError:
        return None
    if str(value) != kickoff.lower():
        return None
    made = "an_" + base64.b32encode(value.bytes).decode().rstrip("=").lower()
    return made if _ANALYSIS_ID.fullmatch(made) else None


def streamed_name(type: EventType, data: dict[str, Any]) -> str | None:
    """What AMP's event stream calls the event; None for what it knows nothing of, such as the steps that no agent takes."""
    if type in {"step.started", "step.finished"} and data.get("step") in OWN_STEPS:
        return None
    if type == "model.called" and data.get("outcome") != "ok":
        return "llm_call_failed"
    return _STREAMED.get(type)


def concerns(kind: HookKind, event_types: tuple[str, ...] | None, type: EventType, data: dict[str, Any]) -> bool:
    """Whether a webhook of that kind is told of the event."""
    if kind == "analysis":
        return concerns_endpoints(type)
    if kind == "crew":
        return type in _ENDED
    if kind == "step":
        return type == "model.called"
    if kind == "task":
        return type == "step.finished" and data.get("step") not in OWN_STEPS
    name = streamed_name(type, data)
    return name is not None and (event_types is None or name in event_types)
