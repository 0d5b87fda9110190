"""The bodies of the webhooks that come with a kickoff, in the words of CrewAI AMP's documentation.

What AMP tells and this service keeps to itself, the prompts and instructions, is null.
"""

import json
from collections.abc import Sequence
from typing import Any

from crew.domain.amp import kickoff_id, streamed_name
from crew.domain.analysis import Event
from crew.domain.report import Report
from crew.domain.run import ModelCall, TaskResult
from crew.domain.webhooks import HookKind
from crew.store.analyses import AnalysisStore

_REPORT = "report"


def hook_payload(
    store: AnalysisStore, analysis_id: str, kind: HookKind, *, seqs: tuple[int, int], meta: dict[str, Any] | None, wanted: Sequence[str] | None
) -> dict[str, Any]:
    """What a hook of that `kind` is told about the events numbered from the first to the last of `seqs`.

    Args:
        store: where events and results are.
        analysis_id: whose hook it is.
        kind: which of AMP's webhooks.
        seqs: the first and the last event.
        meta: what the kickoff wants to be given back.
        wanted: AMP's names of the events to stream; None for all.

    Raises:
        NotFound: the analysis is no longer kept.
    """
    store.get(analysis_id)
    first, last = seqs
    events = [event for event in store.events(analysis_id, after=first - 1, limit=last - first + 1) if event.seq <= last]
    common = {"kickoff_id": kickoff_id(analysis_id), "meta": meta}
    if kind == "stream":
        return {"events": [_streamed(event, name) for event in events if (name := _named(event, wanted)) is not None]}
    if kind == "step":
        return _step(ModelCall.model_validate(events[0].data)) | common
    if kind == "task":
        return _task(store, analysis_id, str(events[0].data["step"])) | common
    return _crew(store, analysis_id, events[0]) | common


def _named(event: Event, wanted: Sequence[str] | None) -> str | None:
    name = streamed_name(event.type, event.data)
    return name if wanted is None or name in wanted else None


def _streamed(event: Event, name: str) -> dict[str, Any]:
    kickoff = kickoff_id(event.analysis_id)
    at = event.at.isoformat().replace("+00:00", "Z")
    return {"id": f"{kickoff}:{event.seq}", "execution_id": kickoff, "timestamp": at, "type": name, "data": event.data}


def _step(call: ModelCall) -> dict[str, Any]:
    result = f"{call.agent} asked {call.model}: {call.outcome}, {call.prompt_tokens + call.completion_tokens} tokens"
    return {"prompt": None, "thought": None, "tool": None, "tool_input": None, "result": result}


def _task(store: AnalysisStore, analysis_id: str, task: str) -> dict[str, Any]:
    content = store.artifact(analysis_id, f"task:{task}")
    result = TaskResult.model_validate_json(content) if content else None
    draft = result.draft if result else None
    return {
        "name": task,
        "description": result.title if result else None,
        "expected_output": result.schema_name if result else None,
        "summary": result.title if result else None,
        "agent": result.agent if result else None,
        "output": json.dumps(draft, ensure_ascii=False) if draft is not None else None,
        "output_json": draft,
    }


def _crew(store: AnalysisStore, analysis_id: str, event: Event) -> dict[str, Any]:
    content = store.artifact(analysis_id, _REPORT) if event.type == "analysis.succeeded" else None
    calls = store.model_calls(analysis_id)
    prompt, completion = sum(call.prompt_tokens for call in calls), sum(call.completion_tokens for call in calls)
    usage = {"total_tokens": prompt + completion, "prompt_tokens": prompt, "completion_tokens": completion}
    if content is None:
        message = event.data.get("message") or ("the analysis was canceled" if event.type == "analysis.canceled" else "the analysis failed")
        return {"result": None, "result_json": None, "token_usage": usage, "error": message}
    from crew.report.markdown import render_markdown  # noqa: PLC0415 - templates are loaded when the first report is sent

    report = Report.model_validate_json(content)
    return {"result": render_markdown(report), "result_json": report.to_json(), "token_usage": usage}
