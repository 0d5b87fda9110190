"""Every error as application/problem+json (RFC 9457): how a code of the table becomes an answer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from flask import Flask, Response, g, json, request
from pydantic import ValidationError
from werkzeug.exceptions import ClientDisconnected, HTTPException

from api.problem_types import PROBLEMS
from crew import errors
from crew.logs import hide_keys

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "body_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    422: "invalid_request",
    428: "precondition_required",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "service_error",
}
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Content-Range")
RETRY_S = 5


class Problem(Exception):
    """An error of the door itself, by its code in `PROBLEMS`. `errors` lists single wrong values; `headers` and `extensions` go into the answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})


def describe(code: str, detail: str, *, retryable: bool | None = None) -> dict[str, Any]:
    """The problem object for `code`, as it stands in an answer's body or in an analysis's `error`."""
    kind = PROBLEMS[code]
    return {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": code,
        "retryable": kind.retryable if retryable is None else retryable,
    }


def problem_response(problem: Problem, *, status: int | None = None, retryable: bool | None = None) -> Response:
    """Answer with `problem`; `status` overrides the table's only for a status that HTTP itself chose."""
    body = describe(problem.code, problem.detail, retryable=retryable)
    body["status"] = status or body["status"]
    body["instance"] = hide_keys(request.path)
    body["request_id"] = g.get("request_id", "")
    if problem.errors:
        body["errors"] = list(problem.errors)
    body.update(problem.extensions)
    response = Response(json.dumps(body), status=body["status"], mimetype=MEDIA_TYPE)
    response.headers.update(problem.headers)
    if body["status"] == PROBLEMS["service_error"].status:
        response.headers.setdefault("Retry-After", str(RETRY_S))
    if body["status"] == PROBLEMS["unauthorized"].status:
        response.headers.setdefault("WWW-Authenticate", 'Bearer realm="stockcrew"')
    response.headers["Cache-Control"] = "no-store"
    return response


def value_errors(error: ValidationError, *, place: str) -> list[dict[str, str]]:
    """What pydantic found wrong, one entry per value: a JSON pointer into the body, or the name of the query or header parameter."""
    found = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        path = [str(part).replace("~", "~0").replace("/", "~1") for part in item["loc"]]
        where = {"pointer": "#" + "".join(f"/{part}" for part in path)} if place == "body" else {"parameter": ".".join(path[:1]), "in": place}
        found.append({**where, "code": item["type"], "detail": item["msg"].removeprefix("Value error, ")})
    return found


def register(app: Flask) -> None:
    """Answer every error of `app` as a problem."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(errors.StockcrewError, _from_stockcrew)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_bug)


def _from_stockcrew(error: errors.StockcrewError) -> Response:
    kind = PROBLEMS[error.code]
    if kind.status == PROBLEMS["internal_error"].status:
        log.error("request_failed", code=error.code, error=error.message)
        return problem_response(Problem(error.code, kind.meaning))
    if isinstance(error, errors.ServiceError):
        log.warning("service_unavailable", code=error.code, error=error.message)
        error.message = kind.meaning if isinstance(error, errors.StoreUnavailable) else error.message
    headers = {} if error.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    extensions = {}
    if isinstance(error, errors.QuotaExceeded):
        headers, extensions = headers | quota_headers(error), {"violated-policies": [error.policy]}
    wrong = [{"pointer": f"#{pointer}", "code": error.code, "detail": error.message} for pointer in getattr(error, "pointers", ())]
    return problem_response(Problem(error.code, error.message, errors=wrong, headers=headers, extensions=extensions), retryable=error.retryable)


def quota_headers(error: errors.QuotaExceeded) -> dict[str, str]:
    """The RateLimit headers that tell of the limit which is reached."""
    unit = f';qu="{error.unit}"' if error.unit else ""
    window = f";w={error.window_s}" if error.window_s else ""
    resets = f";t={max(1, math.ceil(error.retry_after_s))}" if error.retry_after_s is not None else ""
    return {"RateLimit-Policy": f'"{error.policy}";q={error.limit}{unit}{window}', "RateLimit": f'"{error.policy}";r=0{resets}'}


def _from_http(error: HTTPException) -> Response:
    if isinstance(error, ClientDisconnected) and isinstance(error.__context__, TimeoutError):
        return problem_response(Problem("request_timeout", PROBLEMS["request_timeout"].meaning))
    status = error.code or 500
    code = _BY_STATUS.get(status, "http_error")
    kept = {name: value for name, value in error.get_headers(request.environ) if name in _KEPT_HEADERS}
    return problem_response(Problem(code, _plain(error, code), headers=kept), status=status)


def _plain(error: HTTPException, code: str) -> str:
    if code == "not_found":
        return "There is nothing at this address."
    if code == "method_not_allowed":
        return f"{request.method} is not supported here."
    return error.description or PROBLEMS[code].meaning


def _from_bug(error: Exception) -> Response:
    log.error("request_crashed", exc_info=error)
    return problem_response(Problem("internal_error", PROBLEMS["internal_error"].meaning))
