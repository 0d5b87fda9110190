"""Pages of tables that are listed newest first, by creation time and id."""

from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

Query = TypeVar("Query", bound=sa.Select[Any])


def newest_first(query: Query, table: sa.Table, *, before: tuple[datetime, str] | None, limit: int) -> Query:
    """`query` in the order of `table`, newest first, from just behind the row that was made at `before` with that id, up to `limit` rows."""
    place = (table.c.created_at, table.c.id)
    if before is not None:
        query = query.where(sa.tuple_(*place) < sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(before, place, strict=True))))
    return query.order_by(*(column.desc() for column in place)).limit(limit)
