"""The secret that signs the webhooks of single analyses, those of `webhook_url`."""

from datetime import timedelta

from flask import Response, g

from api.contract import Answer, Resource
from api.present import json_answer
from api.schemas.webhooks import RotateSecret, SigningSecretBody
from api.services import services
from crew.domain.webhooks import SigningSecret

resource = Resource(
    "webhook-secret",
    "What signs the webhooks that `webhook_url` of an analysis asks for: one secret for all of a tenant's analyses, as Standard Webhooks spells it. "
    "Webhook endpoints have secrets of their own.",
)


@resource.operation("GET", "/v1/webhook-secret", scope="admin", answers={200: Answer("The secret, made now if there was none", SigningSecretBody)})
def get_webhook_secret() -> Response:
    """Read the secret that signs the webhooks of single analyses."""
    return _shown(services().automation.secrets.get(g.principal.tenant))


@resource.operation(
    "POST",
    "/v1/webhook-secret/rotate",
    scope="admin",
    body=RotateSecret,
    body_optional=True,
    body_example={"overlap_s": 3600},
    answers={200: Answer("The new secret", SigningSecretBody)},
)
def rotate_signing_secret(body: RotateSecret) -> Response:
    """Make a new secret. Until the overlap ends messages carry the signatures of both."""
    return _shown(services().automation.secrets.rotate(g.principal.tenant, overlap=timedelta(seconds=body.overlap_s)))


def _shown(found: SigningSecret) -> Response:
    body = SigningSecretBody(secret=found.secret, created_at=found.created_at, previous_secret_until=found.previous_until)
    return json_answer(body, Cache_Control="no-store")
