"""For operators and readers of the API: health, metrics, version, the OpenAPI document, its pages, the explained errors."""

import re
from typing import cast

from flask import Response, current_app, json, render_template, request
from markupsafe import Markup, escape

from api.contract import JSON, Answer, Resource
from api.hooks import admit
from api.metrics import CONTENT_TYPE
from api.negotiation import choose, conditional
from api.present import json_answer
from api.problem_types import PROBLEMS, ProblemType
from api.schemas.operations import (
    CheckBody,
    LandingBody,
    LiveBody,
    ProblemKind,
    ReadReadiness,
    ReadyBody,
    ReadyDetail,
    VersionBody,
    WorkerBody,
)
from api.security import DOCS_POLICY
from api.services import services
from crew import __version__
from crew.errors import NotFound, StoreUnavailable

HTML = "text/html"
_CODE = re.compile(r"`([^`]+)`")
_PAGE = {HTML: {"schema": {"type": "string"}}}
_LINKS = {
    "docs": "Every operation, with examples",
    "openapi": "The same as an OpenAPI document, for programs",
    "problems": "Every error, and what to do about it",
    "analyses": "Your analyses",
    "health": "Whether this process answers",
    "readiness": "Whether database, queue and workers are ready",
}

resource = Resource("operations", "Health, metrics, version and documentation. No key needed.")


@resource.operation("GET", "/livez", scope="public", answers={200: Answer("The process answers", LiveBody)})
def livez() -> Response:
    """Say that the process is alive; depends on nothing."""
    return _uncached(json_answer(LiveBody(status="ok")))


@resource.operation(
    "GET",
    "/readyz",
    scope="public",
    query=ReadReadiness,
    answers={200: Answer("Requests are served", ReadyBody), 503: Answer("Requests cannot be served", ReadyBody)},
    problems=("unauthorized", "forbidden", "rate_limited"),
)
def readyz(query: ReadReadiness) -> Response:
    """Say whether requests can be served.

    Without a worker the status is `degraded`: analyses are accepted and wait until one runs. With `?verbose` an operator is told more.
    """
    verbose = query.verbose in {"", "true"}
    if verbose:
        admit("admin", services().auth.principal(request.headers.get("Authorization"), request.remote_addr or ""))
    checks = {name: CheckBody(ok=check.ok, detail=check.detail) for name, check in services().jobs.readiness().checks.items()}
    if services().streams.stopping.is_set():
        checks["process"] = CheckBody(ok=False, detail="the process is stopping")
    detail = _detail() if verbose else None
    failing = {name for name, check in checks.items() if not check.ok}
    if failing - {"worker"}:
        return _uncached(json_answer(ReadyBody(status="unavailable", checks=checks, detail=detail), 503, Retry_After="5"))
    return _uncached(json_answer(ReadyBody(status="degraded" if failing else "ready", checks=checks, detail=detail)))


def _detail() -> ReadyDetail | None:
    settings = services().settings
    try:
        found = services().jobs.detail()
    except StoreUnavailable:
        return None
    return ReadyDetail(
        version=__version__,
        database="SQLite" if settings.is_sqlite else "PostgreSQL",
        market_data=settings.market_data.partition(":")[0],
        model=settings.model,
        analyses=dict(found.counts.by_status),
        oldest_waiting_s=round(found.counts.oldest_waiting_s, 1),
        workers=[WorkerBody(name=one.name, up_s=round(one.up_s, 1), silent_s=round(one.silent_s, 1)) for one in found.workers],
        streams_at_most=services().streams.capacity,
    )


@resource.operation(
    "GET",
    "/",
    scope="public",
    answers={200: Answer("What this is", LandingBody, content=_PAGE), 304: Answer("It has not changed")},
    problems=("not_acceptable",),
)
def landing() -> Response:
    """Say what this service is and where its documentation, contract and health are, as JSON or as a page."""
    body = LandingBody(
        name="stockcrew",
        version=__version__,
        description="Turns a ticker into an equity research report whose every figure unfolds to its source.",
        docs="/docs",
        openapi="/openapi.json",
        problems="/problems",
        analyses="/v1/analyses",
        health="/livez",
        readiness="/readyz",
    )
    links = [(path, _LINKS[name]) for name, path in body.model_dump().items() if name in _LINKS]
    form = choose({"json": JSON, "html": HTML}, default="json")
    answer = conditional(json_answer(body)) if form == "json" else _page("landing.html", body=body, links=links)
    answer.vary.add("Accept")
    return answer


