"""The runs of schedules: waiting, running, ended; and the analysis that each symbol of a run led to."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crew.domain.ids import new_id
from crew.domain.schedules import Outcome, RunItem, RunStatus, ScheduleRun, Trigger
from crew.errors import NotFound
from crew.store.analyses import utc_now
from crew.store.connect import connected
from crew.store.moments import aware, maybe_aware
from crew.store.pages import newest_first
from crew.store.schedule_tables import schedule_run_items, schedule_runs, schedules, watchlists
from crew.store.tables import analyses

_runs = schedule_runs.c
_items = schedule_run_items.c
_LONGEST_PROBLEM = 300
_ACTIVE = _runs.status.in_(["queued", "running"])
_FREE = sa.or_(_runs.claimed_until.is_(None), _runs.claimed_until <= sa.bindparam("now"), _runs.claimed_by == sa.bindparam("worker"))
_PLANNED = sa.exists().where(_items.run_id == _runs.id, _items.outcome == "planned")
_ALIVE = sa.exists().where(_items.run_id == _runs.id, analyses.c.id == _items.analysis_id, analyses.c.status.in_(["queued", "running"]))
_OVER = sa.and_(_runs.status == "running", ~_PLANNED, ~_ALIVE)
# Built once: every worker asks these again and again, and mostly finds nothing.
_ANY_OVER = sa.select(_runs.id).where(_OVER).limit(1)
_TO_SUBMIT = sa.select(_runs.id).where(_runs.status == "running", _FREE, _PLANNED).order_by(_runs.started_at).limit(1)
_WAITING = (
    sa.select(schedule_runs, schedules.c.overlap)
    .join(schedules, schedules.c.id == _runs.schedule_id)
    .where(_runs.status == "queued")
    .order_by(_runs.created_at, _runs.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def add_run(connection: sa.Connection, schedule: sa.Row[Any], now: datetime, *, trigger: Trigger, due_at: datetime) -> tuple[str, RunStatus]:
    """Add a run of a schedule whose row is locked by this transaction; its id, and its status under the overlap policy.

    At most one run waits: with `queue` a further one is skipped, with `cancel_running` it takes the place of the one that waits.
    """
    active = connection.execute(sa.select(_runs.id, _runs.status).where(_runs.schedule_id == schedule.id, _ACTIVE)).all()
    waiting = [row.id for row in active if row.status == "queued"]
    reason = None
    if schedule.overlap == "cancel_running" and waiting:
        superseded = {"status": "canceled", "reason": "a newer run took its place", "finished_at": now}
        connection.execute(sa.update(schedule_runs).where(_runs.id.in_(waiting)).values(superseded))
    elif active and schedule.overlap == "skip":
        reason = "the run before was still under way"
    elif waiting:
        reason = "a run was waiting already"
    id = new_id("sr")
    status: RunStatus = "skipped" if reason else "queued"
    row = {"id": id, "tenant": schedule.tenant, "schedule_id": schedule.id, "trigger": trigger, "slot": due_at if trigger == "cron" else None}
    row |= {"status": status, "reason": reason, "due_at": due_at, "created_at": now, "finished_at": now if reason else None}
    connection.execute(sa.insert(schedule_runs).values(row))
    return id, status


class RunStore:
    """The runs of all schedules. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def get(self, id: str, *, tenant: str) -> ScheduleRun:
        """One run.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(schedule_runs).where(_runs.id == id, _runs.tenant == tenant)).first()
            if row is None:
                raise NotFound("There is no such run.")
            return _with_items(connection, [row])[0]

    def list(self, *, tenant: str, schedule_id: str, limit: int, before: tuple[datetime, str] | None = None) -> Sequence[ScheduleRun]:
        """Up to `limit` runs of a schedule, newest first, older than `before` (creation time and id)."""
        query = sa.select(schedule_runs).where(_runs.tenant == tenant, _runs.schedule_id == schedule_id)
        with connected(self._engine) as connection:
            return _with_items(connection, connection.execute(newest_first(query, schedule_runs, before=before, limit=limit)).all())

    def waiting(self, *, limit: int = 50) -> Sequence[sa.Row[Any]]:
        """Runs that wait, with their schedule's overlap policy, oldest first."""
        with connected(self._engine) as connection:
            return connection.execute(_WAITING, {"most": limit}).all()

    def begin(self, run: sa.Row[Any]) -> bool:
        """Let a waiting run begin if none of its schedule is under way: its symbols are those of the watchlist now. Whether it did."""
        with connected(self._engine) as connection:
            # Workers that look at the same schedule wait here for each other.
            connection.execute(sa.update(schedules).where(schedules.c.id == run.schedule_id).values(version=schedules.c.version))
            if connection.execute(sa.select(_runs.id).where(_runs.schedule_id == run.schedule_id, _runs.status == "running")).first():
                return False
            change = sa.update(schedule_runs).where(_runs.id == run.id, _runs.status == "queued")
            if not connection.execute(change.values(status="running", started_at=self._clock())).rowcount:
                return False
            listed = sa.select(watchlists.c.symbols).join(schedules, schedules.c.watchlist_id == watchlists.c.id)
            symbols = json.loads(connection.execute(listed.where(schedules.c.id == run.schedule_id)).scalar_one())
            for position, symbol in enumerate(symbols):
                item = {"run_id": run.id, "position": position, "schedule_id": run.schedule_id, "symbol": symbol}
                connection.execute(sa.insert(schedule_run_items).values(item | {"analysis_id": new_id("an"), "outcome": "planned"}))
            return True

    def running_of(self, schedule_id: str) -> Sequence[str]:
        """The ids of analyses that the running run of a schedule created and that have not ended, for who wants them canceled."""
        query = sa.select(_items.analysis_id).join(schedule_runs, _runs.id == _items.run_id).join(analyses, analyses.c.id == _items.analysis_id)
        alive = analyses.c.status.in_(["queued", "running"])
        with connected(self._engine) as connection:
            return list(
                connection.execute(
                    query.where(_runs.schedule_id == schedule_id, _runs.status == "running", _items.outcome == "created", alive)
                ).scalars()
            )

    def give_up(self, schedule_id: str, reason: str) -> None:
        """Note that the running run of a schedule is canceled: what it has not submitted yet stays undone."""
        running = sa.select(_runs.id).where(_runs.schedule_id == schedule_id, _runs.status == "running")
        with connected(self._engine) as connection:
            connection.execute(sa.update(schedule_runs).where(_runs.id.in_(running), _runs.reason.is_(None)).values(reason=reason))
            undone = sa.update(schedule_run_items).where(_items.run_id.in_(running), _items.outcome == "planned")
            connection.execute(undone.values(outcome="canceled", analysis_id=None))

    def claim(self, worker: str, *, lease: timedelta) -> sa.Row[Any] | None:
        """A running run with symbols still to submit, for `worker` alone until the `lease` ends; None when there is none."""
        now = self._clock()
        asked = {"now": now, "worker": worker}
        with connected(self._engine) as connection:
            id = connection.execute(_TO_SUBMIT, asked).scalar_one_or_none()
            if id is None:
                return None
            mine = sa.update(schedule_runs).where(_runs.id == id, _FREE)
            if not connection.execute(mine.values(claimed_by=worker, claimed_until=now + lease), asked).rowcount:
                return None
            joined = sa.select(schedule_runs, schedules.c.language, schedules.c.model, schedules.c.created_by).join(
                schedules, schedules.c.id == _runs.schedule_id
            )
            return connection.execute(joined.where(_runs.id == id)).one()

    def planned(self, run_id: str, *, limit: int) -> Sequence[sa.Row[Any]]:
        """Up to `limit` symbols of a run that are still to submit, in order."""
        query = sa.select(schedule_run_items).where(_items.run_id == run_id, _items.outcome == "planned").order_by(_items.position).limit(limit)
        with connected(self._engine) as connection:
            return connection.execute(query).all()

    def settle(self, item: sa.Row[Any], outcome: Outcome, *, analysis_id: str | None, problem: str | None = None) -> bool:
        """Note what became of a symbol; False when the run was given up meanwhile."""
        this = sa.update(schedule_run_items).where(_items.run_id == item.run_id, _items.position == item.position, _items.outcome == "planned")
        with connected(self._engine) as connection:
            values = {"outcome": outcome, "analysis_id": analysis_id, "problem": problem[:_LONGEST_PROBLEM] if problem else None}
            return bool(connection.execute(this.values(values)).rowcount)

    def finish_ended(self) -> int:
        """End the runs whose every symbol is settled and whose every analysis has ended; how many."""
        ended = sa.update(schedule_runs).where(_OVER)
        status = sa.case((_runs.reason.is_(None), "finished"), else_="canceled")
        with connected(self._engine) as connection:
            if connection.execute(_ANY_OVER).first() is None:
                return 0
            return connection.execute(ended.values(status=status, finished_at=self._clock(), claimed_by=None, claimed_until=None)).rowcount

    def delete_old(self, before: datetime) -> int:
        """Delete the record of runs that ended before `before`; how many."""
        with connected(self._engine) as connection:
            return connection.execute(sa.delete(schedule_runs).where(_runs.finished_at < before)).rowcount


def _with_items(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[ScheduleRun]:
    found: dict[str, list[RunItem]] = {row.id: [] for row in rows}
    query = sa.select(schedule_run_items).where(_items.run_id.in_(list(found))).order_by(_items.run_id, _items.position)
    for item in connection.execute(query):
        analysis_id = item.analysis_id if item.outcome != "planned" else None
        found[item.run_id].append(RunItem(symbol=item.symbol, analysis_id=analysis_id, outcome=item.outcome, problem=item.problem))
    return [
        ScheduleRun(
            id=row.id,
            tenant=row.tenant,
            schedule_id=row.schedule_id,
            trigger=row.trigger,
            status=row.status,
            reason=row.reason,
            due_at=aware(row.due_at),
            created_at=aware(row.created_at),
            started_at=maybe_aware(row.started_at),
            finished_at=maybe_aware(row.finished_at),
            items=tuple(found[row.id]),
        )
        for row in rows
    ]
