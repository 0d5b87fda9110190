"""CrewAI AMP's HTTP API over the same use cases, so that AMP's clients work unchanged."""

import json
import re
from typing import Any

from flask import Response, g
from pydantic import ValidationError

from api.contract import Answer, Resource
from api.present import json_answer
from api.problems import Problem, value_errors
from api.schemas.amp import (
    AmpError,
    AmpProgress,
    CompletedBody,
    ErrorBody,
    EventWebhook,
    ExecutionBody,
    HookUrls,
    InputsBody,
    Kickoff,
    KickoffBody,
    ResultBody,
    Resume,
    RunningBody,
    TaskOutput,
)
from api.schemas.analyses import CreateAnalysis
from api.schemas.fields import KeyedHeaders
from api.services import services
from api.submitting import submit
from crew.domain import amp
from crew.domain.analysis import Analysis, AnalysisRequest
from crew.domain.report import Report
from crew.domain.webhooks import Hook, HookKind
from crew.errors import Gone, NotFound, UrlNotAllowed
from crew.report.bind import bind

resource = Resource(
    "crewai-amp",
    "CrewAI AMP's own API, for its clients: an execution is an analysis, whose id AMP knows as a UUID. Errors are AMP's. Webhooks of a kickoff "
    "are delivered at least once with a `webhook-id` to drop repetitions by; prompts and instructions in them are null.",
)

REQUIRED = ("symbol",)
_FLAGS = {"true": True, "false": False}
_MOST_EVENTS = 1000
_SECONDS = re.compile(r"[1-9][0-9]{0,8}")
_KINDS: dict[str, HookKind] = {"taskWebhookUrl": "task", "stepWebhookUrl": "step", "crewWebhookUrl": "crew"}


@resource.operation("GET", "/inputs", scope="read", answers={200: Answer("The inputs that a kickoff must give", InputsBody)}, error_model=AmpError)
def amp_inputs() -> Response:
    """Name the inputs that a kickoff must give."""
    return json_answer(InputsBody(inputs=list(REQUIRED)))


