"""The light side of the jobs: submit, look, cancel. Imports nothing of the crew; one client serves all threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from crew.domain.analysis import Analysis, AnalysisRequest, Event, Origin, Status
from crew.domain.ids import new_id
from crew.domain.report import Report
from crew.errors import AnalysisActive, NotCancelable, ReportNotReady, StoreUnavailable
from crew.jobs.batches import BatchClient
from crew.jobs.configuration import Configuration
from crew.jobs.names import APPLICATION
from crew.jobs.readiness import JobCounts, JobDetail, Readiness, WorkerSeen, look
from crew.jobs.submission import Submission, Submitter
from crew.settings import Settings
from crew.store.analyses import AnalysisStore, utc_now
from crew.store.batches import BatchStore
from crew.store.engine import make_engine
from crew.store.heartbeats import seen
from crew.store.turns import Turns

if TYPE_CHECKING:
    from dbos import DBOSClient

REPORT = "report"
PATIENCE_S = 10.0


class JobClient:
    """The analyses of all tenants.

    Args:
        settings: names the database.
        clock: gives the time in UTC.
        ids: makes the id of a new analysis.
        patience_s: seconds to wait for a locked SQLite file before StoreUnavailable.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        ids: Callable[[], str] = lambda: new_id("an"),
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._settings = settings
        self._patience_s = patience_s
        self._configuration = Configuration(settings)
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._turns = Turns()
        self._engine: sa.Engine | None = None
        self._analyses: AnalysisStore | None = None
        self._dbos: DBOSClient | None = None

    @property
    def batches(self) -> BatchClient:
        """Analyses asked for together."""
        return BatchClient(self, BatchStore(clock=self._clock))

    def submit(self, request: AnalysisRequest, *, tenant: str = "local", request_id: str | None = None, origin: Origin | None = None) -> Submission:
        """Store and enqueue `request` in one transaction, or find the analysis that already answers it.

        Raises:
            QuotaExceeded: a limit of the key is reached; nothing was stored.
            Overloaded: too many analyses wait; nothing was stored.
            InvalidRequest: a document is unknown, another tenant's, or dated after the day to analyse as of, or this crew does not offer
                the depth or the focus; nothing was stored.
            StoreUnavailable: the database cannot be used; nothing was stored.
        """
        self._configuration.ensure_offered(request)
        with self._turn():
            return self._submitter.submit(request, tenant=tenant, request_id=request_id, origin=origin)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On SQLite one thread after the other, before it takes a connection: those who wait to write keep none from those who read."""
        if not self._settings.is_sqlite:
            yield
            return
        if not self._turns.take(within_s=self._patience_s):
            raise StoreUnavailable("the database cannot be used: others have been writing for too long")
        try:
            yield
        finally:
            self._turns.hand_on()

    def submit_within(
        self, connection: sa.Connection, request: AnalysisRequest, *, tenant: str, request_id: str | None, origin: Origin | None
    ) -> Submission:
        """The same as part of the transaction of `connection`, which has written already and is kept or undone as a whole."""
        self._configuration.ensure_offered(request)
        return self._submitter.submit_within(connection, request, tenant=tenant, request_id=request_id, origin=origin)

    def require_room(self, connection: sa.Connection) -> None:
        """See to it that what was queued in the transaction of `connection` has room; the last thing to do in it.

        Raises:
            Overloaded: it has not; undo the transaction.
        """
        self._submitter.require_room(connection)

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """One transaction on the database of the jobs."""
        return self._store.transaction()

    @property
    def _submitter(self) -> Submitter:
        return Submitter(
            self._store,
            lambda: self._client,
            self._settings,
            clock=self._clock,
            ids=self._ids,
            costs=lambda request: self._configuration.costs(request.model),
        )

    def retry(self, id: str, *, tenant: str = "local", request_id: str | None = None, key_id: str | None = None) -> Submission:
        """Submit the request of an ended analysis again; a second try while the first is under way joins it.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            Gone: it was deleted.
            AnalysisActive: it has not ended yet.
        """
        found = self._ended(id, tenant)
        origin = Origin(key_id=key_id, retried_from=id, labels=found.origin.labels)
        return self.submit(found.request.model_copy(update={"force": True}), tenant=tenant, request_id=request_id, origin=origin)

    def delete(self, id: str, *, tenant: str = "local") -> None:
        """Delete an ended analysis with its events, its artifacts and its job.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            Gone: it was deleted before.
            AnalysisActive: it has not ended yet.
        """
        self._ended(id, tenant)
        # The engine's rows first, so that a crash in between leaves nothing that nobody would find.
        self._client.delete_workflows([id])
        self._store.delete([id])

    def _ended(self, id: str, tenant: str) -> Analysis:
        found = self.get(id, tenant=tenant)
        if not found.is_terminal:
            raise AnalysisActive(f"the analysis is {found.status}: cancel it or wait until it has ended")
        return found

    def get(self, id: str, *, tenant: str = "local") -> Analysis:
        """One analysis.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        return self._store.get(id, tenant=tenant)

    def status(self, id: str, *, tenant: str = "local") -> Status:
        """The status of one analysis, for who needs no more of it.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        return self._store.status(id, tenant=tenant)

    def list(
        self,
        *,
        tenant: str = "local",
        limit: int = 20,
        before: tuple[datetime, str] | None = None,
        status: Status | None = None,
        symbol: str | None = None,
        batch_id: str | None = None,
        schedule_id: str | None = None,
        created_after: datetime | None = None,
    ) -> Sequence[Analysis]:
        """Up to `limit` analyses, newest first, older than `before` (creation time and id)."""
        return self._store.list(
            tenant=tenant,
            limit=limit,
            before=before,
            status=status,
            symbol=symbol,
            batch_id=batch_id,
            schedule_id=schedule_id,
            created_after=created_after,
        )

    def cancel(self, id: str, *, tenant: str = "local") -> Analysis:
        """Ask the analysis to stop; one that has not begun stops at once.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            NotCancelable: it has already succeeded or failed.
        """
        found = self.get(id, tenant=tenant)
        if found.status in {"succeeded", "failed"}:
            raise NotCancelable(f"the analysis has already {found.status}")
        with self.transaction() as connection:
            self.cancel_within(connection, [id])
        return self.get(id, tenant=tenant)

    def cancel_within(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        """Ask analyses to stop, as part of the transaction of `connection`."""
        self._store.request_cancel(connection, ids)

    def pulses(self, ids: Sequence[str], *, tenant: str = "local") -> Mapping[str, tuple[int, bool]]:
        """Of each of the tenant's analyses among `ids`: the number of its last event, and whether it has ended."""
        return self._store.pulses(ids, tenant=tenant)

    def events(self, id: str, *, tenant: str = "local", after: int = 0, limit: int = 100) -> Sequence[Event]:
        """Up to `limit` events with `seq` greater than `after`, oldest first.

        Raises:
            NotFound: there is no such analysis, or it belongs to another tenant.
        """
        self.get(id, tenant=tenant)
        return self._store.events(id, after=after, limit=limit)

    def report(self, id: str, *, tenant: str = "local") -> Report:
        """The finished report.

        Raises:
            NotFound: there is no such analysis, or it belongs to another tenant.
            ReportNotReady: it has no report.
        """
        found = self.get(id, tenant=tenant)
        if found.status != "succeeded":
            state = "is not finished yet" if not found.is_terminal else f"ended as {found.status} and has no report"
            raise ReportNotReady(f"the analysis {state}")
        content = self._store.artifact(id, REPORT)
        if content is None:
            raise ReportNotReady("the analysis has no report")
        return Report.model_validate_json(content)

    def counts(self) -> JobCounts:
        """What metrics tell of the queue.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        _, oldest = self._store.queue_state()
        waited = (self._clock() - oldest).total_seconds() if oldest else 0.0
        return JobCounts(by_status=self._store.count_by_status(), oldest_waiting_s=max(0.0, waited))

    def readiness(self) -> Readiness:
        """Look at the database, the migrations, the queue and the workers. Never raises for what it finds."""
        found = look(lambda: self._database, self._settings, self._clock)
        if "queue" in found.checks:
            # Probes come before traffic: the job engine is loaded for them, and no first submission has to wait for it.
            _ = self._client
        return found

    def detail(self) -> JobDetail:
        """What an operator wants to know of queue and workers.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        workers = tuple(WorkerSeen(name=name, up_s=up_s, silent_s=silent_s) for name, up_s, silent_s in seen(self._database))
        return JobDetail(counts=self.counts(), workers=workers)

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            if self._dbos is not None:
                self._dbos.destroy()
            if self._engine is not None:
                self._engine.dispose()
            self._dbos = self._engine = self._analyses = None

    @property
    def _database(self) -> sa.Engine:
        # Made on first use, after gunicorn has forked: no connection may be shared by two processes.
        with self._lock:
            if self._engine is None:
                self._engine = make_engine(self._settings, pool_size=20 if self._settings.is_sqlite else 5, busy_timeout_s=self._patience_s)
            return self._engine

    @property
    def _store(self) -> AnalysisStore:
        engine = self._database
        with self._lock:
            if self._analyses is None:
                self._analyses = AnalysisStore(engine, clock=self._clock, configuration=self._configuration.hash)
            return self._analyses

    @property
    def _client(self) -> DBOSClient:
        engine = self._database
        with self._lock:
            if self._dbos is None:
                # The engine weighs 30 MB and half a second, which a process that is never asked whether it is ready, such as a command, need not pay.
                from dbos import DBOSClient  # noqa: PLC0415

                from crew.jobs.serializer import JsonSerializer  # noqa: PLC0415

                self._dbos = DBOSClient(
                    system_database_engine=engine, serializer=JsonSerializer(), application_name=APPLICATION, lazy=True, retry_connection_errors=False
                )
            return self._dbos
