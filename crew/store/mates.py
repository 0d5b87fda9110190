"""Analyses of one batch: which are stopped when one of them fails, and the order in which rows are locked."""

from collections.abc import Sequence

import sqlalchemy as sa

from crew.store.tables import analyses, batch_items, batches

_LIVE = analyses.c.status.in_(["queued", "running"])


def mates_to_stop(connection: sa.Connection, id: str) -> Sequence[str]:
    """Analyses under way that were made for a batch which stops on errors and to which `id` belongs."""
    stopping = (
        sa.select(batch_items.c.batch_id)
        .join(batches, batches.c.id == batch_items.c.batch_id)
        .where(batch_items.c.analysis_id == id, batches.c.on_error == "stop")
    )
    return list(connection.execute(sa.select(analyses.c.id).where(analyses.c.batch_id.in_(stopping), analyses.c.id != id, _LIVE)).scalars())


def lock_in_order(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Lock several analyses in the order of their ids, so that two transactions which want the same ones never wait for each other."""
    if len(ids) > 1:
        connection.execute(sa.select(analyses.c.id).where(analyses.c.id.in_(ids)).order_by(analyses.c.id).with_for_update()).all()
