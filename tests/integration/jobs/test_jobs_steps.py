"""Steps on a real store, run twice as after a crash, cut off, out of reach of the database."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fakes.pipeline import SlowPipeline

from crew.domain.analysis import AnalysisRequest, Failure
from crew.domain.run import TaskResult
from crew.errors import BudgetExceeded, RunCanceled, StoreUnavailable
from crew.jobs.metrics import WorkerMetrics
from crew.jobs.migrate import migrate
from crew.jobs.stepping import StepFailed
from crew.jobs.steps import Steps
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from crew.store.tables import analyses

ID = "an_one"
REQUEST = AnalysisRequest(symbol="AAPL")


class FlakyStore(AnalysisStore):
    """A store that is away for the next `away` calls of the methods named in `which`."""

    away = 0
    which: tuple[str, ...] = ()

    def _maybe(self, name: str) -> None:
        if name in self.which and self.away:
            self.away -= 1
            raise StoreUnavailable("the database is away")

    def log(self, id: str, type: Any, data: dict[str, Any], *, once: str | None = None) -> bool:
        self._maybe("log")
        return super().log(id, type, data, once=once)

    def begin_step(self, id: str, step: str, data: dict[str, Any], *, shown: str) -> bool:
        self._maybe("log")
        return super().begin_step(id, step, data, shown=shown)

    def end_step(self, id: str, step: str, data: dict[str, Any], *, left: tuple[str, str] | None, is_task: bool) -> None:
        self._maybe("end_step")
        super().end_step(id, step, data, left=left, is_task=is_task)

    def is_wanted(self, id: str) -> bool:
        self._maybe("is_wanted")
        return super().is_wanted(id)


@dataclass
class Bench:
    """Steps over a store with one running analysis."""

    store: FlakyStore
    steps: Steps
    log: Path
    slept: list[float] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What the pipeline's steps have noted."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes a bench; settings by keyword."""
    engines: list[sa.Engine] = []

    def make(**changes: Any) -> Bench:
        settings = Settings(data_dir=tmp_path / "data", market_data="sample", **changes)
        migrate(settings)
        engines.append(make_engine(settings))
        store, log, slept = FlakyStore(engines[-1]), tmp_path / "steps.log", []
        steps = Steps(store, SlowPipeline(settings, log, seconds=0), settings, WorkerMetrics(), sleep=slept.append)
        with store.transaction() as connection:
            store.insert(connection, ID, REQUEST, tenant="local", total_tasks=0, request_id=None)
        steps.plan(ID)
        return Bench(store, steps, log, slept)

    yield make
    for engine in engines:
        engine.dispose()


def test_a_step_whose_result_is_kept_is_not_run_again(make_bench: Callable[..., Bench]) -> None:
    """A crash between the end of a step and the engine's checkpoint costs nothing: the second run finds the result."""
    bench = make_bench()
    for _ in range(2):
        bench.steps.collect(ID)
        bench.steps.compute(ID)
        bench.steps.task(ID, "research", [])

    assert bench.lines() == ["begin collect", "end collect", "begin compute", "end compute", "begin research", "end research"]
    assert [event.type for event in bench.store.events(ID, after=0, limit=99)].count("step.finished") == 3
    assert bench.store.get(ID).progress.completed_tasks == 1


def test_a_paid_result_outlasts_a_database_that_is_away(make_bench: Callable[..., Bench]) -> None:
    """Keeping a result and logging a call are tried again, with growing pauses, instead of running the task once more."""
    bench = make_bench()
    bench.steps.collect(ID)
    bench.steps.compute(ID)
    bench.store.which, bench.store.away = ("end_step", "is_wanted"), 4
    bench.steps.task(ID, "research", [])

    assert bench.lines().count("begin research") == 1
    assert bench.slept == sorted(bench.slept)
    assert bench.slept


def test_a_database_that_stays_away_is_no_failure_of_the_analysis(make_bench: Callable[..., Bench]) -> None:
    """A step that cannot reach the store raises so, for the engine to run it again; the analysis is not blamed."""
    bench = make_bench()
    bench.store.which, bench.store.away = ("end_step",), 99
    with pytest.raises(StoreUnavailable):
        bench.steps.collect(ID)
    bench.store.away = 0
    bench.steps.collect(ID)

    assert sum(bench.slept) < 90
    assert bench.store.get(ID).status == "running"


def test_spending_before_a_restart_counts(make_bench: Callable[..., Bench]) -> None:
    """The cap in tokens holds over all tasks and all workers of one analysis: each call costs 15 here."""
    bench = make_bench(max_tokens_per_analysis=30)
    bench.steps.collect(ID)
    bench.steps.compute(ID)
    bench.steps.task(ID, "research", [])
    bench.steps.release(ID)
    with pytest.raises(StepFailed) as stopped:
        bench.steps.task(ID, "fundamentals", [])

    assert stopped.value.failure is not None
    assert stopped.value.failure.code == BudgetExceeded.code


