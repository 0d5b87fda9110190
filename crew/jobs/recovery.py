"""Jobs of workers that are gone are given back to the queue. The engine resumes each at its first unfinished step.

The statements touch the engine's own table the way its own recovery does; its version is pinned and kill tests guard this.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from crew.domain.analysis import Failure
from crew.errors import StockcrewError
from crew.jobs.names import APPLICATION_VERSION, QUEUE, WORKFLOW
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.heartbeats import beat, forget
from crew.store.tables import analyses, heartbeats

GRACE_BEATS = 3
_TOO_MANY_DEATHS = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"


def _statuses(engine: sa.Engine) -> sa.TableClause:
    columns = ("workflow_uuid", "status", "name", "queue_name", "executor_id", "owner_xid", "started_at_epoch_ms", "application_version")
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    return sa.table("workflow_status", *(sa.column(name) for name in columns), schema=schema)


def _queue_again(engine: sa.Engine, whose: Callable[[sa.TableClause], sa.ColumnElement[bool]]) -> int:
    """Queue running jobs again, as one statement, so that a job which changes hands meanwhile is judged by the worker it then has.

    A job whose row is locked is left for the next time: a worker that froze in the middle of a transaction must not hold up the
    pulse of those that look after its jobs.
    """
    status = _statuses(engine)
    running = sa.and_(status.c.status == "PENDING", status.c.name == WORKFLOW, status.c.application_version == APPLICATION_VERSION)
    free = sa.select(status.c.workflow_uuid).where(running, whose(status)).with_for_update(skip_locked=True)
    change = sa.update(status).where(status.c.workflow_uuid.in_(free))
    change = change.values(status="ENQUEUED", owner_xid=None, started_at_epoch_ms=None, queue_name=QUEUE)
    with engine.begin() as connection:
        return int(connection.execute(change).rowcount)


def reclaim_all(engine: sa.Engine) -> int:
    """Queue every running job again. Only for the holder of the worker lock, before it runs any itself. Returns how many."""
    return _queue_again(engine, lambda _status: sa.true())


def hand_back(engine: sa.Engine, executor_id: str) -> int:
    """Queue the worker's own running jobs again. Returns how many."""
    return _queue_again(engine, lambda status: status.c.executor_id == executor_id)


def take_over(engine: sa.Engine, *, dead_after_s: float) -> int:
    """Queue again the running jobs of workers without a heartbeat in the last `dead_after_s` seconds (PostgreSQL). Returns how many."""

    def of_the_dead(status: sa.TableClause) -> sa.ColumnElement[bool]:
        seen = heartbeats.c.last_seen > sa.func.clock_timestamp() - timedelta(seconds=dead_after_s)
        return ~sa.exists().where(heartbeats.c.executor_id == status.c.executor_id, seen)

    return _queue_again(engine, of_the_dead)


def close_abandoned(engine: sa.Engine, store: AnalysisStore) -> int:
    """End analyses whose job the engine has given up. Returns how many."""
    status = _statuses(engine)
    given_up = (
        sa.select(analyses.c.id, status.c.status)
        .join(status, status.c.workflow_uuid == analyses.c.id)
        .where(analyses.c.status.in_(["queued", "running"]), status.c.status.in_([_TOO_MANY_DEATHS, "ERROR", "CANCELLED"]))
    )
    with engine.connect() as connection:
        rows = connection.execute(given_up).all()
    return sum(store.finish(row.id, "failed", failure=_failure(row.status)) for row in rows)


def _failure(state: str) -> Failure:
    reason = (
        "worker after worker ended while carrying it out (STOCKCREW_MAX_RECOVERY_ATTEMPTS)"
        if state == _TOO_MANY_DEATHS
        else "its job ended unexpectedly; the worker's log has the details"
    )
    return Failure(code=StockcrewError.code, message=f"the analysis was given up: {reason}", retryable=True)


class Recovery:
    """Keeps this worker's heartbeat and takes over the jobs of workers without one.

    After a gap in its own heartbeats (a database outage, a stopped process) it takes nothing over for three beats, since
    then every other worker looks dead as well.

    Args:
        engine: the database.
        store: the analyses in it.
        settings: the intervals.
        executor_id: this worker.
        clock: seconds that only grow.
    """

    def __init__(
        self, engine: sa.Engine, store: AnalysisStore, settings: Settings, executor_id: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._store = store
        self._settings = settings
        self._executor_id = executor_id
        self._clock = clock
        self._last_beat = clock()
        self._grace = 0

    def announce(self) -> int:
        """Write the first heartbeat. On SQLite, whose one worker this is, queue every job of a predecessor again; returns how many."""
        beat(self._engine, self._executor_id)
        self._last_beat = self._clock()
        return reclaim_all(self._engine) if self._settings.is_sqlite else 0

    def tick(self) -> int:
        """One beat: say that this worker is alive, then look for those that are not. Returns how many jobs were queued again.

        Raises:
            DBAPIError, StoreUnavailable: the database cannot be used; the next beat may find it back.
        """
        beat(self._engine, self._executor_id)
        # Only now: an outage may have held the beat itself up.
        now = self._clock()
        if now - self._last_beat > self._settings.dead_after_s / 2:
            self._grace = GRACE_BEATS
        self._last_beat = now
        if self._grace:
            self._grace -= 1
            return 0
        close_abandoned(self._engine, self._store)
        return 0 if self._settings.is_sqlite else take_over(self._engine, dead_after_s=self._settings.dead_after_s)

    def leave(self) -> int:
        """Queue again what this worker did not finish, and withdraw its heartbeat. Returns how many jobs."""
        handed = hand_back(self._engine, self._executor_id)
        forget(self._engine, self._executor_id)
        return handed