@resource.operation(
    "GET",
    "/metrics",
    scope="public",
    answers={200: Answer("Metrics in Prometheus's text format", content={"text/plain": {"schema": {"type": "string"}}})},
)
def metrics() -> Response:
    """Give the metrics that Prometheus scrapes."""
    return _uncached(Response(services().metrics.exposition(), content_type=CONTENT_TYPE))


@resource.operation(
    "GET",
    "/.well-known/security.txt",
    scope="public",
    answers={200: Answer("Whom to tell", content={"text/plain": {"schema": {"type": "string"}}}), 304: Answer("It has not changed")},
    problems=("not_found",),
)
def security_txt() -> Response:
    """Say whom to tell about a weakness in this service (RFC 9116)."""
    contact = services().settings.security_contact
    if not contact:
        raise NotFound("The operator of this service names no contact: STOCKCREW_SECURITY_CONTACT is not set.")
    # The end of the month after next: soon enough to be renewed with the service, and the same text, with the same ETag, for weeks.
    now = services().clock()
    months = now.year * 12 + now.month + 2
    expires = f"{months // 12:04d}-{months % 12 + 1:02d}-01T00:00:00Z"
    text = f"Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n"
    return conditional(Response(text, content_type="text/plain; charset=utf-8"))


@resource.operation("GET", "/version", scope="public", answers={200: Answer("What runs here", VersionBody), 304: Answer("It has not changed")})
def version() -> Response:
    """Name the service and its version."""
    return conditional(json_answer(VersionBody(name="stockcrew", version=__version__, api="v1")))


@resource.operation(
    "GET",
    "/openapi.json",
    scope="public",
    answers={200: Answer("The OpenAPI document", content={JSON: {"schema": {"type": "object"}}}), 304: Answer("It has not changed")},
)
def openapi() -> Response:
    """Give the OpenAPI 3.1 document of this API."""
    return conditional(Response(_document_text(), mimetype=JSON))


@resource.operation("GET", "/docs", scope="public", answers={200: Answer("The API as a page", content=_PAGE), 304: Answer("It has not changed")})
def docs() -> Response:
    """Show the API as a page, made from the OpenAPI document."""
    return _page("docs.html", document=json.loads(_document_text()))


@resource.operation(
    "GET", "/problems", scope="public", answers={200: Answer("Every error code, explained", content=_PAGE), 304: Answer("It has not changed")}
)
def list_problems() -> Response:
    """Show every error code with its meaning."""
    return _page("problems.html", kinds=[_kind(code, kind) for code, kind in sorted(PROBLEMS.items())])


@resource.operation(
    "GET",
    "/problems/<code>",
    scope="public",
    answers={200: Answer("One error code, explained", ProblemKind, content=_PAGE), 304: Answer("It has not changed")},
    problems=("not_acceptable",),
)
def get_problem(code: str) -> Response:
    """Explain one error code: where the `type` of every problem leads."""
    if code not in PROBLEMS:
        raise NotFound("There is no such error code.")
    kind = _kind(code, PROBLEMS[code])
    form = choose({"html": HTML, "json": JSON}, default="json")
    answer = conditional(json_answer(kind)) if form == "json" else _page("problems.html", kinds=[kind])
    answer.vary.add("Accept")
    return answer


def _kind(code: str, kind: ProblemType) -> ProblemKind:
    return ProblemKind(code=code, status=kind.status, title=kind.title, meaning=kind.meaning, retryable=kind.retryable)


def worded(text: str) -> Markup:
    """`text` as HTML, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped the moment before


def _page(template: str, **values: object) -> Response:
    answer = Response(render_template(template, **values), mimetype=HTML)
    answer.headers["Content-Security-Policy"] = DOCS_POLICY
    return conditional(answer)


def _document_text() -> str:
    return cast("str", current_app.extensions["stockcrew.openapi"])


def _uncached(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
