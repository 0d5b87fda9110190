"""Webhooks as their users see them: endpoints, deliveries, and the attempts to make them."""

from datetime import datetime
from typing import Any, Literal, get_args

from crew.domain.analysis import EventType, Status
from crew.domain.base import Value

EndpointEvent = Literal["analysis.started", "analysis.succeeded", "analysis.failed", "analysis.canceled"]
ENDPOINT_EVENTS: tuple[EndpointEvent, ...] = get_args(EndpointEvent)
TEST_EVENT = "webhook.test"
DeliveryStatus = Literal["pending", "delivered", "failed"]
HookKind = Literal["task", "step", "crew", "stream", "analysis"]
_STATUS_AFTER: dict[EndpointEvent, Status] = {
    "analysis.started": "running",
    "analysis.succeeded": "succeeded",
    "analysis.failed": "failed",
    "analysis.canceled": "canceled",
}


class WebhookEndpoint(Value):
    """A place that a tenant wants told about its analyses. Its secrets are kept apart.

    `failing_since` is when the attempts began to fail without a success in between; `previous_secret_until` is how long the
    secret before the last rotation signs as well.
    """

    id: str
    tenant: str
    url: str
    description: str
    event_types: tuple[EndpointEvent, ...]
    enabled: bool
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    previous_secret_until: datetime | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class SigningSecret(Value):
    """What signs the webhooks of a tenant's single analyses. `previous` signs as well until `previous_until`, after a rotation."""

    secret: str
    created_at: datetime
    previous: str | None = None
    previous_until: datetime | None = None


class Attempt(Value):
    """One try to deliver: what the receiver answered (`status`), or why there was no answer (`error`)."""

    number: int
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int


class Delivery(Value):
    """One message to one receiver. Its id is the `webhook-id` of every attempt, so that the receiver can drop what it has seen.

    `endpoint_id` is None for a webhook that came with the body of a request, whose `hook` says which of them it is.
    """

    id: str
    tenant: str
    endpoint_id: str | None
    hook: HookKind | None
    event_type: str
    analysis_id: str | None
    status: DeliveryStatus
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None
    last_status: int | None
    last_error: str | None


class Hook(Value):
    """A webhook for one analysis alone, as the body of its request brings it. `authorization` is the header to send, a secret.

    `analysis` is told, in signed messages, what an endpoint is told; the other kinds are those of a kickoff.

    `event_types` None means all; `realtime` False lets events be gathered for some seconds.
    """

    kind: HookKind
    url: str
    event_types: tuple[str, ...] | None = None
    realtime: bool = True
    authorization: str | None = None
    meta: dict[str, Any] | None = None


def thin_payload(event_type: str, at: datetime, subject: str, *, base_url: str = "") -> dict[str, Any]:
    """What an endpoint is told: which analysis is in which state, and where to read more. `subject` is the analysis, or the endpoint under test."""
    if event_type == TEST_EVENT:
        data = {"id": subject, "status": "test", "url": f"{base_url}/v1/webhook-endpoints/{subject}"}
    else:
        data = {"id": subject, "status": _STATUS_AFTER[_endpoint_event(event_type)], "url": f"{base_url}/v1/analyses/{subject}"}
    return {"type": event_type, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}


def concerns_endpoints(type: EventType) -> bool:
    """Whether endpoints can subscribe to events of that type."""
    return type in ENDPOINT_EVENTS


def _endpoint_event(text: str) -> EndpointEvent:
    return next(known for known in ENDPOINT_EVENTS if known == text)
