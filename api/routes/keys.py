"""API keys of the tenant: make, list, rotate, revoke."""

from datetime import timedelta

from flask import Response, g

from api.contract import Answer, Resource
from api.ids import checked_id
from api.present import json_answer
from api.schemas.keys import CreateKey, KeyBody, KeyPage, NewKeyBody, RotateKey
from api.services import services
from crew.store.keys import ApiKey

resource = Resource("api-keys", "Keys for this API. A secret is shown once, when its key is made; the service keeps only a hash.")


@resource.operation(
    "POST",
    "/v1/api-keys",
    scope="admin",
    body=CreateKey,
    body_example={"name": "nightly job", "scopes": ["read", "run"]},
    answers={201: Answer("The key with its secret, shown this once", NewKeyBody)},
)
def create_key(body: CreateKey) -> Response:
    """Make a key for the tenant of the key that asks."""
    tenant, env = g.principal.tenant, services().settings.env
    made = services().keys.issue(env, tenant=tenant, name=body.name, scopes=body.scopes, limits=body.limits, expires_at=body.expires_at)
    return _shown_once(*made)


@resource.operation("GET", "/v1/api-keys", scope="admin", answers={200: Answer("The keys, without secrets", KeyPage)})
def list_keys() -> Response:
    """List the tenant's keys, ended ones included."""
    return json_answer(KeyPage(data=[_body(key) for key in services().keys.list(tenant=g.principal.tenant)]))


@resource.operation(
    "POST",
    "/v1/api-keys/<key_id>/rotate",
    scope="admin",
    body=RotateKey,
    body_optional=True,
    body_example={"overlap_s": 3600},
    answers={201: Answer("The new key with its secret, shown this once", NewKeyBody)},
)
def rotate_key(key_id: str, body: RotateKey) -> Response:
    """Make a key like this one, and let this one end after the overlap."""
    tenant, env = g.principal.tenant, services().settings.env
    made = services().keys.rotate(checked_id("key", key_id, "key"), env, tenant=tenant, overlap=timedelta(seconds=body.overlap_s))
    services().auth.forget()
    return _shown_once(*made)


@resource.operation("DELETE", "/v1/api-keys/<key_id>", scope="admin", answers={204: Answer("It is revoked")})
def revoke_key(key_id: str) -> Response:
    """Revoke a key at once. It stays in the list."""
    services().keys.end(checked_id("key", key_id, "key"), tenant=g.principal.tenant, at=services().clock())
    services().auth.forget()
    return Response(status=204)


def _body(key: ApiKey) -> KeyBody:
    return KeyBody.model_validate(key.model_dump(exclude={"tenant", "lookup"}))


def _shown_once(key: ApiKey, secret: str) -> Response:
    answer = json_answer(NewKeyBody.model_validate(key.model_dump(exclude={"tenant", "lookup"}) | {"secret": secret}), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer
