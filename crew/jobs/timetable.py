"""The worker's timetable: fires schedules, starts their runs, submits an analysis for each symbol, and sees the runs end."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from crew.domain.analysis import AnalysisRequest, Origin
from crew.errors import Gone, InputError, NotFound, ServiceError, StockcrewError
from crew.jobs.client import JobClient
from crew.jobs.loop import Loop
from crew.settings import Settings
from crew.store.analyses import utc_now
from crew.store.runs import RunStore
from crew.store.schedules import ScheduleStore

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=60)
INTERVAL_S = 1.0
HOUSEKEEPING_EVERY_S = 3600.0
_AT_ONCE = 20


class Timetable:
    """Keeps the schedules of all tenants, alone or beside the timetables of other workers.

    Args:
        engine: the database.
        settings: the configuration.
        worker: this worker's name, new at every start.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, worker: str, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._worker = worker
        self._clock = clock
        self._schedules = ScheduleStore(engine, clock=clock)
        self._runs = RunStore(engine, clock=clock)
        self._planned_id = ""
        # The same use case as behind every other door; only the id is chosen before.
        self._jobs = JobClient(settings, clock=clock, ids=lambda: self._planned_id)
        self._cleaned_at = float("-inf")
        self._loop = Loop("timetable", self.round, interval_s=min(INTERVAL_S, 2 * settings.poll_interval_s))

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """Fire and submit nothing more."""
        self._loop.stop()
        self._jobs.close()

    def round(self) -> bool:
        """Do what is due; whether there may be more at once.

        Raises:
            ServiceError: the database cannot be used or too many analyses wait; the next round goes on.
        """
        self._clean_up()
        # First, so that a run which has ended stands in nobody's way.
        self._runs.finish_ended()
        fired = self._schedules.fire_due()
        if fired:
            log.info("schedules_fired", runs=fired)
        for run in self._runs.waiting():
            self._advance(run)
        return self._submit_some()

    def _advance(self, run: sa.Row[Any]) -> None:
        if self._runs.begin(run):
            log.info("schedule_run_started", run_id=run.id, schedule_id=run.schedule_id, trigger=run.trigger)
        elif run.overlap == "cancel_running":
            self._runs.give_up(run.schedule_id, "a newer run took its place")
            for analysis_id in self._runs.running_of(run.schedule_id):
                self._cancel(analysis_id, run.tenant)

    def _cancel(self, analysis_id: str, tenant: str) -> None:
        try:
            self._jobs.cancel(analysis_id, tenant=tenant)
        except InputError:
            # It ended by itself in between.
            return

    def _submit_some(self) -> bool:
        run = self._runs.claim(self._worker, lease=LEASE)
        if run is None:
            return False
        for item in self._runs.planned(run.id, limit=_AT_ONCE):
            self._submit(run, item)
        return True

    def _submit(self, run: sa.Row[Any], item: sa.Row[Any]) -> None:
        try:
            if self._is_there(item.analysis_id, run.tenant):
                # A worker died between the submission and its note.
                self._runs.settle(item, "created", analysis_id=item.analysis_id)
                return
            request = AnalysisRequest(symbol=item.symbol, language=run.language, model=run.model, force=True)
            self._planned_id = item.analysis_id
            submitted = self._jobs.submit(request, tenant=run.tenant, request_id=run.id, origin=Origin(key_id=run.created_by))
        except ServiceError:
            raise  # it stays planned, and the next round goes on
        except StockcrewError as error:
            log.warning("schedule_item_failed", run_id=run.id, symbol=item.symbol, code=error.code, problem=error.message)
            self._runs.settle(item, "failed", analysis_id=None, problem=error.message)
        except Exception as error:
            log.exception("schedule_item_crashed", run_id=run.id, symbol=item.symbol)
            self._runs.settle(item, "failed", analysis_id=None, problem=f"it could not be submitted ({type(error).__name__})")
        else:
            kept = self._runs.settle(item, submitted.outcome, analysis_id=submitted.analysis.id)
            if not kept and submitted.outcome == "created":
                self._cancel(submitted.analysis.id, run.tenant)

    def _is_there(self, analysis_id: str, tenant: str) -> bool:
        try:
            self._jobs.get(analysis_id, tenant=tenant)
        except NotFound:
            return False
        except Gone:
            return True  # it was there, has ended and was deleted: that is no reason to start it again
        return True

    def _clean_up(self) -> None:
        if time.monotonic() - self._cleaned_at < HOUSEKEEPING_EVERY_S:
            return
        self._cleaned_at = time.monotonic()
        deleted = self._runs.delete_old(self._clock() - timedelta(days=self._settings.retention_days))
        log.info("schedule_housekeeping", runs_deleted=deleted)
