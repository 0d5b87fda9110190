"""How every door submits an analysis: counted, named in the log, and its own webhooks attached."""

from collections.abc import Sequence

import structlog
from flask import g

from api.ports import Submitted
from api.services import services
from crew.domain.analysis import AnalysisRequest, Origin
from crew.domain.webhooks import ENDPOINT_EVENTS, Hook


def submit(request: AnalysisRequest, *, labels: dict[str, str] | None = None, hooks: Sequence[Hook] = ()) -> Submitted:
    """Submit `request` for the principal; `hooks` are told of what the analysis that answers it has logged and will log.

    Raises:
        StockcrewError: it was refused.
    """
    principal = g.principal
    origin = Origin(key_id=principal.key_id, labels=labels or {})
    found = services().jobs.submit(request, tenant=principal.tenant, request_id=g.request_id, origin=origin)
    attach(noted(found).analysis.id, hooks)
    return found


def noted(found: Submitted) -> Submitted:
    """What was submitted, counted in the metrics and named on the request's further log lines."""
    services().metrics.submitted.labels(found.outcome).inc()
    structlog.contextvars.bind_contextvars(analysis_id=found.analysis.id)
    return found


def attach(analysis_id: str, hooks: Sequence[Hook]) -> None:
    """Tell `hooks` of everything the principal's analysis has logged and will log."""
    if hooks:
        services().automation.hooks.attach(analysis_id, hooks, tenant=g.principal.tenant)


def signed_hook(url: str) -> Hook:
    """The webhook that `webhook_url` of a request asks for.

    Raises:
        UrlNotAllowed: it may not go there.
    """
    services().automation.targets.check(url)
    # The events are named for an older worker, which would take a kind that it does not know for a kickoff's.
    return Hook(kind="analysis", url=url, event_types=ENDPOINT_EVENTS)
