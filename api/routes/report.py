"""The report of an analysis as JSON, Markdown or HTML."""

from flask import Response, g

from api.contract import Answer, Resource
from api.ids import checked_id
from api.negotiation import choose, conditional, is_known, not_modified
from api.problems import Problem, problem_response
from api.representations import MEDIA_TYPES
from api.schemas.report import ReadReport
from api.services import services
from crew.domain.analysis import Analysis
from crew.domain.report import Report

resource = Resource("report", "What the crew delivers: verified prose whose every figure carries its source.")

_MARKDOWN = {"schema": {"type": "string"}, "example": "# Apple Inc. (AAPL)\n\nThe price holds above its long average, by 4.2 % [69].\n"}
_PAGE = {"schema": {"type": "string"}, "example": '<!doctype html>\n<html lang="en">\n<title>Apple Inc. (AAPL)</title>\n…\n</html>'}


@resource.operation(
    "GET",
    "/v1/analyses/<analysis_id>/report",
    scope="read",
    query=ReadReport,
    answers={
        200: Answer(
            "The report",
            Report,
            content={MEDIA_TYPES["md"]: _MARKDOWN, MEDIA_TYPES["html"]: _PAGE},
            headers={"ETag": "Of this representation", "Link": "The other representations", "Content-Language": "Language of the fixed words"},
        ),
        304: Answer("It has not changed since `If-None-Match`"),
    },
    problems=("not_acceptable", "report_not_ready"),
)
def get_report(analysis_id: str, query: ReadReport) -> Response:
    """Read the report in the form named by `Accept` or `?format=`."""
    form = choose(MEDIA_TYPES, chosen=query.format, default="json")
    id, tenant, jobs = checked_id("an", analysis_id, "analysis"), g.principal.tenant, services().jobs
    # The bytes are kept, and asking for the status alone tells at once of another tenant's analysis and of one that was deleted anywhere.
    if jobs.status(id, tenant=tenant) != "succeeded":
        analysis = jobs.get(id, tenant=tenant)
        if analysis.status != "succeeded":
            return not_ready(analysis)
    made = services().reports.get(id, form, lambda: jobs.report(id, tenant=tenant))
    if is_known(made.etag):
        return not_modified(made.etag, vary="Accept")
    return conditional(Response(made.body, headers=made.headers, mimetype=MEDIA_TYPES[form]), etag=made.etag)


def not_ready(analysis: Analysis) -> Response:
    """409: not yet, or never when the analysis ended without a report."""
    if analysis.is_terminal:
        reason = f": {analysis.failure.message}" if analysis.failure else ""
        return problem_response(Problem("report_not_ready", f"The analysis ended as {analysis.status} and has no report{reason}"), retryable=False)
    problem = Problem("report_not_ready", f"The analysis is {analysis.status}; there is no report yet.", headers={"Retry-After": "1"})
    return problem_response(problem)
