"""What happens around every request: its ids, its principal, its log line and its metrics."""

from time import perf_counter

import structlog
from flask import Flask, Response, current_app, g, request

from api.auth import LOCAL, Principal
from api.contract import Operation
from api.rates import Standing
from api.services import services
from api.tracing import Trace, request_id, trace
from crew.store.keys import Scope
from crew.telemetry import Tracing, set_traceparent

log = structlog.get_logger(__name__)

_QUIET = frozenset({"livez", "readyz", "metrics"})
_UNROUTED = "(none)"
_TOO_MANY = 429


def register(app: Flask) -> None:
    """Wrap every request of `app`."""
    app.before_request(_begin)
    app.before_request(_admit)
    app.after_request(_finish)
    app.teardown_request(_leave)


def _begin() -> None:
    found = services()
    g.started = perf_counter()
    g.request_id = id = request_id(request.headers.get("X-Request-Id"))
    g.trace = place = _trace(found.tracing)
    set_traceparent(place.traceparent)
    g.principal = LOCAL
    g.log = log
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=id, trace_id=place.trace_id)
    found.metrics.in_flight.inc()


def _trace(tracing: Tracing) -> Trace:
    sent = request.headers.get("traceparent")
    continued = trace(sent)
    if not tracing.is_on or request.endpoint in _QUIET:
        return continued
    route = request.url_rule.rule if request.url_rule else _UNROUTED
    g.span = tracing.begin(f"{request.method} {route}", sent if continued.parent_id else None)
    trace_id, span_id, flags = tracing.ids(g.span)
    return Trace(trace_id, span_id, continued.parent_id, flags)


def _end_span(route: str, status: int) -> None:
    principal: Principal = g.principal
    named = {"http.request.method": request.method, "http.route": route, "http.response.status_code": status, "stockcrew.request_id": g.request_id}
    g.span.set_attributes(named | {"stockcrew.tenant": principal.tenant})
    g.span.end()


def _admit() -> None:
    operations: dict[str, Operation] = current_app.extensions["stockcrew.operations"]
    operation = operations.get(request.endpoint or "")
    # A browser asks by OPTIONS before it may send the key, and learns the methods and nothing else.
    if operation is None or operation.scope == "public" or request.method == "OPTIONS":
        return
    admit(operation.scope, _principal(operation))


def admit(scope: Scope, principal: Principal) -> None:
    """Let `principal` ask for what needs `scope`, counted against its limits.

    Raises:
        Problem: it has no such scope, or asks too often.
    """
    g.principal = principal
    structlog.contextvars.bind_contextvars(tenant=g.principal.tenant, key_id=g.principal.key_id)
    if g.principal.key_id is not None:
        g.standing = services().rates.count(g.principal.key_id, g.principal.limits.requests_per_minute)
    g.principal.require(scope)


def _principal(operation: Operation) -> Principal:
    sent, address = request.headers.get("Authorization"), request.remote_addr or ""
    ticket = request.args.get("ticket") if operation.ticketed else None
    if ticket is not None and sent is None:
        return services().auth.by_ticket(ticket, address)
    return services().auth.principal(sent, address)


def _finish(response: Response) -> Response:
    # Every access to `request` and `g` looks for the context anew: what is needed more than once is asked for once.
    endpoint, method, rule, headers = request.endpoint, request.method, request.url_rule, response.headers
    headers.add("X-Request-Id", g.request_id)
    headers.add("traceparent", g.trace.traceparent)
    standing: Standing | None = g.get("standing")
    if standing is not None:
        told = response.status_code == _TOO_MANY
        for name, value in standing.headers.items():
            if told:
                # A limit that this answer tells of already is named beside it: both headers are lists.
                headers[name] = ", ".join(filter(None, (value, headers.get(name))))
            else:
                headers.add(name, value)
    operation: Operation | None = current_app.extensions["stockcrew.operations"].get(endpoint or "")
    if operation is not None and operation.deprecation is not None:
        for name, value in operation.deprecation.headers.items():
            headers.add(name, value)
    route = rule.rule if rule else _UNROUTED
    seconds, status = perf_counter() - g.started, response.status_code
    streaming = response.mimetype == "text/event-stream"
    services().metrics.observe(route=route, method=method, status=status, seconds=None if streaming else seconds)
    if "span" in g:
        _end_span(route, status)
    if endpoint not in _QUIET:
        parts = request.view_args or {}
        log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 2), **parts)
    return response


def _leave(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
    set_traceparent(None)
    if "started" in g:
        services().metrics.in_flight.dec()
