"""The same pipeline in this process, for the command line: no server, no database, no second process."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crew.agents.guard import RunGuard
from crew.agents.memory import give_back
from crew.domain.analysis import AnalysisRequest, Event, EventType
from crew.domain.factsheet import FactSheet
from crew.domain.ids import new_id
from crew.domain.report import Report
from crew.domain.run import Estimate, ModelCall, TaskResult
from crew.errors import RunCanceled
from crew.jobs.budget import ensure_affordable, guard_for
from crew.jobs.pipeline import COLLECT, COMPOSE, COMPUTE, CrewPipeline, Pipeline, upstream_of
from crew.settings import Settings
from crew.store.analyses import utc_now


class _Log:
    def __init__(self, id: str, total: int, on_event: Callable[[Event], None]) -> None:
        self._id, self._total, self._on_event, self._seq = id, total, on_event, 0
        self._lock = threading.Lock()

    def __call__(self, type: EventType, **data: Any) -> None:
        with self._lock:
            self._seq += 1
            self._on_event(Event(analysis_id=self._id, seq=self._seq, type=type, at=utc_now(), data={**data, "total": self._total}))


def estimate(request: AnalysisRequest, settings: Settings, *, pipeline: Pipeline | None = None) -> Estimate:
    """What the analysis is expected to take: market data is collected and figures are computed, but no model is called.

    Raises:
        StockcrewError: there is nothing to estimate from.
    """
    work = pipeline or CrewPipeline(settings)
    guard = guard_for(request, settings, deadline=time.monotonic() + settings.job_deadline_s)
    return work.estimate(request, work.compute(request, work.collect(request), guard=guard, on_call=lambda _call: None))


def _sheet(work: Pipeline, request: AnalysisRequest, settings: Settings, log: _Log, guard: RunGuard) -> FactSheet:
    """The fact sheet, once what the crew is going to take fits under the cap."""
    log("step.started", step=COLLECT)
    snapshot = work.collect(request)
    log("step.finished", step=COLLECT)
    log("step.started", step=COMPUTE)
    sheet = work.compute(request, snapshot, guard=guard, on_call=lambda call: log("model.called", **call.model_dump(mode="json")))
    log("step.finished", step=COMPUTE)
    expected = work.estimate(request, sheet)
    log("analysis.estimated", **expected.model_dump(mode="json"))
    ensure_affordable(expected, request, settings)
    return sheet


def analyze(
    request: AnalysisRequest, settings: Settings, *, on_event: Callable[[Event], None] = lambda _event: None, pipeline: Pipeline | None = None
) -> Report:
    """Run one analysis to its end and return the report; `on_event` sees the events that the service would log.

    Raises:
        StockcrewError: whatever made it fail.
    """
    work = pipeline or CrewPipeline(settings)
    levels = [list(level) for level in work.levels()]
    id = new_id("an")
    log = _Log(id, sum(map(len, levels)) + 3, on_event)
    began = time.monotonic()
    guard = guard_for(request, settings, deadline=began + min(settings.job_deadline_s, request.deadline_s or settings.job_deadline_s))
    log("analysis.started")
    sheet = _sheet(work, request, settings, log, guard)
    results: dict[str, TaskResult] = {}

    def run(name: str) -> TaskResult:
        agent = work.agent_of(name)
        log("step.started", step=name, agent=agent)
        upstream = {task: results[task] for task in upstream_of(levels, name)}
        try:
            result = work.run_task(name, request=request, sheet=sheet, upstream=upstream, guard=guard, on_call=on_call)
        except Exception:
            guard.stop()
            raise
        log("step.finished", step=name, agent=agent)
        return result

    def on_call(call: ModelCall) -> None:
        log("model.called", **call.model_dump(mode="json"))

    with ThreadPoolExecutor(max(map(len, levels), default=1)) as pool:
        for level in levels:
            futures = {name: pool.submit(run, name) for name in level}
            errors = [error for future in futures.values() if (error := future.exception()) is not None]
            if errors:
                raise next((error for error in errors if not isinstance(error, RunCanceled)), errors[0])
            results |= {name: future.result() for name, future in futures.items()}
    log("step.started", step=COMPOSE)
    report = work.compose(id, request, sheet, results).lasting(round(1000 * (time.monotonic() - began)))
    log("step.finished", step=COMPOSE)
    log("analysis.succeeded", report_status=report.status)
    give_back()
    return report
