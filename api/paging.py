"""Pages of things that are listed newest first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from flask import Response

from api.present import next_link
from api.schemas.fields import ListQuery
from api.services import services

LARGEST_PAGE = 100


class Dated(Protocol):
    """What has a place in such a list."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def created_at(self) -> datetime:
        """When it was made."""


Item = TypeVar("Item", bound=Dated)
Fetch = Callable[[int, tuple[datetime, str] | None], Sequence[Item]]


def read_page(query: ListQuery, fetch: Fetch[Item], *, filters: Mapping[str, str | None]) -> tuple[Sequence[Item], str | None]:
    """One page and the cursor of the next; None when there is none.

    Args:
        query: size of the page and where it begins.
        fetch: gives up to so many items older than a creation time and id.
        filters: what the list is limited to; a cursor holds for the same only.

    Raises:
        Problem: the cursor is not one of this list.
    """
    before = None
    if query.cursor is not None:
        created_at, last_id = services().cursors.read(query.cursor, filters=filters)
        before = (datetime.fromisoformat(created_at), last_id)
    limit = min(query.limit, LARGEST_PAGE)
    found = fetch(limit + 1, before)
    page = found[:limit]
    cursor = services().cursors.sign([page[-1].created_at.isoformat(), page[-1].id], filters=filters) if len(found) > limit else None
    return page, cursor


def linked(answer: Response, path: str, query: ListQuery, cursor: str | None) -> Response:
    """`answer` with a link to the next page of the same list."""
    answer.headers["Cache-Control"] = "private, no-cache"
    if cursor:
        kept = query.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
        answer.headers["Link"] = next_link(path, {"limit": str(min(query.limit, LARGEST_PAGE)), **kept, "cursor": cursor})
    return answer
