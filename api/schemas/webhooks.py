"""Bodies of webhook endpoints and their deliveries."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from api.schemas.automation import MergePatch
from api.schemas.fields import Answered, ListQuery, Seconds, Sent
from crew.domain.targets import LONGEST_URL
from crew.domain.webhooks import ENDPOINT_EVENTS, DeliveryStatus, EndpointEvent, HookKind


def _each_once(types: list[EndpointEvent]) -> list[EndpointEvent]:
    return list(dict.fromkeys(types))


UrlText = Annotated[
    str,
    Field(
        min_length=1, max_length=LONGEST_URL, description="A public https address; redirects are not followed.", examples=["https://example.com/hook"]
    ),
]
EventTypes = Annotated[
    list[EndpointEvent], Field(min_length=1, max_length=len(ENDPOINT_EVENTS), description="What to be told of."), AfterValidator(_each_once)
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CreateEndpoint(Sent):
    """A place to tell about analyses."""

    url: UrlText
    event_types: EventTypes = Field(default_factory=lambda: list(ENDPOINT_EVENTS))
    description: Description = Field("", description="What it is for.")


class ChangeEndpoint(MergePatch):
    """A merge patch (RFC 7396): what is left out stays as it is."""

    url: UrlText = ""
    event_types: EventTypes = Field(default_factory=list)
    description: Description = ""
    enabled: bool = Field(True, description="Disabling gives up what has not been delivered; enabling forgets why it was disabled.")


class RotateSecret(Sent):
    """How long the old secret goes on signing beside the new one."""

    overlap_s: Seconds = Field(86_400, description="Seconds during which both secrets sign.")


class SigningSecretBody(Answered):
    """What signs the webhooks of single analyses; until `previous_secret_until` the secret before it signs as well."""

    secret: str
    created_at: datetime
    previous_secret_until: datetime | None


class EndpointBody(Answered):
    """One endpoint, without its secret."""

    id: str
    url: str
    description: str
    event_types: list[EndpointEvent]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class NewEndpointBody(EndpointBody):
    """An endpoint with the secret that signs what is sent to it, shown this once."""

    secret: str


class EndpointPage(Answered):
    """One page of endpoints, newest first."""

    data: list[EndpointBody]
    next_cursor: str | None


class MessageSubject(Answered):
    """What a message tells of, and where to read more."""

    id: str
    status: Literal["running", "succeeded", "failed", "canceled", "test"]
    url: str


class WebhookMessage(Answered):
    """What an endpoint receives, signed by the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks)."""

    type: EndpointEvent | Literal["webhook.test"]
    timestamp: datetime
    data: MessageSubject


class AttemptBody(Answered):
    """One attempt: what the receiver answered, or why there was no answer."""

    number: int
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int


class DeliveryBody(Answered):
    """One message to one receiver. Its id is the `webhook-id` of every attempt: a receiver that has seen it may drop it.

    `endpoint_id` is null for a webhook of a request's body, which `hook` names: `analysis` for `webhook_url`, else one of a kickoff's.
    """

    id: str
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


class DeliveryWithAttempts(DeliveryBody):
    """One message with every attempt to deliver it."""

    log: list[AttemptBody]


class DeliveryPage(Answered):
    """One page of deliveries, newest first."""

    data: list[DeliveryBody]
    next_cursor: str | None


class ListDeliveries(ListQuery):
    """Which deliveries of an endpoint to list."""

    status: DeliveryStatus | None = Field(None, description="Only deliveries in this state.")


class ListAllDeliveries(ListDeliveries):
    """Which deliveries to list."""

    analysis_id: str | None = Field(None, pattern=r"^an_[a-z2-7]{26}$", description="Only what tells of this analysis.")
