"""The events of an analysis: live as server-sent events, or page by page as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import structlog
from flask import Response, g

from api import agui
from api.contract import JSON, Answer, Resource
from api.ids import checked_id
from api.leases import GiveBack
from api.negotiation import choose
from api.present import json_answer, presenter
from api.problems import Problem
from api.schemas.events import EventBody, EventHeaders, EventPage, ReadEvents
from api.services import services
from api.sse import PAGE, Encode, EventFeed, Pulses
from crew.domain.analysis import Analysis, Event, EventType
from crew.errors import NotFound, QuotaExceeded

LARGEST_PAGE = 500
STREAM = "text/event-stream"
OFFERS = {"json": JSON, "sse": STREAM}
_EVENT = {"$ref": "#/components/schemas/EventBody"}


def _stream_schema(names: Sequence[str], content: Mapping[str, Any], more: str = "") -> dict[str, Any]:
    properties = {
        "id": {"type": "string", "pattern": "^[0-9]+([.][0-9]+)*$"},
        "event": {"type": "string", "enum": list(names)},
        "data": {"type": "string", "contentMediaType": JSON, "contentSchema": content},
    }
    text = "`snapshot` first, then the logged events, `gap` where history is missing, `done` last. The id is where to resume."
    return {"schema": {"type": "object", "required": list(properties), "properties": properties, "description": text + more}}


_NAMES = ("snapshot", *get_args(EventType), "gap", "done")
STREAM_SCHEMA = _stream_schema(_NAMES, _EVENT)
# An event without a name is a `message`, by the standard of server-sent events.
RUN_SCHEMA = _stream_schema(
    (*_NAMES, "message"), {"anyOf": [_EVENT, agui.SCHEMA]}, " With `format=ag-ui` every event is a `message` whose data is an event of AG-UI."
)

resource = Resource("events", "What happens while the crew works, from a log that is never rewritten: any number of readers may resume at any event.")


@resource.operation(
    "GET",
    "/v1/analyses/<analysis_id>/events",
    scope="read",
    query=ReadEvents,
    headers=EventHeaders,
    answers={
        200: Answer("A page of events, or the stream", EventPage, content={STREAM: RUN_SCHEMA}),
        204: Answer("The analysis has ended and everything was sent: do not connect again"),
    },
    problems=("not_acceptable", "too_many_streams", "quota_exceeded"),
    ticketed=True,
)
def read_events(analysis_id: str, query: ReadEvents, headers: EventHeaders) -> Response:
    """Follow an analysis.

    With `Accept: text/event-stream` the answer is a stream that begins with a snapshot, resumes behind `Last-Event-ID`, and ends after `done`.
    Otherwise it is one JSON page. With `format=ag-ui` the stream speaks AG-UI: `RUN_STARTED`, `STATE_SNAPSHOT`, the steps, what AG-UI has no word
    for as `CUSTOM` under our own name, `RUN_FINISHED` or `RUN_ERROR` last.
    """
    form = choose(OFFERS | {"ag-ui": STREAM}, chosen=query.format, default="json")
    after = headers.last_event_id if headers.last_event_id is not None else query.after
    analysis = seen(checked_id("an", analysis_id, "analysis"))
    if form == "json":
        answer = _page(analysis, after or 0, min(query.limit, LARGEST_PAGE))
    else:
        answer = stream([analysis], None if after is None else [after], encode=agui.frames if form == "ag-ui" else None)
    answer.vary.add("Accept")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def seen(analysis_id: str) -> Analysis:
    """The analysis, if the principal may see its events.

    Raises:
        NotFound: there is none, it is another tenant's, or the ticket is for another.
    """
    if not g.principal.sees(analysis_id):
        raise NotFound("There is no such analysis.")
    return services().jobs.get(analysis_id, tenant=g.principal.tenant)


def _page(analysis: Analysis, after: int, limit: int) -> Response:
    found = services().jobs.events(analysis.id, tenant=analysis.tenant, after=after, limit=limit)
    last = found[-1].seq if found else after
    return json_answer(EventPage(data=bodies(found), next_after=last, done=analysis.is_terminal and len(found) < limit))


def bodies(found: Sequence[Event]) -> list[EventBody]:
    """Logged events as clients see them."""
    return [EventBody(seq=event.seq, type=event.type, at=event.at, analysis_id=event.analysis_id, data=event.data) for event in found]


def stream(analyses: Sequence[Analysis], after: Sequence[int] | None, *, encode: Encode | None = None) -> Response:
    """One stream of the events of `analyses` behind `after`, in the words of `encode`; 204 when the client has them all.

    Raises:
        Problem: too many streams are open.
        QuotaExceeded: too many of them are this key's.
    """
    jobs, gate, gauge, tenant = services().jobs, services().streams, services().metrics.streams, g.principal.tenant
    ids = [analysis.id for analysis in analyses]
    if after is not None and any(after) and _has_all(jobs.pulses(ids, tenant=tenant), dict(zip(ids, after, strict=True))):
        return Response(status=204)
    give_back = _own_place()
    if not gate.enter():
        give_back()
        raise Problem("too_many_streams", f"{gate.capacity} event streams are open, which is the limit.", headers={"Retry-After": "5"})
    gauge.inc()
    feed = EventFeed(
        lambda: [jobs.get(id, tenant=tenant) for id in ids],
        lambda: jobs.pulses(ids, tenant=tenant),
        lambda analysis_id, seq: jobs.events(analysis_id, tenant=tenant, after=seq, limit=PAGE),
        presenter(),
        services().clock,
        named=structlog.contextvars.get_contextvars() | {"analysis_id": ",".join(ids)},
        encode=encode,
    )
    answer = Response(feed.frames(after or [0] * len(ids), gate), mimetype=STREAM)
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(gauge.dec)
    answer.call_on_close(give_back)
    answer.call_on_close(gate.leave)
    return answer


def _own_place() -> GiveBack:
    """Takes one of the streams that the key may have open; how to give it back.

    Raises:
        QuotaExceeded: all of them are open.
    """
    key_id, most = g.principal.key_id, g.principal.limits.streams or services().settings.streams_per_key
    if key_id is None or most is None:
        return lambda: None
    give_back = services().leases.take(f"streams:{key_id}", most)
    if give_back is None:
        text = f"This key may have {most} event streams open: close one, follow several analyses by one stream, or page through the events as JSON."
        raise QuotaExceeded(text, policy="streams", limit=most, retry_after_s=5.0)
    return give_back


def _has_all(pulses: Pulses, after: dict[str, int]) -> bool:
    return all(ended and after[id] >= last for id, (last, ended) in pulses.items())
