"""Webhook endpoints: where to tell about analyses, signed as Standard Webhooks lays down."""

from datetime import timedelta

from flask import Response, g

from api.contract import JSON, Answer, Resource
from api.ids import checked_id
from api.paging import linked, read_page
from api.preconditions import MERGE_PATCH, required_version, versioned
from api.present import json_answer
from api.routes.deliveries import delivery_body
from api.schemas.fields import IfMatchHeaders, KeyedHeaders, ListQuery
from api.schemas.webhooks import (
    ChangeEndpoint,
    CreateEndpoint,
    DeliveryBody,
    DeliveryPage,
    EndpointBody,
    EndpointPage,
    ListDeliveries,
    NewEndpointBody,
    RotateSecret,
)
from api.services import services
from crew.domain.webhooks import WebhookEndpoint

resource = Resource(
    "webhook-endpoints",
    "Places to tell about analyses. Messages are thin, signed as Standard Webhooks lays down (`webhook-id`, `webhook-timestamp`, "
    "`webhook-signature`), and delivered at least once: drop a `webhook-id` that you have seen. Attempts go on for three days; an answer of 410 "
    "disables the endpoint, and so do five days without a success. Redirects are not followed.",
)

_TAGGED = {"ETag": "Of this version; send it in `If-Match` to change it"}


@resource.operation(
    "POST",
    "/v1/webhook-endpoints",
    scope="admin",
    body=CreateEndpoint,
    body_example={"url": "https://example.com/hook", "event_types": ["analysis.succeeded", "analysis.failed"]},
    answers={201: Answer("The endpoint with its secret, shown this once", NewEndpointBody, headers={"Location": "The endpoint"} | _TAGGED)},
    problems=("conflict", "url_not_allowed"),
)
def create_webhook_endpoint(body: CreateEndpoint) -> Response:
    """Make an endpoint.

    Where its name leads is judged anew at each attempt: private, link-local, loopback and metadata addresses are never connected to.
    """
    services().automation.targets.check(body.url)
    store, tenant = services().automation.endpoints, g.principal.tenant
    made = store.create(tenant=tenant, url=body.url, description=body.description, event_types=body.event_types)
    return _shown_once(*made, status=201)


@resource.operation(
    "GET",
    "/v1/webhook-endpoints",
    scope="read",
    query=ListQuery,
    answers={200: Answer("One page, newest first", EndpointPage, headers={"Link": "The next page, when there is one"})},
)
def list_webhook_endpoints(query: ListQuery) -> Response:
    """List endpoints, newest first, without their secrets."""
    store, tenant = services().automation.endpoints, g.principal.tenant
    page, cursor = read_page(query, lambda limit, before: store.list(tenant=tenant, limit=limit, before=before), filters={"of": "endpoints"})
    return linked(json_answer(EndpointPage(data=[_body(item) for item in page], next_cursor=cursor)), "/v1/webhook-endpoints", query, cursor)


@resource.operation(
    "GET",
    "/v1/webhook-endpoints/<endpoint_id>",
    scope="read",
    answers={200: Answer("The endpoint", EndpointBody, headers=_TAGGED), 304: Answer("It has not changed since `If-None-Match`")},
)
def get_webhook_endpoint(endpoint_id: str) -> Response:
    """Read an endpoint."""
    found = _found(endpoint_id)
    return versioned(json_answer(_body(found)), found.id, found.version)


