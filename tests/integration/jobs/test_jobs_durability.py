"""Jobs that outlive their workers: real processes killed in the middle of each step, on SQLite and PostgreSQL."""

import ctypes
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from crew.domain.analysis import AnalysisRequest
from crew.errors import ReportNotReady
from crew.store.engine import make_engine
from crew.store.heartbeats import alive, seen

if TYPE_CHECKING:
    from conftest import Service

TASKS = ("research", "fundamentals", "technicals", "report")
LONG_S = 300.0
ALL = ("collect", "compute", *TASKS, "compose")
# What has ended when a step is cut off; the siblings of a task among it.
BEFORE = {
    "collect": (),
    "compute": ("collect",),
    "research": ("collect", "compute", "fundamentals", "technicals"),
    "report": ("collect", "compute", "research", "fundamentals", "technicals"),
    "compose": ("collect", "compute", *TASKS),
}


def _once_but(repeated: str) -> Counter[str]:
    """Every step begun and ended once, `repeated` begun twice."""
    return Counter([f"begin {repeated}", *(f"{what} {name}" for what in ("begin", "end") for name in ALL)])


def _held_in_research(service: "Service", **variables: str) -> "tuple[str, subprocess.Popen[str]]":
    """The id of an analysis whose research is held while its siblings have ended, and the worker that has it, with `variables` as settings."""
    service.hold("research")
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    worker = service.start_worker(**variables)
    service.wait_for(lambda: "begin research" in service.steps())
    service.await_end_of("fundamentals", "technicals")
    return id, worker


def _assert_whole_log(service: "Service", id: str) -> None:
    events = service.client.events(id, limit=500)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    once = Counter((event.type, event.data.get("step")) for event in events if event.type != "model.called")
    assert max(once.values()) == 1, once
    assert events[-1].type == "analysis.succeeded"


def test_a_job_runs_from_post_to_report(service: "Service") -> None:
    """A submitted request is worked through step by step and leaves a report, its log without gap or repeat."""
    submitted = service.client.submit(AnalysisRequest(symbol="AAPL"))
    service.start_worker()

    assert submitted.outcome == "created"
    assert service.finished(submitted.analysis.id).status == "succeeded"
    assert service.client.report(submitted.analysis.id).symbol == "AAPL"
    assert service.client.get(submitted.analysis.id).progress.completed_tasks == 4
    _assert_whole_log(service, submitted.analysis.id)


def test_independent_tasks_overlap(service: "Service") -> None:
    """Research, fundamentals and technicals are all begun before any of them has ended."""
    together = ("research", "fundamentals", "technicals")
    for task in together:
        service.hold(task)
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    service.start_worker()
    service.wait_for(lambda: {f"begin {task}" for task in together} <= set(service.steps()))

    assert not [line for line in service.steps() if line in {f"end {task}" for task in together}]
    for task in together:
        service.release(task)
    assert service.finished(id).status == "succeeded"


@pytest.mark.parametrize("step", BEFORE)
def test_kill_9_in_a_step_repeats_that_step_alone(sqlite_service: "Service", step: str) -> None:
    """After kill -9 in the middle of a step the next worker takes the job at once; nothing that had ended runs again."""
    service = sqlite_service
    service.hold(step)
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    first = service.start_worker()
    service.wait_for(lambda: f"begin {step}" in service.steps())
    service.await_end_of(*BEFORE[step])
    first.kill()
    first.wait()
    service.release(step)
    service.start_worker()

    assert service.finished(id).status == "succeeded"
    assert Counter(service.steps()) == _once_but(step)
    _assert_whole_log(service, id)
    calls = Counter((call.task, call.outcome) for call in service.client.report(id).provenance.model_calls)
    expected = Counter({(task, "ok"): 2 for task in TASKS})
    if step in TASKS:
        # One call before the kill, the cut, and the two of the second try: the receipt tells all of it.
        expected += Counter({(step, "ok"): 1, (step, "interrupted"): 1})
    assert calls == expected


