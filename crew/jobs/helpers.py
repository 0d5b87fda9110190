"""What a worker does beside analyses: it delivers webhooks, keeps the schedules, and ends what waits beyond its deadline."""

from collections.abc import Callable

import prometheus_client as prometheus
import sqlalchemy as sa

from crew.domain.analysis import Status
from crew.jobs.courier import Courier
from crew.jobs.deadlines import Deadlines
from crew.jobs.timetable import Timetable
from crew.settings import Settings


class Helpers:
    """The courier, the timetable and the deadlines of one worker.

    Args:
        engine: the database.
        settings: the configuration.
        worker: this worker's name, new at every start.
        registry: where metrics are kept.
        ended: told of the state of each analysis that is ended here.
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, worker: str, *, registry: prometheus.CollectorRegistry, ended: Callable[[Status], None]
    ) -> None:
        self._courier = Courier(engine, settings, worker, registry=registry)
        self._timetable = Timetable(engine, settings, worker)
        self._deadlines = Deadlines(engine, settings, ended=ended)
        self._patience_s = settings.webhook_timeout_s

    def start(self) -> None:
        """Begin all of it."""
        self._courier.start()
        self._deadlines.start()
        self._timetable.start()

    def stop_planning(self) -> None:
        """Start no further runs of schedules."""
        self._timetable.stop()
        self._deadlines.stop()

    def stop(self) -> None:
        """Let the deliveries that are under way end, and give the rest back."""
        self._courier.stop(within_s=min(self._patience_s, 5.0))
