"""The durable workflow of one analysis. Its body only orders steps; every look at clock, network, database or model is inside one."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict, TypeVar

from dbos import DBOS

from crew.domain.analysis import Failure
from crew.errors import StoreUnavailable
from crew.jobs.names import WORKFLOW
from crew.jobs.pipeline import upstream_of
from crew.jobs.stepping import StepFailed
from crew.jobs.steps import Steps

Answer = TypeVar("Answer")
Outcome = dict[str, Any]
Analyse = Callable[[str], Coroutine[Any, Any, Outcome]]
DONE: Outcome = {"ok": True}


class Retry(TypedDict):
    """The engine's options for trying a step again."""

    retries_allowed: bool
    max_attempts: int
    interval_seconds: float
    backoff_rate: float
    should_retry: Callable[[BaseException], bool]


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, StoreUnavailable)


# A database that is away for a minute costs no analysis: half a second, doubled, eight times. Models and markets are tried again by their clients.
RETRY = Retry(retries_allowed=True, max_attempts=8, interval_seconds=0.5, backoff_rate=2.0, should_retry=_is_passing)


class _Pool:
    """Runs blocking work in threads with the context of the step that asks, without which the engine would not know the step."""

    def __init__(self, pool: ThreadPoolExecutor, steps: Steps) -> None:
        self._pool = pool
        self._steps = steps

    async def run(self, id: str, name: str, work: Callable[[], Answer]) -> Answer:
        def within() -> Answer:
            with self._steps.around(id, name):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, contextvars.copy_context().run, within)

    async def outcome(self, id: str, name: str, work: Callable[[], None]) -> Outcome:
        """A failure is returned, not raised: its checkpoint is plain JSON, and its siblings' results are kept."""
        try:
            await self.run(id, name, work)
        except StepFailed as error:
            return {"ok": False, "failure": error.failure.model_dump() if error.failure else None}
        return DONE


def register(  # noqa: C901 - the engine registers functions, each of which is a line or two
    steps: Steps, threads: ThreadPoolExecutor, *, max_recovery_attempts: int, running: Callable[[int], None]
) -> Analyse:
    """Register the workflow and its steps with the engine. Call once per process, after `DBOS()` and before its launch.

    Args:
        steps: the work.
        threads: where it blocks.
        max_recovery_attempts: workers that may die on one job before it is given up.
        running: told +1 when an analysis begins here and -1 when it leaves.
    """
    pool = _Pool(threads, steps)

    @DBOS.step(name="plan", **RETRY)
    async def plan(id: str) -> list[list[str]]:
        return await pool.run(id, "plan", lambda: steps.plan(id))

    @DBOS.step(name="collect", **RETRY)
    async def collect(id: str) -> Outcome:
        return await pool.outcome(id, "collect", lambda: steps.collect(id))

    @DBOS.step(name="compute", **RETRY)
    async def compute(id: str) -> Outcome:
        return await pool.outcome(id, "compute", lambda: steps.compute(id))

    @DBOS.step(name="task", **RETRY)
    async def task(id: str, name: str, upstream: list[str]) -> Outcome:
        return await pool.outcome(id, name, lambda: steps.task(id, name, upstream))

    @DBOS.step(name="compose", **RETRY)
    async def compose(id: str, tasks: list[str]) -> Outcome:
        return await pool.outcome(id, "compose", lambda: steps.compose(id, tasks))

    @DBOS.step(name="end", **RETRY)
    async def end(id: str, failure: dict[str, Any] | None) -> None:
        await pool.run(id, "end", lambda: steps.end_failed(id, Failure.model_validate(failure) if failure else None))

    async def carry_out(id: str, levels: list[list[str]]) -> Outcome:
        outcome = await collect(id)
        if outcome["ok"]:
            outcome = await compute(id)
        for level in levels:
            if outcome["ok"]:
                # The engine numbers the steps as they are called, and these are called in the plan's order before any of them waits.
                outcome = _worst(await asyncio.gather(*(task(id, name, upstream_of(levels, name)) for name in level)))
        if outcome["ok"]:
            outcome = await compose(id, [name for level in levels for name in level])
        return outcome

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=max_recovery_attempts)
    async def analyse(id: str) -> Outcome:
        running(1)
        try:
            levels = await plan(id)
            outcome = await carry_out(id, levels) if levels else DONE
            if not outcome["ok"]:
                await end(id, outcome["failure"])
            return outcome
        finally:
            steps.release(id)
            running(-1)

    return analyse


def _worst(outcomes: list[Outcome]) -> Outcome:
    """A failure that says why before one that was only stopped on another's account, before success."""
    failed = [outcome for outcome in outcomes if not outcome["ok"]]
    reasons = [outcome for outcome in failed if outcome["failure"]]
    return (reasons or failed or [DONE])[0]