@pytest.mark.postgres
def test_a_worker_that_never_comes_back_is_replaced(postgres_service: "Service") -> None:
    """Another worker takes over the job of one that was killed, and pays no finished step again."""
    service = postgres_service
    id, first = _held_in_research(service)
    service.start_worker()
    first.kill()
    service.wait_for(lambda: service.steps().count("begin research") == 2)
    service.release("research")

    assert service.finished(id).status == "succeeded"
    assert Counter(service.steps()) == _once_but("research")
    _assert_whole_log(service, id)


@pytest.mark.postgres
def test_a_worker_that_was_only_asleep_changes_nothing(postgres_service: "Service") -> None:
    """A stopped worker whose job was taken over wakes up and goes on to no effect: one report, one log, no later step run twice."""
    service = postgres_service
    service.deafen("research")
    id, first = _held_in_research(service)
    first.send_signal(signal.SIGSTOP)
    service.start_worker()
    service.wait_for(lambda: service.steps().count("begin research") == 2)
    service.release("research")
    assert service.finished(id).status == "succeeded"
    report, log = service.client.report(id), service.client.events(id, limit=500)
    first.send_signal(signal.SIGCONT)
    service.wait_for(lambda: service.steps().count("end research") == 2)
    first.terminate()
    assert first.wait(timeout=30) == 0

    assert service.client.report(id) == report
    assert {event.type for event in service.client.events(id, limit=500)[len(log) :]} <= {"model.called"}
    assert service.client.get(id).progress.completed_tasks == 4
    assert Counter(service.steps()) == _once_but("research") + Counter(["end research"])


@pytest.mark.postgres
def test_locks_of_a_frozen_process_hold_nothing_up(postgres_service: "Service") -> None:
    """A job whose row is locked by a transaction that nobody goes on with is taken over all the same, by a worker whose heart never stood still."""
    service = postgres_service
    id, first = _held_in_research(service)
    engine = make_engine(service.settings)
    try:
        (dying,) = alive(engine, within_s=LONG_S)
        service.start_worker()
        service.wait_for(lambda: len(alive(engine, within_s=LONG_S)) == 2)
        (survivor,) = alive(engine, within_s=LONG_S) - {dying}
        # Announced is not yet alive: its heart beats once the engine is up.
        service.wait_for(lambda: any(name == survivor and since_start > silent for name, since_start, silent in seen(engine)))
        frozen = engine.connect()
        frozen.execute(sa.text("SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = :id FOR UPDATE"), {"id": id})
        first.kill()
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            assert survivor in alive(engine, within_s=3.0), "the survivor's heart waits for the lock"
            time.sleep(0.1)
        assert service.steps().count("begin research") == 1
        service.wait_for(lambda: service.steps().count("begin research") == 2)
        with pytest.raises(sa.exc.DBAPIError, match="idle-in-transaction"):
            frozen.execute(sa.text("SELECT 1"))
    finally:
        engine.dispose()
    service.release("research")

    assert service.finished(id).status == "succeeded"
    assert Counter(service.steps()) == _once_but("research")


@pytest.mark.postgres
def test_sigterm_hands_the_job_to_another_worker(postgres_service: "Service") -> None:
    """A worker that cannot finish within its drain time gives its job back, and another goes on with it without waiting for its death."""
    service = postgres_service
    patient = {"STOCKCREW_DRAIN_S": "0.1", "STOCKCREW_DEAD_AFTER_S": "300"}
    id, first = _held_in_research(service, **patient)
    service.start_worker(**patient)
    first.terminate()
    assert first.wait(timeout=30) == 0
    service.wait_for(lambda: service.steps().count("begin research") == 2)
    service.release("research")

    assert service.finished(id).status == "succeeded"
    assert Counter(service.steps()) == _once_but("research")
    _assert_whole_log(service, id)


