"""Batches in the database: what was asked for together, and the outcome of each item."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crew.domain.batch import Batch, BatchItem, OnError, Refusal
from crew.errors import NotFound
from crew.store.connect import one_at_a_time
from crew.store.moments import aware, maybe_aware
from crew.store.tables import analyses, batch_items, batches


class BatchStore:
    """The batches of all tenants, each method in the transaction of the given connection.

    Args:
        clock: gives the time in UTC.
    """

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def open(self, connection: sa.Connection, id: str, *, tenant: str, on_error: OnError) -> None:
        """Begin a batch. Two batches of one tenant are made one after the other: each waits for what it joins, and none for one that waits for it."""
        one_at_a_time(connection, f"batch:{tenant}")
        connection.execute(sa.insert(batches).values(id=id, tenant=tenant, on_error=on_error, created_at=self._clock()))

    def add(self, connection: sa.Connection, id: str, items: Sequence[BatchItem]) -> None:
        """Add the items of the batch."""
        rows = [
            {
                "batch_id": id,
                "position": item.index,
                "analysis_id": item.analysis_id,
                "outcome": item.outcome,
                "problem": item.refusal.model_dump_json() if item.refusal else None,
            }
            for item in items
        ]
        connection.execute(sa.insert(batch_items), rows)

    def get(self, connection: sa.Connection, id: str, *, tenant: str) -> Batch:
        """One batch with the states of its analyses.

        Raises:
            NotFound: there is none, or it is another tenant's.
        """
        row = connection.execute(sa.select(batches).where(batches.c.id == id, batches.c.tenant == tenant)).first()
        if row is None:
            raise NotFound(f"there is no batch {id}")
        joined = batch_items.outerjoin(analyses, analyses.c.id == batch_items.c.analysis_id)
        query = sa.select(batch_items, analyses.c.status).select_from(joined).where(batch_items.c.batch_id == id).order_by(batch_items.c.position)
        return Batch(
            id=row.id,
            tenant=row.tenant,
            on_error=row.on_error,
            created_at=aware(row.created_at),
            cancel_requested_at=maybe_aware(row.cancel_requested_at),
            items=tuple(_item(item) for item in connection.execute(query)),
        )

    def note_cancel(self, connection: sa.Connection, id: str) -> Sequence[str]:
        """Note that somebody wants the rest of the batch stopped; the analyses made for it that have not ended."""
        noted = sa.update(batches).where(batches.c.id == id, batches.c.cancel_requested_at.is_(None))
        connection.execute(noted.values(cancel_requested_at=self._clock()))
        live = sa.select(analyses.c.id).where(analyses.c.batch_id == id, analyses.c.status.in_(["queued", "running"]))
        return list(connection.execute(live.order_by(analyses.c.id).with_for_update()).scalars())

    def delete_old(self, connection: sa.Connection, before: datetime) -> int:
        """Delete batches made before the moment whose analyses are all gone; how many."""
        kept = sa.select(batch_items.c.batch_id).join(analyses, analyses.c.id == batch_items.c.analysis_id)
        return connection.execute(sa.delete(batches).where(batches.c.created_at < before, batches.c.id.not_in(kept))).rowcount


def _item(row: sa.Row[Any]) -> BatchItem:
    refusal = Refusal.model_validate_json(row.problem) if row.problem else None
    return BatchItem(index=row.position, outcome=row.outcome, analysis_id=row.analysis_id, status=row.status, refusal=refusal)
