"""Queries, headers and bodies of events."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.fields import Answered, PageSize, Sent, Seq


class ReadEvents(Sent):
    """From where and in which form to read events."""

    after: Seq | None = Field(None, description="Only events with a greater `seq`; `Last-Event-ID` wins over it.")
    limit: PageSize = Field(100, description="Events per JSON page; more than 500 counts as 500.")
    format: Literal["sse", "json", "ag-ui"] | None = Field(
        None, description="Overrides `Accept`. `ag-ui` is a stream of server-sent events in the words of the AG-UI protocol."
    )
    ticket: str | None = Field(None, min_length=1, max_length=100, description="A stream ticket in place of the Authorization header.")


class EventHeaders(Sent):
    """Headers of the event stream."""

    last_event_id: Seq | None = Field(None, alias="Last-Event-ID", description="Resume behind this event.")


class EventBody(Answered):
    """One event of an analysis."""

    seq: int
    type: str
    at: datetime
    analysis_id: str
    data: dict[str, Any]


class EventPage(Answered):
    """One page of events. Read on with `after=next_after` until `done`."""

    data: list[EventBody]
    next_after: int
    done: bool
