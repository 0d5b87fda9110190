"""The events of several analyses on one connection: a browser opens only about six to one host."""

from collections.abc import Sequence

from flask import Response

from api.contract import Answer
from api.negotiation import choose
from api.present import json_answer
from api.problems import Problem
from api.routes.events import LARGEST_PAGE, OFFERS, STREAM, STREAM_SCHEMA, bodies, resource, seen, stream
from api.schemas.streams import WatchEvents, WatchHeaders, WatchPage
from api.services import services
from crew.domain.analysis import Analysis, Event


@resource.operation(
    "GET",
    "/v1/events",
    scope="read",
    query=WatchEvents,
    headers=WatchHeaders,
    answers={
        200: Answer("A page of events, or the stream", WatchPage, content={STREAM: STREAM_SCHEMA}),
        204: Answer("Every analysis has ended and everything was sent: do not connect again"),
    },
    problems=("not_acceptable", "too_many_streams", "quota_exceeded", "not_found", "gone"),
    ticketed=True,
)
def watch_events(query: WatchEvents, headers: WatchHeaders) -> Response:
    """Follow several analyses at once, for a dashboard.

    The stream begins with a snapshot of each analysis and gives a `done` for each that has ended. The `id` of an event holds one number for
    each analysis, in the order in which they are named; it is where the stream of the same analyses is resumed.
    """
    form = choose(OFFERS, chosen=query.format, default="json")
    analyses = [seen(id) for id in dict.fromkeys(query.analysis_id)]
    resumed = headers.last_event_id if headers.last_event_id is not None else query.after
    after = None if resumed is None else _position(resumed, len(analyses), "after" if headers.last_event_id is None else "Last-Event-ID")
    answer = _page(analyses, after or [0] * len(analyses), min(query.limit, LARGEST_PAGE)) if form == "json" else stream(analyses, after)
    answer.vary.add("Accept")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _position(text: str, analyses: int, parameter: str) -> list[int]:
    numbers = [int(part) for part in text.split(".")]
    if len(numbers) == analyses:
        return numbers
    detail = f"{parameter} has {len(numbers)} numbers for {analyses} analyses: it resumes a stream of the same analyses in the same order"
    place = "query" if parameter == "after" else "header"
    raise Problem("invalid_request", detail, errors=[{"parameter": parameter, "in": place, "code": "position", "detail": detail}])


def _page(analyses: Sequence[Analysis], after: Sequence[int], limit: int) -> Response:
    found: list[Event] = []
    reached = list(after)
    for place, analysis in enumerate(analyses):
        if len(found) < limit:
            more = services().jobs.events(analysis.id, tenant=analysis.tenant, after=after[place], limit=limit - len(found))
            reached[place] = more[-1].seq if more else after[place]
            found += more
    done = len(found) < limit and all(analysis.is_terminal for analysis in analyses)
    return json_answer(WatchPage(data=bodies(found), next_after=".".join(map(str, reached)), done=done))
