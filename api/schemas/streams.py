"""Queries and bodies of streams over several analyses, and of the tickets that open streams."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.events import EventBody
from api.schemas.fields import Answered, PageSize, Sent
from api.schemas.labels import AnalysisId

MOST_ANALYSES = 50
POSITION = r"^[0-9]{1,9}(\.[0-9]{1,9}){0,49}$"
Position = Annotated[str, StringConstraints(pattern=POSITION), Field(examples=["12.0.7"])]
TicketText = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class WatchEvents(Sent):
    """Which analyses to follow, and from where."""

    analysis_id: list[AnalysisId] = Field(min_length=1, max_length=MOST_ANALYSES, description="The analyses; repeat the parameter for each.")
    after: Position | None = Field(
        None, description="Resume here: the `id` of an event of this stream, one number for each analysis in the order they are named."
    )
    limit: PageSize = Field(100, description="Events per JSON page; more than 500 counts as 500.")
    format: Literal["sse", "json"] | None = Field(None, description="Overrides `Accept`.")
    ticket: TicketText | None = Field(None, description="A stream ticket in place of the Authorization header.")


class WatchHeaders(Sent):
    """Headers of the stream over several analyses."""

    last_event_id: Position | None = Field(None, alias="Last-Event-ID", description="Resume here; wins over `after`.")


class WatchPage(Answered):
    """One page of events of several analyses. Read on with `after=next_after` until `done`."""

    data: list[EventBody]
    next_after: str
    done: bool


class CreateTicket(Sent):
    """Which streams the ticket opens."""

    analysis_id: AnalysisId | Annotated[list[AnalysisId], Field(min_length=1, max_length=MOST_ANALYSES)] = Field(
        description="One analysis, or a list of those that one stream of `/v1/events` shows."
    )


class TicketBody(Answered):
    """A ticket: good for one connection within a minute, as `?ticket=…`."""

    ticket: str
    expires_at: datetime
