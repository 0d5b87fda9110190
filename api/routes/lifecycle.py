"""What may be done with an ended analysis: try it again, delete it."""

from flask import Response, g

from api.contract import Answer
from api.ids import checked_id
from api.preconditions import require_match
from api.present import analysis_body, json_answer
from api.routes.analyses import POLL, created, resource
from api.schemas.analyses import AnalysisBody, CreateHeaders
from api.schemas.fields import IfMatchHeaders
from api.services import services
from api.submitting import noted


@resource.operation(
    "POST",
    "/v1/analyses/<analysis_id>/retry",
    scope="run",
    headers=CreateHeaders,
    answers={
        201: Answer("Started, and ended within the time that `Prefer: wait` allowed", AnalysisBody, headers={"Location": "The new analysis"}),
        202: Answer("A new analysis of the same request, or the one that is under way already", AnalysisBody, headers=POLL),
        200: Answer("The one that was under way has just ended", AnalysisBody, headers={"Location": "The analysis"}),
    },
    problems=("analysis_active", "overloaded", "quota_exceeded", "idempotency_in_flight", "idempotency_key_reused"),
)
def retry_analysis(analysis_id: str, headers: CreateHeaders) -> Response:
    """Analyse the same again, as a new analysis whose `retried_from` names this one.

    The analysis must have ended, one way or another. A `webhook_url` of the first request is not told of the new one.
    """
    jobs, principal = services().jobs, g.principal
    found = jobs.retry(checked_id("an", analysis_id, "analysis"), tenant=principal.tenant, request_id=g.request_id, key_id=principal.key_id)
    return created(noted(found), headers.prefer)


@resource.operation(
    "DELETE",
    "/v1/analyses/<analysis_id>",
    scope="run",
    headers=IfMatchHeaders,
    answers={204: Answer("It is deleted")},
    problems=("analysis_active", "precondition_failed", "precondition_required"),
)
def delete_analysis(analysis_id: str, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Delete an ended analysis with its events, its report and everything that was kept for it.

    Afterwards its address is 410. What its model calls used stays in the usage of its day.
    """
    jobs, tenant = services().jobs, g.principal.tenant
    analysis = jobs.get(checked_id("an", analysis_id, "analysis"), tenant=tenant)
    require_match(json_answer(analysis_body(analysis)))
    jobs.delete(analysis.id, tenant=tenant)
    services().reports.drop(analysis.id)
    g.log.info("analysis_deleted", analysis_id=analysis.id)
    return Response(status=204)