@resource.operation(
    "POST",
    "/kickoff",
    scope="run",
    body=Kickoff,
    body_example={"inputs": {"symbol": "AAPL"}, "meta": {"ticket": "42"}, "crewWebhookUrl": "https://example.com/hook"},
    headers=KeyedHeaders,
    answers={200: Answer("Accepted, or joined with the same request that is under way or fresh", KickoffBody)},
    problems=("not_found", "conflict", "overloaded", "quota_exceeded", "idempotency_in_flight", "idempotency_key_reused", "url_not_allowed"),
    error_model=AmpError,
)
def amp_kickoff(body: Kickoff, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Start an analysis, and tell the given addresses about it."""
    request, hooks = _request(body.inputs), _hooks(body)
    found = submit(request, hooks=hooks)
    return json_answer(KickoffBody(kickoff_id=amp.kickoff_id(found.analysis.id)))


@resource.operation(
    "GET", "/status/<kickoff_id>", scope="read", answers={200: Answer("The state of the execution", ExecutionBody)}, error_model=AmpError
)
def amp_status(kickoff_id: str) -> Response:
    """Read the state of an execution, with its result when it has finished."""
    analysis = _found(kickoff_id)
    status, state = amp.STATUS[analysis.status], amp.STATE[analysis.status]
    if status == "running":
        progress = AmpProgress(completed_tasks=analysis.progress.completed_tasks, total_tasks=analysis.progress.total_tasks)
        return json_answer(RunningBody(status="running", state=state, current_task=analysis.progress.current_step, progress=progress))
    if status == "error":
        reason = analysis.failure.message if analysis.failure else "the execution was canceled"
        return json_answer(ErrorBody(status="error", state=state, error=reason, execution_time=_seconds(analysis)))
    return json_answer(CompletedBody(status="completed", state=state, result=_result(analysis), execution_time=_seconds(analysis)))


@resource.operation(
    "POST",
    "/resume",
    scope="run",
    body=Resume,
    body_example={
        "execution_id": "018eae2d-a17a-7f13-9401-574d55737551",
        "task_id": "report",
        "human_feedback": "looks good",
        "is_approve": True,
    },
    answers={400: Answer("The execution is not waiting for anybody: this crew never does", AmpError)},
    problems=("not_found",),
    error_model=AmpError,
)
def amp_resume(body: Resume) -> Response:
    """Answer a question of the crew. It never asks any, so that this is always refused."""
    analysis = _found(body.execution_id)
    state = amp.STATE[analysis.status]
    return json_answer(AmpError(error="Execution not pending", message=f"The execution does not wait for human input; its state is {state}."), 400)


def _request(inputs: dict[str, str]) -> AnalysisRequest:
    given: dict[str, Any] = {name: text for name, text in inputs.items() if text}
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise Problem("invalid_request", "Missing required inputs", extensions={"missing_inputs": missing})
    if "force" in given:
        given["force"] = _FLAGS.get(given["force"].lower(), given["force"])
    if "focus" in given:
        given["focus"] = list(dict.fromkeys(name.strip(" ") for name in given["focus"].split(",")))
    if "deadline_s" in given and _SECONDS.fullmatch(given["deadline_s"]):
        given["deadline_s"] = int(given["deadline_s"])
    try:
        return CreateAnalysis.model_validate_json(json.dumps(given), strict=True).to_request()
    except ValidationError as error:
        errors = [{**item, "pointer": item["pointer"].replace("#", "#/inputs", 1)} for item in value_errors(error, place="body")]
        raise Problem("invalid_request", "; ".join(sorted({item["detail"] for item in errors})), errors=errors) from None


def _hooks(body: Kickoff) -> list[Hook]:
    hooks = [Hook(kind=kind, url=url, meta=body.meta) for name, kind in _KINDS.items() if (url := getattr(body, name)) is not None]
    if body.webhooks is not None:
        hooks.append(_stream_hook(body.webhooks, body.meta))
    _check_targets(body, [hook.url for hook in hooks])
    return hooks


def _stream_hook(wanted: EventWebhook, meta: dict[str, Any] | None) -> Hook:
    authorization = f"Bearer {wanted.authentication.token}" if wanted.authentication is not None else None
    names = tuple(sorted(set(wanted.events)))
    return Hook(kind="stream", url=wanted.url, event_types=names, realtime=wanted.realtime, authorization=authorization, meta=meta)


def _check_targets(body: HookUrls, urls: list[str]) -> None:
    if isinstance(body, Kickoff) and body.humanInputWebhook is not None:
        urls = [*urls, body.humanInputWebhook.url]
    for url in urls:
        try:
            services().automation.targets.check(url)
        except UrlNotAllowed as error:
            raise Problem("url_not_allowed", f"A webhook may not go there: {error.message}.") from None


def _found(kickoff_id: str) -> Analysis:
    id = amp.analysis_id(kickoff_id)
    if id is None:
        raise NotFound("There is no such execution.")
    try:
        return services().jobs.get(id, tenant=g.principal.tenant)
    except Gone as error:
        # AMP knows no 410: what was deleted is not found.
        raise NotFound(error.message) from None


def _seconds(analysis: Analysis) -> float:
    if analysis.started_at is None or analysis.finished_at is None:
        return 0.0
    return round((analysis.finished_at - analysis.started_at).total_seconds(), 3)


def _result(analysis: Analysis) -> ResultBody:
    jobs = services().jobs
    report = jobs.report(analysis.id, tenant=analysis.tenant)
    page = services().reports.get(analysis.id, "md", lambda: report)
    ended = [event for event in jobs.events(analysis.id, tenant=analysis.tenant, limit=_MOST_EVENTS) if event.type == "step.finished"]
    seconds = {str(event.data.get("step")): event.data.get("milliseconds", 0) / 1000 for event in ended}
    return ResultBody(output=page.body.decode(), tasks=_outputs(report, seconds))


def _outputs(report: Report, seconds: dict[str, float]) -> list[TaskOutput]:
    evidence = {item.id: item for item in report.evidence}
    written: dict[str, list[str]] = {}
    agents: dict[str, str | None] = {}
    for section in report.sections:
        if section.task is None:
            continue
        agents[section.task] = section.agent
        texts = ("".join(part.text for part in bind(paragraph.text, evidence, report.language)) for paragraph in section.paragraphs)
        written.setdefault(section.task, []).append("\n".join((f"## {section.title}", *texts)))
    return [
        TaskOutput(task_id=task, output="\n\n".join(parts), agent=agents[task], execution_time=seconds.get(task, 0.0))
        for task, parts in written.items()
    ]
