"""Submitting a request: a new analysis with its job in one transaction, or the one that answers it already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from crew.domain.analysis import Analysis, AnalysisRequest, Origin
from crew.domain.base import Value
from crew.errors import StoreUnavailable
from crew.jobs.names import APPLICATION, APPLICATION_VERSION, PRIORITY, QUEUE, WORKFLOW
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.documents import attach
from crew.store.quotas import Quotas, nanos, require_room

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

_SUBMIT_TRIES = 5


class _FinishedMeanwhile(Exception):
    """Undoes a submission because the same analysis has just succeeded."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(analysis.id)
        self.analysis = analysis


class Submission(Value):
    """A submitted analysis: `created` anew, `joined` to the same one under way, or `reused` from one fresh enough."""

    analysis: Analysis
    outcome: Literal["created", "joined", "reused"]


class Submitter:
    """Stores and enqueues analyses.

    Args:
        store: keeps the analyses.
        engine: gives the client of the job engine.
        settings: how long a finished analysis is fresh.
        clock: gives the time in UTC.
        ids: makes the id of a new analysis.
        costs: says whether a request can cost money.
    """

    def __init__(
        self,
        store: AnalysisStore,
        engine: Callable[[], DBOSClient],
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        costs: Callable[[AnalysisRequest], bool],
    ) -> None:
        self._store = store
        self._job_engine = engine
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._costs = costs
        self._quotas = Quotas(settings)

    def submit(self, request: AnalysisRequest, *, tenant: str, request_id: str | None, origin: Origin | None) -> Submission:
        """Store and enqueue `request` in one transaction, or find the analysis that already answers it.

        Raises:
            QuotaExceeded: a limit of the key is reached; nothing was stored.
            Overloaded: too many analyses wait; nothing was stored.
            StoreUnavailable: the database cannot be used; nothing was stored.
        """
        finished = self._fresh(request, tenant)
        if finished is not None:
            return Submission(analysis=finished, outcome="reused")
        return self._submit(self._store.transaction, None, request, tenant=tenant, request_id=request_id, origin=origin)

    def submit_within(
        self, connection: sa.Connection, request: AnalysisRequest, *, tenant: str, request_id: str | None, origin: Origin | None
    ) -> Submission:
        """The same as part of the transaction of `connection`, which has written already and is kept or undone as a whole.

        `require_room` is to be called at the end of that transaction.
        """

        @contextmanager
        def savepoint() -> Iterator[sa.Connection]:
            with connection.begin_nested():
                yield connection

        return self._submit(savepoint, connection, request, tenant=tenant, request_id=request_id, origin=origin)

    def require_room(self, connection: sa.Connection) -> None:
        """See to it that what was queued in the transaction of `connection` has room.

        Raises:
            Overloaded: it has not; undo the transaction.
        """
        require_room(connection, most=self._settings.max_queued)

    def _submit(
        self,
        scope: Callable[[], AbstractContextManager[sa.Connection]],
        around: sa.Connection | None,
        request: AnalysisRequest,
        *,
        tenant: str,
        request_id: str | None,
        origin: Origin | None,
    ) -> Submission:
        # A twin that ends between the insert that it blocks and the look for it leaves nothing to join: then the insert works.
        for _ in range(_SUBMIT_TRIES):
            id = self._ids()
            try:
                with scope() as connection:
                    made = self._insert(connection, id, request, tenant=tenant, request_id=request_id, origin=origin)
                    if around is None:
                        self.require_room(connection)
            except _FinishedMeanwhile as found:
                return Submission(analysis=found.analysis, outcome="reused")
            except IntegrityError:
                twin = self._store.live_twin(request, tenant=tenant, connection=around)
                if twin is not None:
                    return Submission(analysis=twin, outcome="joined")
            else:
                return Submission(analysis=made, outcome="created")
        raise StoreUnavailable("the same request kept ending while it was joined: try again")

    def _fresh(self, request: AnalysisRequest, tenant: str, connection: sa.Connection | None = None) -> Analysis | None:
        if request.force:
            return None
        since = self._clock() - timedelta(seconds=self._settings.freshness_s)
        return self._store.finished_twin(request, tenant=tenant, since=since, connection=connection)

    def _insert(
        self, connection: sa.Connection, id: str, request: AnalysisRequest, *, tenant: str, request_id: str | None, origin: Origin | None
    ) -> Analysis:
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": id,
            "app_version": APPLICATION_VERSION,
            "application_name": APPLICATION,
            "priority": PRIORITY,
        }
        key_id = origin.key_id if origin is not None else None
        limits = self._quotas.open(connection, key_id)
        cap = nanos(request.max_cost_usd or self._settings.max_cost_usd) if self._costs(request) else 0
        made = self._store.insert(connection, id, request, tenant=tenant, total_tasks=0, request_id=request_id, origin=origin, cap_nanousd=cap)
        attach(connection, id, request, tenant=tenant)
        # The insert waited for a twin that was just ending, if there was one: now its end can be seen.
        finished = self._fresh(request, tenant, connection)
        if finished is not None:
            raise _FinishedMeanwhile(finished)
        if limits is not None and key_id is not None:
            self._quotas.check(connection, limits, tenant=tenant, key_id=key_id, now=self._clock(), costs=cap > 0)
        self._job_engine().enqueue_in_transaction(connection, options, id)
        return made
