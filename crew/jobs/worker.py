"""The worker process: takes analyses from the queue, runs them durably, and leaves none behind when it goes."""

import math
import os
import signal
import socket
import sqlite3
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, error
from sqlalchemy.engine import make_url

from crew import logs
from crew.errors import ConfigurationError, StoreUnavailable
from crew.jobs.heart import Heart
from crew.jobs.helpers import Helpers
from crew.jobs.lock import worker_lock
from crew.jobs.metrics import WorkerMetrics
from crew.jobs.migrate import ensure_migrated
from crew.jobs.names import APPLICATION, APPLICATION_VERSION, QUEUE
from crew.jobs.pipeline import CrewPipeline, Pipeline
from crew.jobs.recovery import Recovery
from crew.jobs.serializer import JsonSerializer
from crew.jobs.steps import Steps
from crew.jobs.workflow import register
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from crew.telemetry import configured_tracing

log = structlog.get_logger(__name__)
THREADS_PER_JOB = 4
# A signal that the kernel hands to another thread, or just before this one falls asleep, does not wake it: Python would call the
# handler only when the main thread next runs by itself.
_LOOK_S = 0.5


def run_worker(settings: Settings, pipeline: Pipeline | None = None) -> int:
    """Work until SIGTERM or SIGINT, then finish what is running within `drain_s`, queue the rest again, and end the process with 0.

    Call it from the main thread of a process of its own.

    Args:
        settings: names the database and the intervals.
        pipeline: the work; the real one unless a test brings its own.

    Raises:
        ConfigurationError: settings, agents.yaml, tasks.yaml or the database's version are wrong.
        StoreUnavailable: the database cannot be reached or written.
        WorkerAlreadyRunning: another worker has the SQLite file.
    """
    logs.configure(settings)
    _require_sqlite(settings)
    ensure_migrated(settings)
    with _alone_on_sqlite(settings):
        work = pipeline or CrewPipeline(settings)
        if isinstance(work, CrewPipeline):
            work.warm()
        worker = _Worker(settings, work)
        # After the import of CrewAI, which may put handlers of its own in place.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.on_signal)
        worker.run()
    return 0


def _require_sqlite(settings: Settings) -> None:
    if settings.is_sqlite and sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        raise ConfigurationError(
            f"Python 3.12 and newer need SQLite 3.42 or newer, this is {sqlite3.sqlite_version}: use Python 3.11, or DATABASE_URL"
        )


@contextmanager
def _alone_on_sqlite(settings: Settings) -> Iterator[None]:
    if settings.is_sqlite:
        with worker_lock(Path(str(make_url(settings.resolved_database_url).database))):
            yield
    else:
        yield


class _Worker:
    def __init__(self, settings: Settings, pipeline: Pipeline) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._stop = threading.Event()
        # New at every start: an engine that restarts under an old name would claim jobs that others have taken over.
        self._executor_id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._engine = make_engine(settings, pool_size=20)
        self._store = AnalysisStore(self._engine)
        self._metrics = WorkerMetrics()
        self._tracing = configured_tracing(settings, service="stockcrew-worker")
        self._running = 0

    def on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature signal wants
        self._stop.set()

    def run(self) -> None:
        recovery = Recovery(self._engine, self._store, self._settings, self._executor_id)
        heart = Heart(recovery, self._engine, self._store, self._settings, self._metrics)
        self._metrics.serve(self._settings)
        try:
            reclaimed = recovery.announce()
            self._launch()
        except sa.exc.DBAPIError as problem:
            raise StoreUnavailable(f"the database cannot be used: {str(problem.orig).strip()}") from problem
        except error.DBOSInitializationError as problem:
            raise ConfigurationError(f"the job engine cannot start: run `stockcrew migrate` first ({problem})") from problem
        heart.start()
        helpers = Helpers(self._engine, self._settings, self._executor_id, registry=self._metrics.registry, ended=self._metrics.analysis_ended)
        helpers.start()
        log.info("worker_ready", executor_id=self._executor_id, concurrency=self._settings.worker_concurrency, jobs_reclaimed=reclaimed)
        while not self._stop.wait(_LOOK_S):
            pass
        helpers.stop_planning()
        self._drain()
        helpers.stop()
        heart.stop()
        try:
            log.info("worker_left", jobs_handed_back=recovery.leave())
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
            log.warning("worker_left_without_goodbye", problem=str(problem).splitlines()[0])
        self._tracing.close()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of steps that did not end in time must not keep the process: their jobs are queued again already.
        os._exit(0)

    def _launch(self) -> None:
        config = DBOSConfig(
            name=APPLICATION,
            system_database_url=self._settings.resolved_database_url,
            system_database_engine=self._engine,
            executor_id=self._executor_id,
            application_version=APPLICATION_VERSION,
            serializer=JsonSerializer(),
            run_migrations=False,
            log_level="WARNING",
        )
        DBOS(config=config)
        threads = ThreadPoolExecutor(self._settings.worker_concurrency * THREADS_PER_JOB, thread_name_prefix="step")
        steps = Steps(self._store, self._pipeline, self._settings, self._metrics, tracing=self._tracing)
        register(steps, threads, max_recovery_attempts=self._settings.max_recovery_attempts, running=self._count)
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._settings.worker_concurrency,
            polling_interval_sec=self._settings.poll_interval_s,
            on_conflict="always_update",
        )

    def _count(self, change: int) -> None:
        # Only ever called in the engine's one event loop.
        self._running += change
        self._metrics.running.set(self._running)

    def _drain(self) -> None:
        log.info("worker_draining", running=self._running, within_s=self._settings.drain_s)
        # The engine looks once a second whether all has ended; with nothing running there is nothing to wait for.
        DBOS.destroy(workflow_completion_timeout_sec=math.ceil(self._settings.drain_s) if self._running else 0)
