"""The delivery log of webhooks, those of endpoints and those that came with a kickoff."""

from flask import Response, g

from api.contract import Answer, Resource
from api.ids import checked_id
from api.paging import linked, read_page
from api.present import json_answer
from api.schemas.fields import KeyedHeaders
from api.schemas.webhooks import AttemptBody, DeliveryBody, DeliveryPage, DeliveryWithAttempts, ListAllDeliveries
from api.services import services
from crew.domain.webhooks import Delivery

resource = Resource("webhook-deliveries", "What was sent to whom, how often it was tried, and what came of it. Answers' bodies are not kept.")


@resource.operation(
    "GET",
    "/v1/webhook-deliveries",
    scope="read",
    query=ListAllDeliveries,
    answers={200: Answer("One page, newest first", DeliveryPage, headers={"Link": "The next page, when there is one"})},
)
def list_deliveries(query: ListAllDeliveries) -> Response:
    """List all deliveries, newest first."""
    store, tenant = services().automation.deliveries, g.principal.tenant
    page, cursor = read_page(
        query,
        lambda limit, before: store.list(tenant=tenant, limit=limit, before=before, analysis_id=query.analysis_id, status=query.status),
        filters={"of": "deliveries", "analysis": query.analysis_id, "status": query.status},
    )
    answer = json_answer(DeliveryPage(data=[delivery_body(item) for item in page], next_cursor=cursor))
    return linked(answer, "/v1/webhook-deliveries", query, cursor)


@resource.operation(
    "GET", "/v1/webhook-deliveries/<delivery_id>", scope="read", answers={200: Answer("The delivery with its attempts", DeliveryWithAttempts)}
)
def get_delivery(delivery_id: str) -> Response:
    """Read a delivery with every attempt to make it."""
    store = services().automation.deliveries
    found = store.get(checked_id("wd", delivery_id, "delivery"), tenant=g.principal.tenant)
    log = [AttemptBody.model_validate(attempt.model_dump()) for attempt in store.attempts(found.id)]
    return json_answer(DeliveryWithAttempts(**delivery_body(found).model_dump(), log=log))


@resource.operation(
    "POST",
    "/v1/webhook-deliveries/<delivery_id>/redeliver",
    scope="admin",
    headers=KeyedHeaders,
    answers={202: Answer("The delivery, which is due now", DeliveryBody, headers={"Location": "The delivery"})},
    problems=("conflict", "idempotency_in_flight", "idempotency_key_reused"),
)
def redeliver(delivery_id: str, headers: KeyedHeaders) -> Response:  # noqa: ARG001 - read by the contract
    """Deliver again under the same `webhook-id`, whatever came of it before."""
    found = services().automation.deliveries.redeliver(checked_id("wd", delivery_id, "delivery"), tenant=g.principal.tenant)
    return json_answer(delivery_body(found), 202, Location=f"/v1/webhook-deliveries/{found.id}")


def delivery_body(delivery: Delivery) -> DeliveryBody:
    """One delivery as clients see it."""
    return DeliveryBody.model_validate(delivery.model_dump(exclude={"tenant"}))
