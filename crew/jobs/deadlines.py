"""Ends queued analyses whose own deadline has passed. Those that run are stopped by their guard."""

from collections.abc import Callable

import sqlalchemy as sa
import structlog

from crew.agents.guard import OUT_OF_TIME
from crew.domain.analysis import Failure, Status
from crew.errors import DeadlineExceeded
from crew.jobs.loop import Loop
from crew.settings import Settings
from crew.store.analyses import AnalysisStore, Clock, utc_now

log = structlog.get_logger(__name__)
INTERVAL_S = 1.0


class Deadlines:
    """Watches the queue until `stop`, alone or beside other workers.

    Args:
        engine: the database.
        settings: how often to look.
        ended: told of the state of each analysis that was ended.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, *, ended: Callable[[Status], None], clock: Clock = utc_now) -> None:
        self._store = AnalysisStore(engine, clock=clock)
        self._ended = ended
        self._loop = Loop("deadlines", self.round, interval_s=min(INTERVAL_S, 2 * settings.poll_interval_s))

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """End nothing more."""
        self._loop.stop()

    def round(self) -> bool:
        """End what is overdue; whether there was any.

        Raises:
            StoreUnavailable: the database cannot be used; the next round goes on.
        """
        late = self._store.overdue()
        failure = Failure(code=DeadlineExceeded.code, message=OUT_OF_TIME, retryable=DeadlineExceeded.retryable)
        for id in late:
            if self._store.finish(id, "failed", failure=failure):
                self._ended("failed")
                log.info("analysis_ended", analysis_id=id, status="failed", code=failure.code)
        return bool(late)
