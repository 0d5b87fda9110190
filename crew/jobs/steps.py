"""The steps of one stored analysis: collect, compute, the crew's tasks, compose. Each reads what the steps before it left."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
from pydantic import BaseModel

from crew.agents.guard import RunGuard
from crew.agents.memory import give_back
from crew.domain.analysis import Analysis, AnalysisRequest, Failure, Status
from crew.domain.factsheet import FactSheet
from crew.domain.market import MarketSnapshot
from crew.domain.report import Report
from crew.domain.run import ModelCall, TaskResult
from crew.errors import StoreUnavailable
from crew.jobs.budget import ensure_affordable, guard_for, left_s
from crew.jobs.metrics import WorkerMetrics
from crew.jobs.pipeline import COLLECT, COMPOSE, COMPUTE, Pipeline
from crew.jobs.stepping import TASK, StepFailed, StepRunner
from crew.settings import Settings
from crew.store.analyses import AnalysisStore, Asker, utc_now
from crew.telemetry import Tracing

log = structlog.get_logger(__name__)
Result = TypeVar("Result", bound=BaseModel)
Kept = TypeVar("Kept")
CANCEL_LOOK_S = 0.5
# While analyses are under way: pages given back after each of them would have to be fetched again by the others, a tenth of their time.
GIVE_BACK_EVERY_S = 30.0
REPORT = "report"


class Steps:
    """Runs the steps of stored analyses with a pipeline.

    Every method may raise StoreUnavailable, and may then be called again: what has been done is not done twice. The steps
    raise StepFailed for a reason that the analysis states.

    Args:
        store: where rows, events and artifacts live.
        pipeline: the work itself.
        settings: deadline and caps.
        metrics: told of what happens.
        sleep: waits between tries of a write that must not be lost.
        tracing: where spans go; nowhere unless given.
    """

    def __init__(
        self,
        store: AnalysisStore,
        pipeline: Pipeline,
        settings: Settings,
        metrics: WorkerMetrics,
        *,
        sleep: Callable[[float], None] = time.sleep,
        tracing: Tracing | None = None,
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._settings = settings
        self._metrics = metrics
        self._runner = StepRunner(store, metrics, sleep=sleep)
        self._tracing = tracing or Tracing(None)
        self._guards: dict[str, RunGuard] = {}
        self._read: dict[tuple[str, str], BaseModel] = {}
        self._askers: dict[str, Asker] = {}
        self._analyses: dict[str, Analysis] = {}
        self._gave_back_at = float("-inf")
        self._lock = threading.Lock()

    def plan(self, id: str) -> list[list[str]]:
        """Mark the analysis running and say which tasks follow in which levels; nothing when it has ended already."""
        levels = [list(level) for level in self._pipeline.levels()]
        if not self._store.begin(id, total_tasks=sum(map(len, levels))):
            return []
        asker = self._asker(id)
        self._tracing.waited("queue", asker.traceparent, since=asker.created_at, attributes={"stockcrew.analysis_id": id})
        log.info("analysis_begun", waited_s=round((utc_now() - asker.created_at).total_seconds(), 3))
        return levels

    def collect(self, id: str) -> None:
        """Collect market data."""
        request = self._begun(id).request
        self._run(id, COLLECT, self._guard(id), lambda _cut_off: self._pipeline.collect(request))

    def compute(self, id: str) -> None:
        """Compute the fact sheet, and from it what the crew is going to take; refuse what would not end under its cap."""
        request = self._begun(id).request
        guard = self._shared_guard(id)

        def work(_cut_off: bool) -> FactSheet:
            snapshot = self._kept(id, COLLECT, MarketSnapshot)
            return self._pipeline.compute(request, snapshot, guard=guard, on_call=lambda call: self._log_call(id, call))

        self._run(id, COMPUTE, guard, work)
        self._runner.attempt(lambda: self._estimate(id, request), self._guard(id), step=COMPUTE)

    def _run(
        self, id: str, step: str, guard: RunGuard, work: Callable[[bool], BaseModel], *, agent: str | None = None, artifact: str | None = None
    ) -> None:
        """Run a step; what it made is remembered, so that the steps after it need not read it back."""
        made = self._runner.run(id, step, guard, work, agent=agent, artifact=artifact)
        if made is not None:
            with self._lock:
                self._read[id, artifact or step] = made

    def _estimate(self, id: str, request: AnalysisRequest) -> None:
        found = self._pipeline.estimate(request, self._kept(id, COMPUTE, FactSheet))
        self._store.log(id, "analysis.estimated", found.model_dump(mode="json"), once="estimated")
        ensure_affordable(found, request, self._settings)

    def task(self, id: str, name: str, upstream: list[str]) -> None:
        """Run one task of the crew on what `upstream` tasks established. When it fails, its siblings' next model call is refused."""
        request = self._begun(id).request
        guard = self._shared_guard(id)

        def work(cut_off: bool) -> TaskResult:
            if cut_off:
                self._log_call(id, self._interrupted(name, request))
            result = self._pipeline.run_task(
                name,
                request=request,
                sheet=self._kept(id, COMPUTE, FactSheet),
                upstream={task: self._kept(id, TASK + task, TaskResult) for task in upstream},
                guard=guard,
                on_call=lambda call: self._log_call(id, call),
            )
            return self._with_earlier_calls(id, result) if cut_off else result

        try:
            self._run(id, TASK + name, guard, work, agent=self._pipeline.agent_of(name))
        except StepFailed:
            guard.stop()
            raise

    def compose(self, id: str, tasks: list[str]) -> None:
        """Compose the report and end the analysis as succeeded."""
        request = self._begun(id).request

        def work(_cut_off: bool) -> Report:
            results = {task: self._kept(id, TASK + task, TaskResult) for task in tasks}
            report = self._pipeline.compose(id, request, self._kept(id, COMPUTE, FactSheet), results)
            return report.lasting(round(1000 * self._used_s(self._begun(id))))

        self._run(id, COMPOSE, self._guard(id), work, artifact=REPORT)
        report = self._kept(id, REPORT, Report)
        if self._store.finish(id, "succeeded", report_status=report.status, data={"report_status": report.status}):
            self._metrics.analysis_ended("succeeded")
            self._metrics.withheld(len(report.withheld))
            log.info("analysis_ended", status="succeeded", report_status=report.status)

    def end_failed(self, id: str, failure: Failure | None) -> None:
        """End the analysis as failed, or as canceled when there is no failure."""
        status: Status = "failed" if failure else "canceled"
        if self._store.finish(id, status, failure=failure):
            self._metrics.analysis_ended(status)
            log.info("analysis_ended", status=status, code=failure.code if failure else None)

    def release(self, id: str) -> None:
        """Forget what is kept in memory for the analysis, and give memory back when it was the last, or now and then."""
        with self._lock:
            self._guards.pop(id, None)
            for key in [key for key in self._read if key[0] == id]:
                del self._read[key]
            self._askers.pop(id, None)
            self._analyses.pop(id, None)
            now = time.monotonic()
            is_due = not self._askers or now - self._gave_back_at > GIVE_BACK_EVERY_S
            if is_due:
                self._gave_back_at = now
        if is_due:
            give_back()

    @contextmanager
    def around(self, id: str, step: str) -> Iterator[None]:
        """Name the analysis, its request and its owner on every log line within, and make the step part of the request's trace."""
        asker = self._asker(id)
        named = {"analysis_id": id, "request_id": asker.request_id, "tenant": asker.tenant, "key_id": asker.key_id}
        with structlog.contextvars.bound_contextvars(**named), self._tracing.span(f"step {step}", asker.traceparent, {"stockcrew.analysis_id": id}):
            yield

    def _asker(self, id: str) -> Asker:
        return self._once(self._askers, id, self._store.asker)

    def _begun(self, id: str) -> Analysis:
        """The analysis as it was once it had begun: its request and its start, which do not change any more."""
        return self._once(self._analyses, id, self._store.get)

    def _once(self, kept: dict[str, Kept], id: str, make: Callable[[str], Kept]) -> Kept:
        """What is kept for the analysis, made when first asked for; of two made at the same time the first kept counts."""
        with self._lock:
            found = kept.get(id)
        if found is None:
            made = make(id)
            with self._lock:
                found = kept.setdefault(id, made)
        return found

    def _guard(self, id: str) -> RunGuard:
        """Stops a step of an analysis that was canceled in the store or is out of time."""
        found = self._begun(id)
        return guard_for(
            found.request,
            self._settings,
            deadline=time.monotonic() + left_s(found, self._settings, utc_now()),
            cancelled=_throttled(lambda: self._is_unwanted(id), CANCEL_LOOK_S),
        )

    @staticmethod
    def _used_s(analysis: Analysis) -> float:
        """Seconds since the analysis started."""
        now = utc_now()
        return (now - (analysis.started_at or now)).total_seconds()

    def _shared_guard(self, id: str) -> RunGuard:
        """The one guard of all tasks of the analysis. It counts what was spent before a restart as well."""
        return self._once(self._guards, id, self._counting_guard)

    def _counting_guard(self, id: str) -> RunGuard:
        guard = self._guard(id)
        for call in self._store.model_calls(id):
            guard.count(call)
        return guard

    def _is_unwanted(self, id: str) -> bool:
        try:
            return not self._store.is_wanted(id)
        except StoreUnavailable:
            # The next look will tell: a database that is away for a moment is no reason to lose a paid step.
            return False

    def _log_call(self, id: str, call: ModelCall) -> None:
        self._metrics.model_called(call)
        self._tracing.model_called(call, self._asker(id).traceparent)
        self._runner.lasting(lambda: self._store.log(id, "model.called", call.model_dump(mode="json")))

    def _interrupted(self, name: str, request: AnalysisRequest) -> ModelCall:
        """The call that was under way when the task was cut off. Nobody knows what it cost."""
        return ModelCall(
            task=name,
            agent=self._pipeline.agent_of(name) or "",
            model=request.model or self._settings.model,
            prompt_tokens=0,
            completion_tokens=0,
            milliseconds=0,
            outcome="interrupted",
        )

    def _with_earlier_calls(self, id: str, result: TaskResult) -> TaskResult:
        """`result` with every call that was made for it, those before the interruption included."""
        calls = (
            call.model_copy(update={"model": result.model}) if call.outcome == "interrupted" else call
            for call in self._store.model_calls(id, task=result.task)
        )
        return result.model_copy(update={"calls": tuple(calls)})

    def _kept(self, id: str, name: str, model: type[Result]) -> Result:
        """What a step left. It never changes, so it is read once for all the steps that build on it."""
        with self._lock:
            known = self._read.get((id, name))
        if isinstance(known, model):
            return known
        content = self._store.artifact(id, name)
        if content is None:
            raise RuntimeError(f"{id}: step {name} left nothing")
        found = model.model_validate_json(content)
        with self._lock:
            self._read[id, name] = found
        return found


def _throttled(look: Callable[[], bool], interval_s: float) -> Callable[[], bool]:
    """`look` at most every `interval_s` seconds; once true it stays true."""
    state = {"at": float("-inf"), "value": False}

    def cached() -> bool:
        now = time.monotonic()
        if not state["value"] and now - state["at"] >= interval_s:
            state["at"], state["value"] = now, look()
        return bool(state["value"])

    return cached
