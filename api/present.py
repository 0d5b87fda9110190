"""Turns the crew's values into the bodies that clients see. The tenant never leaves the service."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response
from pydantic import BaseModel

from api.contract import JSON
from api.problem_types import PROBLEMS
from api.problems import describe
from api.schemas.analyses import AnalysisBody, FailureBody, ProgressBody, Urls, UsageOfAnalysis
from api.services import services
from crew.domain.analysis import Analysis, Failure
from crew.settings import Settings


def analysis_body(analysis: Analysis) -> AnalysisBody:
    """One analysis as clients see it."""
    return _body(analysis, services().settings)


def presenter() -> Callable[[Analysis], dict[str, Any]]:
    """Shows analyses as plain JSON values; unlike `analysis_body` also after the request, while a stream is sent."""
    settings = services().settings
    return lambda analysis: _body(analysis, settings).model_dump(mode="json")


def _body(analysis: Analysis, settings: Settings) -> AnalysisBody:
    base = f"/v1/analyses/{analysis.id}"
    return AnalysisBody(
        id=analysis.id,
        status=analysis.status,
        symbol=analysis.request.symbol,
        as_of=analysis.request.as_of,
        language=analysis.request.language,
        model=analysis.request.model,
        documents=list(analysis.request.documents),
        max_cost_usd=analysis.request.max_cost_usd,
        depth=analysis.request.depth,
        focus=list(analysis.request.focus),
        deadline_s=analysis.request.deadline_s,
        config_version=analysis.config_version,
        created_at=analysis.created_at,
        started_at=analysis.started_at,
        finished_at=analysis.finished_at,
        cancel_requested_at=analysis.cancel_requested_at,
        progress=ProgressBody(
            completed_tasks=analysis.progress.completed_tasks,
            total_tasks=analysis.progress.total_tasks,
            current_task=analysis.progress.current_step,
        ),
        report_status=analysis.report_status,
        error=_failure(analysis.failure) if analysis.failure else None,
        usage=UsageOfAnalysis(**analysis.usage.model_dump()),
        deadline_at=analysis.deadline(settings.job_deadline_s),
        expires_at=analysis.finished_at and analysis.finished_at + timedelta(days=settings.retention_days),
        retried_from=analysis.origin.retried_from,
        batch_id=analysis.origin.batch_id,
        metadata=analysis.origin.labels,
        urls=Urls(
            self=base, events=f"{base}/events", report=f"{base}/report", sources=f"{base}/sources", cancel=f"{base}/cancel", retry=f"{base}/retry"
        ),
    )


def json_answer(body: BaseModel, status: int = 200, **headers: str) -> Response:
    """`body` as a JSON answer; underscores in header names become hyphens."""
    response = Response(body.model_dump_json(), status=status, mimetype=JSON)
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def next_link(path: str, query: Mapping[str, str | None]) -> str:
    """The Link header that leads to the next page; parameters without a value are left out."""
    return f'<{path}?{urlencode({name: value for name, value in query.items() if value})}>; rel="next"'


def _failure(failure: Failure) -> FailureBody:
    code = failure.code if failure.code in PROBLEMS else "internal_error"
    return FailureBody.model_validate(describe(code, failure.message, retryable=failure.retryable))
