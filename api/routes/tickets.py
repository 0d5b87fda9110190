"""Tickets for event streams: a browser's EventSource can send no Authorization header."""

from flask import Response, g

from api.contract import Answer, Resource
from api.present import json_answer
from api.schemas.streams import CreateTicket, TicketBody
from api.services import services

resource = Resource("stream-tickets", "What opens one event stream once, within a minute, where no header can be sent.")


@resource.operation(
    "POST",
    "/v1/stream-tickets",
    scope="read",
    body=CreateTicket,
    body_example={"analysis_id": "an_aghk4lnbpj7rhfabk5gvk43pku"},
    answers={201: Answer("The ticket", TicketBody, headers={"Cache-Control": "Always `no-store`"})},
    problems=("not_found", "gone"),
)
def create_ticket(body: CreateTicket) -> Response:
    """Make a ticket for the events of one or several analyses.

    Open the stream with `?ticket=…` within 60 seconds. It works once; for a new connection make a new one.
    """
    principal = g.principal
    ids = [body.analysis_id] if isinstance(body.analysis_id, str) else list(dict.fromkeys(body.analysis_id))
    for id in ids:
        services().jobs.get(id, tenant=principal.tenant)
    ticket, expires_at = services().tickets.issue(tenant=principal.tenant, key_id=principal.key_id, analysis_ids=ids)
    answer = json_answer(TicketBody(ticket=ticket, expires_at=expires_at), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer
