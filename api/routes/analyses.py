"""Analyses: create, list, read, cancel."""

from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

from flask import Response, g

from api.contract import Answer, Resource
from api.ids import checked_id
from api.negotiation import conditional, is_news
from api.paging import linked, read_page
from api.ports import Submitted
from api.prefer import applied, waited
from api.present import analysis_body, json_answer
from api.schemas.analyses import AnalysisBody, AnalysisPage, CancelAnalysis, CreateAnalysis, CreateHeaders, ListAnalyses
from api.schemas.fields import KeyedHeaders, WaitHeaders
from api.services import services
from api.submitting import signed_hook, submit
from crew.domain.analysis import Analysis

RETRY_AFTER_S = "1"

resource = Resource("analyses", "One ticker analysed by the crew. The resource is also the operation: poll it, follow its events, read its report.")

_POLL = {"Location": "The analysis", "Retry-After": "Seconds until it is worth looking again"}
POLL = {**_POLL, "Link": "Its events, as `rel=monitor`"}


@resource.operation(
    "POST",
    "/v1/analyses",
    scope="run",
    body=CreateAnalysis,
    body_example={"symbol": "AAPL", "depth": "standard", "focus": ["valuation", "risks"], "deadline_s": 600},
    headers=CreateHeaders,
    answers={
        201: Answer("Started, and ended within the time that `Prefer: wait` allowed", AnalysisBody, headers={"Location": "The analysis"}),
        202: Answer("Accepted, or joined with the same request that is under way", AnalysisBody, headers=POLL),
        200: Answer("A finished analysis of the same request is fresh enough", AnalysisBody, headers={"Location": "The analysis"}),
    },
    problems=("overloaded", "quota_exceeded", "conflict", "idempotency_in_flight", "idempotency_key_reused", "url_not_allowed"),
)
def create_analysis(body: CreateAnalysis, headers: CreateHeaders) -> Response:
    """Start an analysis.

    The same request posted again while one is under way answers with the same analysis; after it has succeeded and while it is fresh,
    with the finished one, unless `force` is set. A `webhook_url` is told of whichever analysis answers, also of what has happened already.
    """
    hooks = [signed_hook(body.webhook_url)] if body.webhook_url is not None else []
    return created(submit(body.to_request(), labels=body.metadata, hooks=hooks), headers.prefer)


def created(found: Submitted, prefer: str | None) -> Response:
    """The answer to a request that submitted an analysis, after the wait that `prefer` asks for."""
    analysis, seconds = waited(found.analysis, prefer, enough=_ended, read=_reader(found.analysis))
    body = analysis_body(analysis)
    monitor = f'<{body.urls.events}>; rel="monitor"'
    if not analysis.is_terminal:
        answer = json_answer(body, 202, Location=body.urls.self, Retry_After=RETRY_AFTER_S, Link=monitor)
    else:
        answer = json_answer(body, 201 if found.outcome == "created" else 200, Location=body.urls.self)
    return applied(answer, prefer, seconds)


@resource.operation(
    "GET",
    "/v1/analyses",
    scope="read",
    query=ListAnalyses,
    answers={200: Answer("One page, newest first", AnalysisPage, headers={"Link": "The next page, when there is one"})},
)
def list_analyses(query: ListAnalyses) -> Response:
    """List analyses, newest first."""
    since = query.created_after.astimezone(UTC) if query.created_after else None
    jobs, tenant, query = services().jobs, g.principal.tenant, query.model_copy(update={"created_after": since})
    found: dict[str, Any] = query.model_dump(include={"status", "symbol", "batch_id", "schedule_id", "created_after"})
    filters = {name: None if value is None else str(value) for name, value in found.items()}
    page, cursor = read_page(query, lambda limit, before: jobs.list(tenant=tenant, limit=limit, before=before, **found), filters=filters)
    return linked(json_answer(AnalysisPage(data=[analysis_body(item) for item in page], next_cursor=cursor)), "/v1/analyses", query, cursor)


def _ended(analysis: Analysis) -> bool:
    return analysis.is_terminal


def _reader(analysis: Analysis) -> Callable[[], Analysis]:
    return partial(services().jobs.get, analysis.id, tenant=analysis.tenant)


@resource.operation(
    "GET",
    "/v1/analyses/<analysis_id>",
    scope="read",
    headers=WaitHeaders,
    answers={
        200: Answer("The analysis", AnalysisBody, headers={"ETag": "Changes with the analysis", "Retry-After": "While it is not finished"}),
        304: Answer("It has not changed since `If-None-Match`"),
    },
)
def get_analysis(analysis_id: str, headers: WaitHeaders) -> Response:
    """Read the state of an analysis.

    With `Prefer: wait=n` the answer comes when the analysis has ended, or with `If-None-Match` when it is no longer what the tag stands for.
    """
    found = services().jobs.get(checked_id("an", analysis_id, "analysis"), tenant=g.principal.tenant)
    enough = lambda now: now.is_terminal or is_news(lambda: json_answer(analysis_body(now)))  # noqa: E731 - read where it is used
    analysis, seconds = waited(found, headers.prefer, enough=enough, read=_reader(found))
    answer = applied(json_answer(analysis_body(analysis)), headers.prefer, seconds)
    if not analysis.is_terminal:
        answer.headers["Retry-After"] = RETRY_AFTER_S
    return conditional(answer)


@resource.operation(
    "POST",
    "/v1/analyses/<analysis_id>/cancel",
    scope="run",
    body=CancelAnalysis,
    body_optional=True,
    body_example={"reason": "no longer needed"},
    headers=KeyedHeaders,
    answers={
        202: Answer("The crew was asked to stop; a step under way is not interrupted", AnalysisBody, headers=_POLL),
        200: Answer("It is canceled", AnalysisBody),
    },
    problems=("not_cancelable", "idempotency_in_flight", "idempotency_key_reused"),
)
def cancel_analysis(analysis_id: str, body: CancelAnalysis, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Ask an analysis to stop. Repeating it does no harm."""
    analysis = services().jobs.cancel(checked_id("an", analysis_id, "analysis"), tenant=g.principal.tenant)
    g.log.info("cancel_requested", analysis_id=analysis.id, reason=body.reason)
    answer = analysis_body(analysis)
    if analysis.is_terminal:
        return json_answer(answer, 200)
    return json_answer(answer, 202, Location=answer.urls.self, Retry_After=RETRY_AFTER_S)
