"""The evidence behind a report: every figure with its source, and the tree under one figure."""

from flask import Response, g

from api.contract import Answer, Resource
from api.ids import checked_evidence_id, checked_id
from api.negotiation import conditional
from api.present import json_answer, next_link
from api.routes.report import not_ready
from api.schemas.report import ListSources, SourcePage
from api.services import services
from crew.domain.tree import EvidenceTree, unfold
from crew.errors import NotFound

LARGEST_PAGE = 500

resource = Resource("sources", "Where every figure of a report comes from, down to what was observed.")


@resource.operation(
    "GET",
    "/v1/analyses/<analysis_id>/sources",
    scope="read",
    query=ListSources,
    answers={
        200: Answer("One page of evidence", SourcePage, headers={"ETag": "Of this page", "Link": "The next page, when there is one"}),
        304: Answer("It has not changed since `If-None-Match`"),
    },
    problems=("report_not_ready",),
)
def list_sources(analysis_id: str, query: ListSources) -> Response:
    """List the figures of a report with source, locator, formula and inputs."""
    jobs, signer = services().jobs, services().cursors
    analysis = jobs.get(checked_id("an", analysis_id, "analysis"), tenant=g.principal.tenant)
    if analysis.status != "succeeded":
        return not_ready(analysis)
    filters = {"analysis": analysis.id, "prefix": query.prefix}
    start = int(signer.read(query.cursor, filters=filters)[0]) if query.cursor else 0
    found = [item for item in jobs.report(analysis.id, tenant=analysis.tenant).evidence if item.id.startswith(query.prefix or "")]
    end = start + min(query.limit, LARGEST_PAGE)
    cursor = signer.sign([str(end)], filters=filters) if end < len(found) else None
    answer = json_answer(SourcePage(data=found[start:end], next_cursor=cursor))
    if cursor:
        kept = {"limit": str(end - start), "prefix": query.prefix, "cursor": cursor}
        answer.headers["Link"] = next_link(f"/v1/analyses/{analysis.id}/sources", kept)
    return conditional(answer)


@resource.operation(
    "GET",
    "/v1/analyses/<analysis_id>/sources/<evidence_id>",
    scope="read",
    answers={
        200: Answer("The figure and, under it, everything it was computed from", EvidenceTree, headers={"ETag": "Of this tree"}),
        304: Answer("It has not changed since `If-None-Match`"),
    },
    problems=("report_not_ready",),
)
def get_source(analysis_id: str, evidence_id: str) -> Response:
    """Unfold one figure down to what was observed."""
    jobs = services().jobs
    wanted = checked_evidence_id(evidence_id)
    analysis = jobs.get(checked_id("an", analysis_id, "analysis"), tenant=g.principal.tenant)
    if analysis.status != "succeeded":
        return not_ready(analysis)
    report = jobs.report(analysis.id, tenant=analysis.tenant)
    gap = next((gap for gap in report.gaps if gap.id == wanted), None)
    if gap is not None:
        raise NotFound(f"{gap.label} is missing from this report ({gap.reason}): {gap.detail}")
    try:
        return conditional(json_answer(unfold(report.evidence, wanted)))
    except KeyError:
        raise NotFound("There is no such figure in this report.") from None
