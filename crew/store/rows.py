"""Rows of the database turned into the crew's values."""

import json
from typing import Any

import sqlalchemy as sa

from crew.domain.analysis import Analysis, AnalysisRequest, Failure, Origin, Progress, Usage
from crew.store.moments import aware, maybe_aware
from crew.store.usage import NANOS

WISHES = ("depth", "focus", "deadline_s")


def request_of(row: sa.Row[Any]) -> AnalysisRequest:
    """The request in a row of the table, with what it asks beyond the usual."""
    if row.wishes is None:
        return AnalysisRequest.model_validate_json(row.request)
    return AnalysisRequest.model_validate_json(json.dumps(json.loads(row.request) | json.loads(row.wishes)))


def request_columns(request: AnalysisRequest) -> dict[str, str | None]:
    """The columns that `request_of` reads. A request that asks for nothing unusual is stored as it was before anything could be asked."""
    wishes = wishes_of(request)
    return {"request": request.model_dump_json(exclude=set(WISHES)), "wishes": json.dumps(wishes) if wishes else None}


def wishes_of(request: AnalysisRequest) -> dict[str, Any]:
    """What `request` asks beyond the usual, as JSON values."""
    return request.model_dump(mode="json", include=set(WISHES), exclude_defaults=True)


def analysis_of(row: sa.Row[Any]) -> Analysis:
    """The analysis that `row` of the table holds."""
    return Analysis(
        id=row.id,
        tenant=row.tenant,
        request=request_of(row),
        status=row.status,
        progress=Progress(completed_tasks=row.completed_tasks, total_tasks=row.total_tasks, current_step=row.current_step),
        created_at=aware(row.created_at),
        started_at=maybe_aware(row.started_at),
        finished_at=maybe_aware(row.finished_at),
        cancel_requested_at=maybe_aware(row.cancel_requested_at),
        failure=Failure.model_validate_json(row.failure) if row.failure else None,
        report_status=row.report_status,
        origin=Origin(key_id=row.key_id, batch_id=row.batch_id, retried_from=row.retried_from, labels=json.loads(row.labels or "{}")),
        usage=Usage(
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            cost_usd=row.cost_nanousd / NANOS,
            unpriced_calls=row.unpriced_calls,
        ),
        last_seq=row.last_seq,
        config_version=row.config_version,
    )
