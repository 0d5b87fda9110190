"""The worker's pulse in a thread of its own: heartbeat, recovery and gauges at each beat, housekeeping once an hour."""

import threading
import time
from datetime import timedelta

import sqlalchemy as sa
import structlog
from dbos import DBOS

from crew.errors import StoreUnavailable
from crew.jobs.metrics import WorkerMetrics
from crew.jobs.recovery import Recovery
from crew.settings import Settings
from crew.store.analyses import AnalysisStore, utc_now
from crew.store.batches import BatchStore
from crew.store.documents import DocumentStore
from crew.store.heartbeats import forget_silent
from crew.store.idempotency import IdempotencyStore

log = structlog.get_logger(__name__)
HOUSEKEEPING_EVERY_S = 3600.0
_BATCH = 200
# Long enough that a worker which slept through a takeover is still told apart from one that never was.
_KEEP_SILENT_S = 24 * 3600.0


class Heart:
    """Beats until `stop`. It goes on while the worker drains, so that nobody takes over what is still being finished.

    Args:
        recovery: heartbeat and takeover.
        engine: the database.
        store: the analyses in it.
        settings: interval and retention.
        metrics: told of each beat.
    """

    def __init__(self, recovery: Recovery, engine: sa.Engine, store: AnalysisStore, settings: Settings, metrics: WorkerMetrics) -> None:
        self._recovery = recovery
        self._engine = engine
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._stop = threading.Event()
        self._cleaned_at = float("-inf")
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _beat_on(self) -> None:
        while not self._stop.wait(self._settings.heartbeat_s):
            try:
                self._beat()
            except (sa.exc.DBAPIError, sa.exc.TimeoutError, StoreUnavailable) as error:
                log.warning("heartbeat_failed", problem=str(error).splitlines()[0])
            except Exception:
                # Without a pulse others would take this worker's jobs over; the next beat may well succeed.
                log.exception("heartbeat_crashed")

    def _beat(self) -> None:
        taken = self._recovery.tick()
        if taken:
            log.info("jobs_taken_over", jobs=taken)
            self._metrics.taken_over.inc(taken)
        waiting, oldest = self._store.queue_state()
        self._metrics.waiting.set(waiting)
        self._metrics.oldest.set(max(0.0, (utc_now() - oldest).total_seconds()) if oldest else 0.0)
        self._metrics.last_beat.set_to_current_time()
        if time.monotonic() - self._cleaned_at >= HOUSEKEEPING_EVERY_S and not self._stop.is_set():
            self._cleaned_at = time.monotonic()
            self._clean_up()

    def _clean_up(self) -> None:
        """Delete what is kept no longer: the engine's rows first, so that a crash in between leaves nothing that nobody would find."""
        deleted = 0
        moment = utc_now() - timedelta(days=self._settings.retention_days)
        while ids := list(self._store.finished_before(moment, limit=_BATCH)):
            DBOS.delete_workflows(ids)
            self._store.delete(ids)
            deleted += len(ids)
        documents = DocumentStore(self._engine).delete_old(moment)
        answers = IdempotencyStore(self._engine).delete_old()
        forgotten = self._store.forget_deleted(moment)
        with self._store.transaction() as connection:
            batches = BatchStore(clock=utc_now).delete_old(connection, moment)
        workers = forget_silent(self._engine, for_s=_KEEP_SILENT_S)
        log.info(
            "housekeeping",
            analyses_deleted=deleted,
            documents_deleted=documents,
            answers_deleted=answers,
            batches_deleted=batches,
            traces_forgotten=forgotten,
            heartbeats_deleted=workers,
        )