@resource.operation(
    "PATCH",
    "/v1/webhook-endpoints/<endpoint_id>",
    scope="admin",
    body=ChangeEndpoint,
    body_types=(MERGE_PATCH, JSON),
    body_example={"enabled": True},
    headers=IfMatchHeaders,
    answers={200: Answer("The endpoint as it is now", EndpointBody, headers=_TAGGED)},
    problems=("precondition_failed", "precondition_required", "url_not_allowed"),
)
def change_webhook_endpoint(endpoint_id: str, body: ChangeEndpoint, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Change an endpoint by a merge patch, or enable it again."""
    found = _found(endpoint_id)
    version = required_version(found.id, found.version)
    changes = body.model_dump(exclude_unset=True)
    if "url" in changes:
        services().automation.targets.check(changes["url"])
    changed = services().automation.endpoints.change(found.id, tenant=found.tenant, version=version, changes=changes)
    return versioned(json_answer(_body(changed)), changed.id, changed.version)


@resource.operation(
    "DELETE",
    "/v1/webhook-endpoints/<endpoint_id>",
    scope="admin",
    headers=IfMatchHeaders,
    answers={204: Answer("It is deleted")},
    problems=("precondition_failed", "precondition_required"),
)
def delete_webhook_endpoint(endpoint_id: str, headers: IfMatchHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Delete an endpoint with its delivery log."""
    found = _found(endpoint_id)
    version = required_version(found.id, found.version)
    services().automation.endpoints.delete(found.id, tenant=found.tenant, version=version)
    return Response(status=204)


@resource.operation(
    "POST",
    "/v1/webhook-endpoints/<endpoint_id>/rotate-secret",
    scope="admin",
    body=RotateSecret,
    body_optional=True,
    body_example={"overlap_s": 3600},
    answers={200: Answer("The endpoint with its new secret, shown this once", NewEndpointBody, headers=_TAGGED)},
)
def rotate_webhook_secret(endpoint_id: str, body: RotateSecret) -> Response:
    """Give an endpoint a new secret. Until the overlap ends messages carry the signatures of both."""
    found = _found(endpoint_id)
    made = services().automation.endpoints.rotate(found.id, tenant=found.tenant, overlap=timedelta(seconds=body.overlap_s))
    return _shown_once(*made, status=200)


@resource.operation(
    "POST",
    "/v1/webhook-endpoints/<endpoint_id>/test",
    scope="admin",
    headers=KeyedHeaders,
    answers={202: Answer("The delivery of a `webhook.test` message", DeliveryBody, headers={"Location": "The delivery"})},
    problems=("conflict", "idempotency_in_flight", "idempotency_key_reused"),
)
def test_webhook_endpoint(endpoint_id: str, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Send an endpoint a test message."""
    found = _found(endpoint_id)
    delivery_id = services().automation.endpoints.test(found.id, tenant=found.tenant)
    made = services().automation.deliveries.get(delivery_id, tenant=found.tenant)
    return json_answer(delivery_body(made), 202, Location=f"/v1/webhook-deliveries/{made.id}")


@resource.operation(
    "GET",
    "/v1/webhook-endpoints/<endpoint_id>/deliveries",
    scope="read",
    query=ListDeliveries,
    answers={200: Answer("One page, newest first", DeliveryPage, headers={"Link": "The next page, when there is one"})},
)
def list_endpoint_deliveries(endpoint_id: str, query: ListDeliveries) -> Response:
    """List the deliveries to an endpoint, newest first."""
    found, store = _found(endpoint_id), services().automation.deliveries
    page, cursor = read_page(
        query,
        lambda limit, before: store.list(tenant=found.tenant, endpoint_id=found.id, limit=limit, before=before, status=query.status),
        filters={"of": "deliveries", "endpoint": found.id, "status": query.status},
    )
    answer = json_answer(DeliveryPage(data=[delivery_body(item) for item in page], next_cursor=cursor))
    return linked(answer, f"/v1/webhook-endpoints/{found.id}/deliveries", query, cursor)


def _found(id: str) -> WebhookEndpoint:
    return services().automation.endpoints.get(checked_id("we", id, "webhook endpoint"), tenant=g.principal.tenant)


def _body(endpoint: WebhookEndpoint) -> EndpointBody:
    return EndpointBody.model_validate(_values(endpoint))


def _values(endpoint: WebhookEndpoint) -> dict[str, object]:
    return endpoint.model_dump(exclude={"tenant", "version"}) | {"event_types": list(endpoint.event_types)}


def _shown_once(endpoint: WebhookEndpoint, secret: str, *, status: int) -> Response:
    answer = json_answer(NewEndpointBody.model_validate(_values(endpoint) | {"secret": secret}), status)
    if status == 201:
        answer.headers["Location"] = f"/v1/webhook-endpoints/{endpoint.id}"
    # The tag of what a read gives, so that it can be sent in If-Match; the answer itself must not be kept by anybody.
    answer.set_etag(str(versioned(json_answer(_body(endpoint)), endpoint.id, endpoint.version).get_etag()[0]))
    answer.headers["Cache-Control"] = "no-store"
    return answer
