"""How one step is carried out: once, its result left as an artifact, its beginning and end logged, its failure put into words."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel

from crew.agents.guard import RunGuard
from crew.domain.analysis import Failure
from crew.errors import RunCanceled, StockcrewError, StoreUnavailable
from crew.jobs.metrics import WorkerMetrics
from crew.store.analyses import AnalysisStore

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
# Pauses before a write that must not be lost is tried again: doubling, about a minute in all.
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.25, 32.0
TASK = "task:"


class StepFailed(Exception):
    """A step failed for a reason that the analysis states; `failure` is None when somebody canceled it."""

    def __init__(self, failure: Failure | None) -> None:
        super().__init__(failure.message if failure else "canceled")
        self.failure = failure


class StepRunner:
    """Carries out steps of stored analyses.

    Args:
        store: where rows, events and artifacts live.
        metrics: told of what happens.
        sleep: waits between tries of a write that must not be lost.
    """

    def __init__(self, store: AnalysisStore, metrics: WorkerMetrics, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._metrics = metrics
        self._sleep = sleep

    def run(
        self, id: str, step: str, guard: RunGuard, work: Callable[[bool], BaseModel], *, agent: str | None = None, artifact: str | None = None
    ) -> BaseModel | None:
        """Leave the result of `work` under `artifact` (the step's name), unless it is there already; None in that case.

        `work` is told whether the step had been begun before and was cut off.

        Raises:
            StepFailed: the work failed, or somebody canceled it.
            StoreUnavailable: the database cannot be used; the step may be run again.
        """
        result, left = None, None
        name, shown = artifact or step, step.removeprefix(TASK)
        data: dict[str, Any] = {"step": shown, "agent": agent}
        cut_off = not self._store.begin_step(id, step, data, shown=shown)
        # What is begun for the first time has left nothing yet.
        if not cut_off or self._store.artifact(id, name) is None:
            began = time.monotonic()
            result = self.attempt(lambda: work(cut_off), guard, step=shown)
            left = (name, result.model_dump_json())
            seconds = time.monotonic() - began
            data["milliseconds"] = round(seconds * 1000)
            self._metrics.step_ended(shown, seconds)
        self.lasting(lambda: self._store.end_step(id, step, data, left=left, is_task=step.startswith(TASK)))
        return result

    def lasting(self, write: Callable[[], Answer]) -> Answer:
        """Do a write whose loss would cost a paid call: tried for about a minute while the database is away.

        Raises:
            StoreUnavailable: it stayed away.
        """
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return write()
            except StoreUnavailable:
                if pause > _LAST_PAUSE_S:
                    raise
            self._sleep(pause)
            pause *= 2

    def attempt(self, work: Callable[[], Answer], guard: RunGuard, *, step: str) -> Answer:
        """The answer of `work`, which belongs to `step`, unless `guard` stops it.

        Raises:
            StepFailed: the work failed, or somebody canceled it.
            StoreUnavailable: the database cannot be used.
        """
        try:
            guard.check()
            return work()
        except StoreUnavailable:
            raise
        except RunCanceled:
            self._metrics.step_failed(step, "canceled")
            raise StepFailed(None) from None
        except StockcrewError as error:
            failure = Failure(code=error.code, message=error.message, retryable=error.retryable)
            log.warning("step_failed", step=step, code=error.code, problem=error.message)
            self._metrics.step_failed(step, error.code)
            raise StepFailed(failure) from error
        except Exception as error:
            log.exception("step_crashed", step=step)
            self._metrics.step_failed(step, StockcrewError.code)
            message = f"step {step} failed unexpectedly ({type(error).__name__}); the log has the details"
            raise StepFailed(Failure(code=StockcrewError.code, message=message, retryable=False)) from error