def test_sigterm_drains(service: "Service") -> None:
    """SIGTERM lets the running job end and exits 0."""
    service.hold("report")
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    worker = service.start_worker(STOCKCREW_DRAIN_S="60")
    service.wait_for(lambda: "begin report" in service.steps())
    worker.terminate()
    service.release("report")

    assert worker.wait(timeout=90) == 0
    assert service.client.get(id).status == "succeeded"


def test_a_stop_signal_is_heard_whichever_thread_gets_it(sqlite_service: "Service") -> None:
    """SIGTERM that the kernel hands to a thread other than the main one ends the worker like any other."""
    worker = sqlite_service.start_worker(STOCKCREW_LOG_LEVEL="INFO")
    sqlite_service.wait_for(lambda: "worker_ready" in sqlite_service.output(0).read_text())
    time.sleep(0.2)  # until its main thread waits for the signal and does nothing else
    threads = sorted(int(entry.name) for entry in Path(f"/proc/{worker.pid}/task").iterdir())
    assert ctypes.CDLL(None).tgkill(worker.pid, threads[-1], signal.SIGTERM) == 0

    assert threads[-1] != worker.pid
    assert worker.wait(timeout=60) == 0


def test_a_job_that_kills_its_workers_is_given_up(sqlite_service: "Service") -> None:
    """When the allowed number of workers have died on one job it fails for good, and the next worker lives on."""
    service = sqlite_service
    service.log.with_name("die-compute").touch()
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    for _ in range(2):
        assert service.start_worker(STOCKCREW_MAX_RECOVERY_ATTEMPTS="1").wait(timeout=60) == 9
    last = service.start_worker(STOCKCREW_MAX_RECOVERY_ATTEMPTS="1")
    ended = service.finished(id)

    assert (ended.status, last.poll()) == ("failed", None)
    assert ended.failure is not None
    assert "given up" in ended.failure.message
    assert service.client.events(id)[-1].type == "analysis.failed"


def test_a_second_worker_on_sqlite_is_refused(sqlite_service: "Service") -> None:
    """A second worker of the same SQLite file ends at once and says why."""
    sqlite_service.start_worker()
    sqlite_service.wait_for(lambda: sqlite_service.client.readiness().checks["worker"].ok)
    second = sqlite_service.start_worker()

    assert second.wait(timeout=60) != 0
    assert "SQLite takes one worker" in sqlite_service.output(1).read_text()


def test_without_a_worker_jobs_wait_and_readiness_says_so(sqlite_service: "Service") -> None:
    """A job posted while no worker is alive is kept, and readiness names the missing worker."""
    id = sqlite_service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    readiness = sqlite_service.client.readiness()

    assert not readiness.ok
    assert "no worker is alive" in readiness.checks["worker"].detail
    assert sqlite_service.client.get(id).status == "queued"


def test_a_failing_task_ends_the_job_and_its_siblings(service: "Service") -> None:
    """One task's failure ends the analysis with its code, and its siblings before their next model call."""
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    service.hold("research")
    service.start_worker(failing="technicals")
    ended = service.finished(id)

    assert ended.status == "failed"
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == ("model_unavailable", True)
    assert "begin report" not in service.steps()
    assert "end research" not in service.steps()
    with pytest.raises(ReportNotReady):
        service.client.report(id)


def test_an_unknown_symbol_fails_before_any_task(service: "Service") -> None:
    """A ticker the provider does not know fails the analysis by name, before a model is asked."""
    id = service.client.submit(AnalysisRequest(symbol="NOSUCH")).analysis.id
    service.start_worker()
    ended = service.finished(id)

    assert ended.failure is not None
    assert ended.failure.code == "symbol_not_found"
    assert not any("research" in line for line in service.steps())


def test_a_running_job_stops_when_canceled(service: "Service") -> None:
    """Cancel stops a running analysis before its next model call, and the log ends with it."""
    id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    service.hold("research")
    service.start_worker()
    service.wait_for(lambda: "begin research" in service.steps())
    service.client.cancel(id)

    assert service.finished(id).status == "canceled"
    assert "begin report" not in service.steps()
    assert service.client.events(id, limit=500)[-1].type == "analysis.canceled"
