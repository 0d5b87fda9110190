"""Which workers are alive, by the database's own clock, so that no machine's clock has to be right."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from crew.store.connect import connected
from crew.store.tables import heartbeats


def database_now(connection: sa.Connection) -> datetime:
    """The database's time, naive in UTC as heartbeats are stored on SQLite, aware on PostgreSQL."""
    if connection.dialect.name == "sqlite":
        return datetime.fromisoformat(connection.execute(sa.text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one())
    moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment


def beat(engine: sa.Engine, executor_id: str) -> None:
    """Note that the worker is alive."""
    with engine.begin() as connection:
        now = database_now(connection)
        if not connection.execute(sa.update(heartbeats).where(heartbeats.c.executor_id == executor_id).values(last_seen=now)).rowcount:
            connection.execute(sa.insert(heartbeats).values(executor_id=executor_id, started_at=now, last_seen=now))


def forget(engine: sa.Engine, executor_id: str) -> None:
    """Note that the worker has gone."""
    with engine.begin() as connection:
        connection.execute(sa.delete(heartbeats).where(heartbeats.c.executor_id == executor_id))


def forget_silent(engine: sa.Engine, *, for_s: float) -> int:
    """Delete the heartbeats of workers not seen for `for_s` seconds; how many."""
    with engine.begin() as connection:
        since = database_now(connection) - timedelta(seconds=for_s)
        return connection.execute(sa.delete(heartbeats).where(heartbeats.c.last_seen < since)).rowcount


def alive(engine: sa.Engine, *, within_s: float) -> set[str]:
    """The workers that were seen within the last `within_s` seconds."""
    with engine.connect() as connection:
        now = database_now(connection)
        rows = connection.execute(sa.select(heartbeats.c.executor_id, heartbeats.c.last_seen)).all()
    return {row.executor_id for row in rows if (now - row.last_seen).total_seconds() < within_s}


def seen(engine: sa.Engine) -> list[tuple[str, float, float]]:
    """Each worker that has announced itself and was not forgotten: its name, seconds since it started, seconds since it was last seen.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    table = heartbeats.c
    with connected(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(sa.select(table.executor_id, table.started_at, table.last_seen).order_by(table.executor_id)).all()
    return [(row.executor_id, (now - row.started_at).total_seconds(), (now - row.last_seen).total_seconds()) for row in rows]


def live_workers(engine: sa.Engine, *, within_s: float) -> int:
    """How many workers were seen within the last `within_s` seconds."""
    return len(alive(engine, within_s=within_s))
