"""Batches: many analyses asked for at once."""

import json
from typing import Any

from flask import Response, g
from pydantic import ValidationError

from api.contract import Answer, Resource
from api.ids import checked_id
from api.negotiation import conditional, is_news
from api.prefer import applied, waited
from api.present import json_answer
from api.problem_types import PROBLEMS
from api.problems import describe, value_errors
from api.schemas.analyses import CreateAnalysis
from api.schemas.batches import BatchBody, BatchCounts, BatchItemBody, BatchUrls, CreateBatch
from api.schemas.fields import KeyedHeaders, WaitHeaders
from api.schemas.operations import ProblemBody
from api.services import services
from api.submitting import attach, signed_hook
from crew.domain.batch import Batch, BatchItem, Refusal, Wanted
from crew.domain.webhooks import Hook
from crew.errors import UrlNotAllowed

RETRY_AFTER_S = "2"

resource = Resource("batches", "Up to 100 analyses in one request. Each item is judged by itself, and all are stored together or none.")

_POLL = {"Location": "The batch", "Retry-After": "Seconds until it is worth looking again"}


@resource.operation(
    "POST",
    "/v1/batches",
    scope="run",
    body=CreateBatch,
    body_example={"items": [{"symbol": "AAPL"}, {"symbol": "MSFT", "language": "es"}], "on_error": "continue"},
    headers=KeyedHeaders,
    answers={202: Answer("Stored: each item says which analysis answers it, or why there is none", BatchBody, headers=_POLL)},
    problems=("overloaded", "idempotency_in_flight", "idempotency_key_reused"),
)
def create_batch(body: CreateBatch, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Start many analyses.

    An item that is wrong becomes a `problem` in its place and does not touch the others, unless `on_error` is `stop`. An item that asks for
    what is under way or fresh already is answered by that analysis, as with `POST /v1/analyses`.
    """
    principal = g.principal
    judged = [_wanted(item) for item in body.items]
    wanted, hooks = [one for one, _ in judged], [hook for _, hook in judged]
    batches = services().jobs.batches
    batch = batches.create(wanted, tenant=principal.tenant, on_error=body.on_error, request_id=g.request_id, key_id=principal.key_id)
    for item in batch.items:
        services().metrics.submitted.labels(item.outcome).inc()
        hook = hooks[item.index]
        if hook is not None and item.analysis_id is not None:
            attach(item.analysis_id, [hook])
    return _accepted(batch)


@resource.operation(
    "GET",
    "/v1/batches/<batch_id>",
    scope="read",
    headers=WaitHeaders,
    answers={
        200: Answer("The batch", BatchBody, headers={"ETag": "Changes with the batch", "Retry-After": "While it is not finished"}),
        304: Answer("It has not changed since `If-None-Match`"),
    },
)
def get_batch(batch_id: str, headers: WaitHeaders) -> Response:
    """Read the state of a batch and of each item.

    With `Prefer: wait=n` the answer comes when every analysis has ended, or with `If-None-Match` when it is no longer what the tag stands for.
    """
    batches, tenant = services().jobs.batches, g.principal.tenant
    found = batches.get(checked_id("ba", batch_id, "batch"), tenant=tenant)

    def enough(now: Batch) -> bool:
        return now.is_finished or is_news(lambda: json_answer(_body(now)))

    batch, seconds = waited(found, headers.prefer, enough=enough, read=lambda: batches.get(batch_id, tenant=tenant))
    answer = applied(json_answer(_body(batch)), headers.prefer, seconds)
    if not batch.is_finished:
        answer.headers["Retry-After"] = RETRY_AFTER_S
    return conditional(answer)


@resource.operation(
    "POST",
    "/v1/batches/<batch_id>/cancel",
    scope="run",
    headers=KeyedHeaders,
    answers={
        202: Answer("What has not ended was asked to stop", BatchBody, headers=_POLL),
        200: Answer("Every analysis of it has ended", BatchBody),
    },
    problems=("idempotency_in_flight", "idempotency_key_reused"),
)
def cancel_batch(batch_id: str, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Cancel the rest of a batch: every analysis made for it that has not ended.

    Analyses that were under way before the batch joined them go on. Repeating it does no harm.
    """
    batch = services().jobs.batches.cancel(checked_id("ba", batch_id, "batch"), tenant=g.principal.tenant)
    return json_answer(_body(batch), 200) if batch.is_finished else _accepted(batch)


def _accepted(batch: Batch) -> Response:
    body = _body(batch)
    return json_answer(body, 202, Location=body.urls.self, Retry_After=RETRY_AFTER_S)


def _wanted(item: dict[str, Any]) -> tuple[Wanted, Hook | None]:
    """One item as the jobs take it, and whom to tell of it."""
    try:
        sent = CreateAnalysis.model_validate_json(json.dumps(item), strict=True)
    except ValidationError as error:
        errors = value_errors(error, place="body")
        message = "; ".join(sorted({found["detail"] for found in errors}))
        return Wanted(request=None, refusal=Refusal(code="invalid_request", message=message, errors=tuple(errors))), None
    try:
        hook = signed_hook(sent.webhook_url) if sent.webhook_url is not None else None
    except UrlNotAllowed as error:
        return Wanted(request=None, refusal=Refusal(code=error.code, message=error.message)), None
    return Wanted(request=sent.to_request(), labels=sent.metadata), hook


def _body(batch: Batch) -> BatchBody:
    base = f"/v1/batches/{batch.id}"
    return BatchBody(
        id=batch.id,
        status="finished" if batch.is_finished else "running",
        on_error=batch.on_error,
        created_at=batch.created_at,
        cancel_requested_at=batch.cancel_requested_at,
        counts=_counts(batch),
        items=[_item(item) for item in batch.items],
        urls=BatchUrls(self=base, analyses=f"/v1/analyses?batch_id={batch.id}", cancel=f"{base}/cancel"),
    )


def _counts(batch: Batch) -> BatchCounts:
    states = [("refused" if item.analysis_id is None else item.status or "deleted") for item in batch.items]
    return BatchCounts(total=len(states), **{name: states.count(name) for name in BatchCounts.model_fields if name != "total"})


def _item(item: BatchItem) -> BatchItemBody:
    problem = _problem(item.refusal) if item.refusal else None
    return BatchItemBody(index=item.index, outcome=item.outcome, analysis_id=item.analysis_id, status=item.status, problem=problem)


def _problem(refusal: Refusal) -> ProblemBody:
    code = refusal.code if refusal.code in PROBLEMS else "internal_error"
    members = describe(code, refusal.message)
    return ProblemBody.model_validate(members | ({"errors": list(refusal.errors)} if refusal.errors else {}))
