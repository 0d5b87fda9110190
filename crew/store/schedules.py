"""Schedules in the database: kept, and fired once for each moment that their cron expressions name."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crew.domain.cron import next_runs
from crew.domain.ids import new_id
from crew.domain.schedules import Overlap, Schedule
from crew.errors import InvalidRequest, NotFound, ResourceChanged, ResourceInUse
from crew.store.analyses import utc_now
from crew.store.connect import connected, one_at_a_time
from crew.store.moments import aware, maybe_aware
from crew.store.pages import newest_first
from crew.store.runs import add_run
from crew.store.schedule_tables import schedules
from crew.store.watchlists import found_watchlist

MOST_PER_TENANT = 200
_schedules = schedules.c
_DUE = (
    sa.select(schedules)
    .where(_schedules.paused.is_(sa.false()), _schedules.next_run_at <= sa.bindparam("now"))
    .order_by(_schedules.next_run_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


class ScheduleStore:
    """The schedules of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def create(
        self,
        *,
        tenant: str,
        watchlist_id: str,
        cron: str,
        timezone: str,
        overlap: Overlap,
        paused: bool,
        language: str,
        model: str | None,
        created_by: str | None,
    ) -> Schedule:
        """A new schedule.

        Raises:
            NotFound: there is no such watchlist, or it belongs to another tenant.
            InvalidRequest: it would never run.
            ResourceInUse: the tenant has as many as it may.
        """
        now, id = self._clock(), new_id("sc")
        row = {
            "id": id,
            "tenant": tenant,
            "watchlist_id": watchlist_id,
            "cron": cron,
            "timezone": timezone,
            "overlap": overlap,
            "paused": paused,
            "language": language,
            "model": model,
            "created_by": created_by,
            "next_run_at": _next(cron, timezone, now, paused=paused),
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        with connected(self._engine) as connection:
            one_at_a_time(connection, f"schedules:{tenant}")
            found_watchlist(connection, watchlist_id, tenant)
            connection.execute(sa.insert(schedules).values(row))
            number = connection.execute(sa.select(sa.func.count()).where(_schedules.tenant == tenant)).scalar_one()
            if number > MOST_PER_TENANT:
                raise ResourceInUse(f"There are {MOST_PER_TENANT} schedules, which is the limit: delete one first.")
        return self.get(id, tenant=tenant)

    def get(self, id: str, *, tenant: str) -> Schedule:
        """One schedule.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            return schedule_of(_found(connection, id, tenant))

    def list(self, *, tenant: str, limit: int, before: tuple[datetime, str] | None = None) -> Sequence[Schedule]:
        """Up to `limit` of the tenant's schedules, newest first, older than `before` (creation time and id)."""
        query = sa.select(schedules).where(_schedules.tenant == tenant)
        with connected(self._engine) as connection:
            rows = connection.execute(newest_first(query, schedules, before=before, limit=limit))
            return [schedule_of(row) for row in rows]

    def change(self, id: str, *, tenant: str, version: int, changes: dict[str, Any]) -> Schedule:
        """Change columns. A new cron expression, time zone or pause gives a new next moment; anything missed meanwhile is not made up for.

        Raises:
            NotFound: there is none, or no such watchlist, or it belongs to another tenant.
            InvalidRequest: it would never run.
            ResourceChanged: it is no longer at `version`.
        """
        now = self._clock()
        with connected(self._engine) as connection:
            row = _found(connection, id, tenant)
            if "watchlist_id" in changes:
                found_watchlist(connection, changes["watchlist_id"], tenant)
            values = {**changes, "version": version + 1, "updated_at": now}
            if changes.keys() & {"cron", "timezone", "paused"}:
                merged = {"cron": row.cron, "timezone": row.timezone, "paused": row.paused} | changes
                values["next_run_at"] = _next(merged["cron"], merged["timezone"], now, paused=merged["paused"])
            change = sa.update(schedules).where(_schedules.id == id, _schedules.version == version)
            if not connection.execute(change.values(values)).rowcount:
                raise ResourceChanged("The schedule has changed.")
        return self.get(id, tenant=tenant)

    def delete(self, id: str, *, tenant: str, version: int) -> None:
        """Delete a schedule with the record of its runs; analyses that it started go on.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceChanged: it is no longer at `version`.
        """
        with connected(self._engine) as connection:
            _found(connection, id, tenant)
            if not connection.execute(sa.delete(schedules).where(_schedules.id == id, _schedules.version == version)).rowcount:
                raise ResourceChanged("The schedule has changed.")

    def run_now(self, id: str, *, tenant: str) -> str:
        """Add a run beside those that cron names, under the same overlap policy, paused or not; its id.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceInUse: the policy is `skip` and a run is under way.
        """
        now = self._clock()
        with connected(self._engine) as connection:
            _found(connection, id, tenant)
            _lock(connection, id)
            run_id, status = add_run(connection, _found(connection, id, tenant), now, trigger="manual", due_at=now)
            if status == "skipped":
                raise ResourceInUse("A run of this schedule is under way, and its overlap policy is `skip` or one is waiting already.")
        return run_id

    def fire_due(self, *, limit: int = 50) -> int:
        """Add a run for every schedule whose moment has come; how many. Moments missed while no worker ran give one run together."""
        now = self._clock()
        with connected(self._engine) as connection:
            rows = connection.execute(_DUE, {"now": now, "most": limit}).all()
        return sum(self._fire(row, now) for row in rows)

    def _fire(self, row: sa.Row[Any], now: datetime) -> bool:
        try:
            following = _next(row.cron, row.timezone, now, paused=False)
        except InvalidRequest:
            following = None
        # Only the worker that moves the schedule on from this very moment makes its run.
        mine = sa.update(schedules).where(_schedules.id == row.id, _schedules.next_run_at == row.next_run_at, _schedules.paused.is_(sa.false()))
        with connected(self._engine) as connection:
            if not connection.execute(mine.values(next_run_at=following)).rowcount:
                return False
            add_run(connection, row, now, trigger="cron", due_at=aware(row.next_run_at))
        return True


def _next(cron: str, timezone: str, now: datetime, *, paused: bool) -> datetime | None:
    return None if paused else next_runs(cron, timezone, after=now, count=1)[0]


def _lock(connection: sa.Connection, id: str) -> None:
    connection.execute(sa.update(schedules).where(_schedules.id == id).values(version=_schedules.version))


def _found(connection: sa.Connection, id: str, tenant: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(schedules).where(_schedules.id == id, _schedules.tenant == tenant)).first()
    if row is None:
        raise NotFound("There is no such schedule.")
    return row


def schedule_of(row: sa.Row[Any]) -> Schedule:
    """The schedule in a row of the table."""
    return Schedule(
        id=row.id,
        tenant=row.tenant,
        watchlist_id=row.watchlist_id,
        cron=row.cron,
        timezone=row.timezone,
        overlap=row.overlap,
        paused=row.paused,
        language=row.language,
        model=row.model,
        created_by=row.created_by,
        next_run_at=maybe_aware(row.next_run_at),
        version=row.version,
        created_at=aware(row.created_at),
        updated_at=aware(row.updated_at),
    )