def test_the_estimate_is_told_once_and_before_any_task(make_bench: Callable[..., Bench]) -> None:
    """It is an event of the log, with a line a task; a second run of the step tells it no second time."""
    bench = make_bench(model="openai/gpt-5-mini")
    bench.steps.collect(ID)
    for _ in range(2):
        bench.steps.compute(ID)
    told = [event for event in bench.store.events(ID, after=0, limit=99) if event.type == "analysis.estimated"]

    assert len(told) == 1
    assert [line["task"] for line in told[0].data["lines"]] == ["research", "fundamentals", "technicals", "report"]
    assert 0 < told[0].data["cost_usd"] < told[0].data["high_cost_usd"]


def test_what_will_not_end_under_its_cap_is_not_begun(make_bench: Callable[..., Bench]) -> None:
    """An estimate above the cap fails the analysis by name before any task."""
    bench = make_bench(model="openai/gpt-5-mini", max_cost_usd=0.001)
    bench.steps.collect(ID)
    with pytest.raises(StepFailed) as stopped:
        bench.steps.compute(ID)

    assert stopped.value.failure is not None
    assert stopped.value.failure.code == BudgetExceeded.code
    assert "expected to cost" in stopped.value.failure.message


def test_what_siblings_finished_is_kept(make_bench: Callable[..., Bench]) -> None:
    """A task that fails takes nothing from one that has finished: its result and its calls stay in the store."""
    bench = make_bench()
    bench.steps.collect(ID)
    bench.steps.compute(ID)
    bench.steps.task(ID, "research", [])
    with pytest.raises(StepFailed):
        bench.steps.task(ID, "nosuch", [])
    bench.steps.end_failed(ID, Failure(code="internal_error", message="m", retryable=False))

    kept = bench.store.artifact(ID, "task:research")
    assert kept is not None
    assert TaskResult.model_validate_json(kept).task == "research"
    assert len(bench.store.model_calls(ID, task="research")) == 2


def test_an_analysis_out_of_time_fails_by_name(make_bench: Callable[..., Bench]) -> None:
    """The deadline counts from the start of the analysis and ends it with its own code."""
    bench = make_bench(job_deadline_s=1e-6)
    with pytest.raises(StepFailed) as stopped:
        bench.steps.collect(ID)

    assert stopped.value.failure == Failure(
        code="deadline_exceeded", message="the analysis ran out of time (deadline_s of the request, else STOCKCREW_JOB_DEADLINE_S)", retryable=True
    )
    assert bench.lines() == []


def test_a_deadline_of_the_request_holds_beside_the_configured_one(make_bench: Callable[..., Bench]) -> None:
    """An analysis whose own time is up stops though the service would give it more."""
    bench = make_bench()
    wished = json.dumps({"deadline_s": 1})
    with bench.store.transaction() as connection:
        connection.execute(sa.update(analyses).values(wishes=wished, created_at=datetime(2026, 3, 12, tzinfo=UTC)))
    with pytest.raises(StepFailed) as stopped:
        bench.steps.collect(ID)

    assert stopped.value.failure is not None
    assert stopped.value.failure.code == "deadline_exceeded"
    assert bench.lines() == []


def test_a_step_of_an_ended_analysis_pays_nothing(make_bench: Callable[..., Bench]) -> None:
    """A worker that comes back to an analysis which has ended meanwhile does no work for it and adds nothing to its log."""
    bench = make_bench()
    bench.store.finish(ID, "canceled")
    before = bench.store.events(ID, after=0, limit=99)
    with pytest.raises(StepFailed) as stopped:
        bench.steps.collect(ID)

    assert stopped.value.failure is None
    assert bench.lines() == []
    assert bench.store.events(ID, after=0, limit=99) == before


def test_an_unexpected_error_tells_its_kind_alone(make_bench: Callable[..., Bench]) -> None:
    """A crash in a step becomes internal_error with the kind of the error; its text, which may hold anything, stays in the log."""
    bench = make_bench()
    bench.steps.collect(ID)
    bench.steps.compute(ID)
    with pytest.raises(StepFailed) as stopped:
        bench.steps.task(ID, "nosuch", [])

    assert stopped.value.failure is not None
    assert stopped.value.failure.code == "internal_error"
    assert stopped.value.failure.message == "step nosuch failed unexpectedly (KeyError); the log has the details"


def test_a_failed_task_stops_its_siblings(make_bench: Callable[..., Bench]) -> None:
    """After one task has failed the next model call of any other is refused."""
    bench = make_bench()
    bench.steps.collect(ID)
    bench.steps.compute(ID)
    with pytest.raises(StepFailed):
        bench.steps.task(ID, "nosuch", [])
    with pytest.raises(StepFailed) as stopped:
        bench.steps.task(ID, "technicals", [])

    assert isinstance(stopped.value.__context__, RunCanceled)


def test_parallel_events_are_numbered_without_gap(service: Any) -> None:
    """Eight threads that log at once, some of it twice, leave numbers without gap or double."""
    id = service.client.submit(REQUEST).analysis.id
    store = AnalysisStore(make_engine(service.settings, pool_size=8))
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda number: store.log(id, "step.started", {}, once=f"step-{number % 40}"), range(80)))
        list(pool.map(lambda _: store.log(id, "step.finished", {}), range(40)))

    assert new.count(True) == 40
    assert [event.seq for event in store.events(id, after=0, limit=500)] == list(range(1, 82))
