"""Analyses in the database: rows, their append-only event log, and the artifacts that steps leave behind."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from crew.domain.analysis import TERMINAL, Analysis, AnalysisRequest, Event, EventType, Failure, Origin, Status
from crew.domain.base import Value
from crew.domain.run import ModelCall
from crew.errors import Gone, NotFound
from crew.store import statements
from crew.store.connect import connected
from crew.store.mates import lock_in_order, mates_to_stop
from crew.store.moments import aware, maybe_aware
from crew.store.notify import fan_out
from crew.store.pages import newest_first
from crew.store.prepared import Prepared, Values
from crew.store.rows import WISHES, analysis_of, request_columns, wishes_of
from crew.store.schedule_tables import schedule_run_items
from crew.store.tables import analyses, batch_items, deleted_analyses, events
from crew.store.usage import count_call
from crew.telemetry import current_traceparent

Clock = Callable[[], datetime]
_MOST_READ = 512


def utc_now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def request_hash(request: AnalysisRequest, configuration: str) -> str:
    """What makes two finished analyses the same: the request but for `force`, cap and deadline, and the configuration it ran under."""
    return _hash(request, configuration, exclude={"force", "max_cost_usd", "deadline_s"})


def dedupe_key(request: AnalysisRequest, configuration: str) -> str:
    """What lets a request join one under way: cap and deadline count here, since they decide whether that one succeeds."""
    return _hash(request, configuration, exclude={"force"})


def _hash(request: AnalysisRequest, configuration: str, *, exclude: set[str]) -> str:
    # Wishes beyond the usual only: two releases agree on requests that have none.
    wishes = {name: value for name, value in wishes_of(request).items() if name not in exclude}
    content = {**request.model_dump(mode="json", exclude=exclude | set(WISHES)), **wishes, "configuration": configuration}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Asker(Value):
    """Whose an analysis is and what it belongs to: what log lines and spans about it name."""

    tenant: str
    key_id: str | None
    request_id: str | None
    traceparent: str | None
    created_at: datetime


class AnalysisStore:
    """Reads and writes analyses. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
        configuration: the hash of what besides the request decides what a report says; asked when an analysis is added or looked for.
    """

    def __init__(self, engine: sa.Engine, *, clock: Clock = utc_now, configuration: Callable[[], str] = lambda: "") -> None:
        self._engine = engine
        self._read: OrderedDict[str, tuple[Values, Analysis]] = OrderedDict()
        self._lock = Lock()
        self._configuration = configuration
        self._clock = clock

    @cached_property
    def _one(self) -> Prepared:
        return Prepared(self._engine, statements.OF_TENANT)

    @cached_property
    def _one_status(self) -> Prepared:
        return Prepared(self._engine, statements.STATUS)

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """One transaction; database failures become StoreUnavailable, and nothing of it is kept."""
        return connected(self._engine)

    def insert(
        self,
        connection: sa.Connection,
        id: str,
        request: AnalysisRequest,
        *,
        tenant: str,
        total_tasks: int,
        request_id: str | None,
        origin: Origin | None = None,
        cap_nanousd: int = 0,
    ) -> Analysis:
        """Add a queued analysis and its first event; the analysis as it stands then.

        `cap_nanousd` is set aside from the budget of its key while it is under way.

        Raises:
            IntegrityError: the tenant has the same request under way.
        """
        configuration = self._configuration()
        keys = {"request_hash": request_hash(request, configuration), "dedupe_key": dedupe_key(request, configuration)}
        now = self._clock()
        values: dict[str, Any] = {**request_columns(request), "symbol": request.symbol, "request_id": request_id, "cap_nanousd": cap_nanousd, **keys}
        values |= {"traceparent": current_traceparent(), "config_version": configuration or None}
        if request.deadline_s is not None:
            values["deadline_at"] = now + timedelta(seconds=request.deadline_s)
        if origin is not None:
            values |= origin.model_dump(exclude={"labels"}) | {"labels": json.dumps(origin.labels) if origin.labels else None}
        first = 1
        new = {"id": id, "tenant": tenant, "status": "queued", "total_tasks": total_tasks, "created_at": now, "last_seq": first, **values}
        row = connection.execute(statements.NEW, new).one()
        # No other event can be there yet, and nobody is told of this one: none of what `append` looks for needs to be looked for.
        event = {"analysis_id": id, "seq": first, "once": "analysis.queued", "type": "analysis.queued", "at": now}
        connection.execute(statements.NEW_EVENT, event | {"data": json.dumps({"symbol": request.symbol})})
        return analysis_of(row)

    def live_twin(self, request: AnalysisRequest, *, tenant: str, connection: sa.Connection | None = None) -> Analysis | None:
        """The tenant's queued or running analysis of the same request, as the transaction of `connection` sees it."""
        key = dedupe_key(request, self._configuration())
        return self._first(sa.select(analyses).where(analyses.c.tenant == tenant, analyses.c.dedupe_key == key), connection)

    def finished_twin(self, request: AnalysisRequest, *, tenant: str, since: datetime, connection: sa.Connection | None = None) -> Analysis | None:
        """The tenant's newest succeeded analysis of the same request that finished after `since`, as the transaction of `connection` sees it."""
        key = request_hash(request, self._configuration())
        same = sa.and_(analyses.c.tenant == tenant, analyses.c.request_hash == key, analyses.c.status == "succeeded")
        query = sa.select(analyses).where(same, analyses.c.finished_at >= since).order_by(analyses.c.finished_at.desc()).limit(1)
        return self._first(query, connection)

    def get(self, id: str, *, tenant: str | None = None, connection: sa.Connection | None = None) -> Analysis:
        """One analysis, as the transaction of `connection` sees it; of any tenant when `tenant` is None.

        Raises:
            NotFound: there is none, or it is another tenant's.
            Gone: it was deleted.
        """
        if tenant is not None and connection is None:
            return self._of_tenant(id, tenant)
        query, named = (statements.BY_ID, {"id": id}) if tenant is None else (statements.OF_TENANT, {"id": id, "tenant": tenant})
        found = self._first(query, connection, **named)
        if found is None:
            raise self._missing(id, tenant)
        return found

    def _of_tenant(self, id: str, tenant: str) -> Analysis:
        """One of the tenant's analyses: the value made before, as long as its row is the same to the letter."""
        values = self._one.values(id=id, tenant=tenant)
        if values is None:
            raise self._missing(id, tenant)
        before = self._read.get(id)
        if before is not None and before[0] == values:
            return before[1]
        found = analysis_of(self._one.row(values))
        with self._lock:
            self._read[id] = (values, found)
            while len(self._read) > _MOST_READ:
                self._read.popitem(last=False)
        return found

    def status(self, id: str, *, tenant: str) -> Status:
        """The status of one analysis: all that is needed of one whose report is at hand.

        Raises:
            NotFound: there is none, or it is another tenant's.
            Gone: it was deleted.
        """
        found = self._one_status.values(id=id, tenant=tenant)
        if found is None:
            raise self._missing(id, tenant)
        status: Status = found[0]
        return status

    def asker(self, id: str) -> Asker:
        """Whose the analysis is and what it belongs to.

        Raises:
            NotFound: there is none.
        """
        table = analyses.c
        query = sa.select(table.tenant, table.key_id, table.request_id, table.traceparent, table.created_at).where(table.id == id)
        with self.transaction() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(f"there is no analysis {id}")
        return Asker.model_validate(row._asdict() | {"created_at": aware(row.created_at)})

    def _missing(self, id: str, tenant: str | None) -> NotFound | Gone:
        query = sa.select(deleted_analyses.c.deleted_at).where(deleted_analyses.c.id == id)
        with self.transaction() as connection:
            deleted_at = maybe_aware(connection.execute(query if tenant is None else query.where(deleted_analyses.c.tenant == tenant)).scalar())
        if deleted_at is not None:
            return Gone(f"the analysis {id} was deleted at {deleted_at:%Y-%m-%dT%H:%M:%SZ}")
        return NotFound(f"there is no analysis {id}")

    def pulses(self, ids: Sequence[str], *, tenant: str) -> dict[str, tuple[int, bool]]:
        """Of each of the tenant's analyses among `ids`: the number of its last event, and whether it has ended."""
        query = sa.select(analyses.c.id, analyses.c.last_seq, analyses.c.status).where(analyses.c.id.in_(ids), analyses.c.tenant == tenant)
        with self.transaction() as connection:
            return {row.id: (row.last_seq, row.status in TERMINAL) for row in connection.execute(query)}

    def list(
        self,
        *,
        tenant: str,
        limit: int,
        before: tuple[datetime, str] | None = None,
        status: Status | None = None,
        symbol: str | None = None,
        batch_id: str | None = None,
        schedule_id: str | None = None,
        created_after: datetime | None = None,
    ) -> Sequence[Analysis]:
        """Up to `limit` of the tenant's analyses, newest first."""
        query = sa.select(analyses).where(analyses.c.tenant == tenant)
        if status is not None:
            query = query.where(analyses.c.status == status)
        if symbol is not None:
            query = query.where(analyses.c.symbol == symbol)
        if batch_id is not None:
            query = query.where(analyses.c.id.in_(sa.select(batch_items.c.analysis_id).where(batch_items.c.batch_id == batch_id)))
        if schedule_id is not None:
            items = schedule_run_items.c
            query = query.where(analyses.c.id.in_(sa.select(items.analysis_id).where(items.schedule_id == schedule_id)))
        if created_after is not None:
            query = query.where(analyses.c.created_at > created_after)
        with self.transaction() as connection:
            return [analysis_of(row) for row in connection.execute(newest_first(query, analyses, before=before, limit=limit))]

    def events(self, id: str, *, after: int, limit: int) -> Sequence[Event]:
        """Up to `limit` events with `seq` above `after`, oldest first."""
        query = sa.select(events).where(events.c.analysis_id == id, events.c.seq > after).order_by(events.c.seq).limit(limit)
        with self.transaction() as connection:
            return [
                Event(analysis_id=id, seq=row.seq, type=row.type, at=aware(row.at), data=json.loads(row.data)) for row in connection.execute(query)
            ]

    def append(
        self, connection: sa.Connection, id: str, type: EventType, data: dict[str, Any], *, once: str | None = None, final: bool = False
    ) -> bool:
        """Append an event under the next number; False when `once` was logged already, or when the analysis has ended and this is not `final`."""
        # The counter comes first: its lock makes parallel steps wait here, so that numbers have no gaps and nothing is logged twice.
        seq = connection.execute(statements.NEXT if final else statements.NEXT_LIVE, {"of": id}).scalar_one_or_none()
        if seq is None:
            return False
        if once is not None and connection.execute(statements.LOGGED, {"of": id, "once": once}).first():
            connection.execute(statements.TAKEN_BACK, {"of": id})
            return False
        now = self._clock()
        connection.execute(statements.NEW_EVENT, {"analysis_id": id, "seq": seq, "once": once, "type": type, "at": now, "data": json.dumps(data)})
        fan_out(connection, Event(analysis_id=id, seq=seq, type=type, at=now, data=data))
        if type == "model.called":
            count_call(connection, id, ModelCall.model_validate(data), day=now.astimezone(UTC).date())
        return True

    def log(self, id: str, type: EventType, data: dict[str, Any], *, once: str | None = None) -> bool:
        """Append an event; False when `once` was logged already, or when the analysis has ended."""
        with self.transaction() as connection:
            return self.append(connection, id, type, data, once=once)

    def begin_step(self, id: str, step: str, data: dict[str, Any], *, shown: str) -> bool:
        """Log that a step has begun, `shown` as the analysis's current one; False when it was begun before."""
        with self.transaction() as connection:
            new = self.append(connection, id, "step.started", data, once=f"started:{step}")
            if new:
                connection.execute(statements.AT_STEP, {"of": id, "step": shown})
            return new

    def end_step(self, id: str, step: str, data: dict[str, Any], *, left: tuple[str, str] | None, is_task: bool) -> None:
        """Leave the content of `left` under its name and log that the step has ended, both or neither.

        The first to leave something under a name wins: a step that ran twice after a split brain changes nothing.
        """
        try:
            self._end_step(id, step, data, left=left, is_task=is_task)
        except IntegrityError:
            self._end_step(id, step, data, left=None, is_task=is_task)

    def _end_step(self, id: str, step: str, data: dict[str, Any], *, left: tuple[str, str] | None, is_task: bool) -> None:
        with self.transaction() as connection:
            if left is not None:
                connection.execute(statements.NEW_ARTIFACT, {"analysis_id": id, "name": left[0], "content": left[1]})
            if self.append(connection, id, "step.finished", data, once=f"finished:{step}") and is_task:
                connection.execute(statements.TASK_DONE, {"of": id})

    def begin(self, id: str, *, total_tasks: int) -> bool:
        """Mark a queued analysis running; False when it has ended already."""
        with self.transaction() as connection:
            change = sa.update(analyses).where(analyses.c.id == id, statements.LIVE)
            started = sa.func.coalesce(analyses.c.started_at, self._clock())
            found = connection.execute(change.values(status="running", started_at=started, total_tasks=total_tasks)).rowcount
            if found:
                self.append(connection, id, "analysis.started", {}, once="analysis.started")
            return bool(found)

    def finish(
        self, id: str, status: Status, *, failure: Failure | None = None, report_status: str | None = None, data: dict[str, Any] | None = None
    ) -> bool:
        """End an analysis that is under way; False when it has ended already. A failure stops the rest of batches that want that."""
        with self.transaction() as connection:
            mates = mates_to_stop(connection, id) if status == "failed" else []
            lock_in_order(connection, [id, *mates])
            change = sa.update(analyses).where(analyses.c.id == id, statements.LIVE)
            stored = failure.model_dump_json() if failure else None
            ended = change.values(
                status=status, finished_at=self._clock(), dedupe_key=None, current_step=None, failure=stored, report_status=report_status
            )
            if not connection.execute(ended).rowcount:
                return False
            final: dict[Status, EventType] = {"succeeded": "analysis.succeeded", "failed": "analysis.failed", "canceled": "analysis.canceled"}
            self.append(connection, id, final[status], data or (failure.model_dump() if failure else {}), once="end", final=True)
            self.request_cancel(connection, mates)
            return True

    def request_cancel(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        """Note that somebody wants the analyses stopped; those that no worker has begun are stopped at once."""
        for id in sorted(ids):
            noted = sa.update(analyses).where(analyses.c.id == id, statements.LIVE, analyses.c.cancel_requested_at.is_(None))
            connection.execute(noted.values(cancel_requested_at=self._clock()))
            waiting = sa.update(analyses).where(analyses.c.id == id, analyses.c.status == "queued")
            if connection.execute(waiting.values(status="canceled", finished_at=self._clock(), dedupe_key=None)).rowcount:
                self.append(connection, id, "analysis.canceled", {}, once="end", final=True)

    def overdue(self, *, limit: int = 100) -> Sequence[str]:
        """Ids of up to `limit` queued analyses whose own deadline has passed; running ones are stopped by their worker."""
        with self.transaction() as connection:
            return list(connection.execute(statements.OVERDUE, {"now": self._clock(), "most": limit}).scalars())

    def is_wanted(self, id: str) -> bool:
        """Whether work on the analysis still serves anybody: it is under way and nobody asked it to stop."""
        with self.transaction() as connection:
            return connection.execute(statements.WANTED, {"of": id}).first() is not None

    def artifact(self, id: str, name: str) -> str | None:
        """What a step left under `name`, None before it did."""
        with self.transaction() as connection:
            return connection.execute(statements.ARTIFACT, {"of": id, "name": name}).scalar_one_or_none()

    def model_calls(self, id: str, *, task: str | None = None) -> Sequence[ModelCall]:
        """Every model call logged so far, of one task or of all, in the order of the log."""
        query = sa.select(events.c.data).where(events.c.analysis_id == id, events.c.type == "model.called").order_by(events.c.seq)
        with self.transaction() as connection:
            calls = [ModelCall.model_validate_json(row.data) for row in connection.execute(query)]
        return [call for call in calls if task in {None, call.task}]

    def count_by_status(self) -> dict[Status, int]:
        """How many analyses of all tenants are in each state."""
        query = sa.select(analyses.c.status, sa.func.count().label("number")).group_by(analyses.c.status)
        with self.transaction() as connection:
            return {row.status: row.number for row in connection.execute(query)}

    def queue_state(self) -> tuple[int, datetime | None]:
        """How many analyses wait, and since when the oldest does."""
        with self.transaction() as connection:
            query = sa.select(sa.func.count(), sa.func.min(analyses.c.created_at)).where(analyses.c.status == "queued")
            count, oldest = connection.execute(query).one()
            return count, maybe_aware(oldest)

    def finished_before(self, moment: datetime, *, limit: int) -> Sequence[str]:
        """Ids of up to `limit` analyses that ended before `moment`, oldest first."""
        query = sa.select(analyses.c.id).where(analyses.c.finished_at < moment).order_by(analyses.c.finished_at).limit(limit)
        with self.transaction() as connection:
            return list(connection.execute(query).scalars())

    def delete(self, ids: Sequence[str]) -> None:
        """Delete analyses with their events and artifacts; what remains says that they are gone."""
        with self.transaction() as connection:
            remains = connection.execute(
                sa.delete(analyses)
                .where(analyses.c.id.in_(ids))
                .returning(analyses.c.id, analyses.c.tenant, analyses.c.key_id, analyses.c.created_at)
            ).all()
            if remains:
                connection.execute(sa.insert(deleted_analyses), [{**row._asdict(), "deleted_at": self._clock()} for row in remains])

    def forget_deleted(self, before: datetime) -> int:
        """Forget analyses that were deleted before the moment; how many."""
        with self.transaction() as connection:
            return connection.execute(sa.delete(deleted_analyses).where(deleted_analyses.c.deleted_at < before)).rowcount

    def _first(self, query: sa.Select[Any], connection: sa.Connection | None = None, **parameters: str) -> Analysis | None:
        if connection is None:
            with self.transaction() as own:
                return self._first(query, own, **parameters)
        row = connection.execute(query, parameters).first()
        return None if row is None else analysis_of(row)
