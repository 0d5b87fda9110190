"""How long a task waits: a trickling answer, a deadline in the middle of a call, a provider that is left alone, a sibling that failed."""

import json
import threading
import time
from collections.abc import Callable

import pytest
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import draft_for, subject_of

from crew.agents.breaker import OPEN_S, OUTAGES_TO_OPEN
from crew.agents.guard import RunGuard
from crew.domain.analysis import AnalysisRequest, Event
from crew.domain.run import ModelCall, TaskResult
from crew.errors import DeadlineExceeded, ModelRejected, ModelUnavailable, RunCanceled
from crew.jobs.inline import analyze
from crew.settings import Settings

Run = Callable[..., TaskResult]
Serve = Callable[..., ModelProvider]


def direct(request: ModelRequest) -> Reply:
    """The draft at once."""
    return Reply(text=json.dumps(draft_for(request.text)))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_answer_that_trickles_ends_at_the_timeout(streamed: bool, run: Run, serve: Serve) -> None:
    """Each piece comes in time, the whole does not: the call ends, and each request on the receipt took no longer than its limit."""
    calls: list[ModelCall] = []
    server = serve(lambda request: Reply(text=direct(request).text, trickle_s=0.2))
    with pytest.raises(ModelUnavailable, match="no whole answer"):
        run(server=server, calls=calls, timeout_s=1.0, model_stream=streamed)
    assert len(server.requests) == 3
    assert all(call.milliseconds < 4_000 for call in calls)


def test_the_deadline_cuts_a_call_off(run: Run, serve: Serve) -> None:
    """A call that is under way when the time of the analysis is up does not get its own timeout on top."""
    arrived: list[float] = []

    def since_it_arrived() -> float:
        return time.monotonic() - arrived[0] if arrived else 0.0

    def late(_request: ModelRequest) -> Reply:
        arrived.append(time.monotonic())
        return Reply(text="late", delay_s=8.0)

    server = serve(late)
    with pytest.raises(DeadlineExceeded):
        run(server=server, guard=RunGuard(deadline=1.0, clock=since_it_arrived), timeout_s=30.0)
    assert since_it_arrived() < 6.0
    assert len(server.requests) == 1


def _open_the_breaker(run: Run, server: ModelProvider) -> None:
    for _ in range(OUTAGES_TO_OPEN):
        with pytest.raises(ModelUnavailable):
            run(server=server)


def test_an_open_breaker_fails_at_once_by_default(run: Run, serve: Serve) -> None:
    """After repeated outages no further request is made, and the error says for how long."""
    server = serve(lambda _request: Reply(status=503))
    _open_the_breaker(run, server)
    before = len(server.requests)
    with pytest.raises(ModelUnavailable, match="left alone") as raised:
        run(server=server)
    assert len(server.requests) == before == 3 * OUTAGES_TO_OPEN
    assert 0 < (raised.value.retry_after_s or 0) <= OPEN_S


def test_a_waiting_task_stops_when_it_is_canceled(run: Run, serve: Serve) -> None:
    """With STOCKCREW_MODEL_OUTAGE=wait a task holds on without asking the provider, looks at its guard, and leaves when told to."""
    server, waits = serve(lambda _request: Reply(status=503)), []
    _open_the_breaker(run, server)
    before = len(server.requests)
    with pytest.raises(RunCanceled):
        run(server=server, waits=waits, guard=RunGuard(cancelled=lambda: len(waits) >= 5), model_outage="wait")
    assert len(waits) == 5
    assert all(0 < wait <= 1.0 for wait in waits)
    assert len(server.requests) == before


def test_a_waiting_task_ends_at_its_deadline(run: Run, serve: Serve) -> None:
    """It waits no longer than the analysis may last."""
    server, waits = serve(lambda _request: Reply(status=503)), []
    _open_the_breaker(run, server)
    guard = RunGuard(deadline=10.0, clock=lambda: float(len(waits)))
    with pytest.raises(DeadlineExceeded):
        run(server=server, waits=waits, guard=guard, model_outage="wait")
    assert len(waits) >= 9


def test_a_fallback_is_asked_before_anybody_waits(run: Run, serve: Serve) -> None:
    """While another model is configured the open breaker costs no time."""
    server, waits = serve(lambda request: Reply(status=503) if request.model == "test-model" else direct(request)), []
    _open_the_breaker(run, server)
    result = run(server=server, waits=waits, model_outage="wait", model_fallbacks=("rules",))
    assert (result.model, waits) == ("rules", [])
    assert "rules was asked instead" in result.tool_failures[0]


def test_a_failed_task_stops_its_siblings_before_their_next_call(serve: Serve, data_dir: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """One task of three fails for good while another is in a call: that call ends, no further one is made, and what was finished is told."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    failed, finished = threading.Event(), threading.Event()

    def script(request: ModelRequest) -> Reply:
        if subject_of(request.text) == "technicals":
            return direct(request)
        if subject_of(request.text) == "fundamentals":
            finished.wait(20)
            failed.set()
            return Reply(status=400, text="no")
        failed.wait(20)
        time.sleep(3.0)
        return Reply(calls=(("fact_lookup", {"id": "price.last"}),))

    server = serve(script)
    settings = Settings.model_validate(
        {"market_data": "sample", "data_dir": data_dir, "model": "openai/test-model", "model_base_url": f"{server.url}/v1"}
    )
    seen: list[Event] = []

    def see(event: Event) -> None:
        seen.append(event)
        if (event.type, event.data.get("step")) == ("step.finished", "technicals"):
            finished.set()

    with pytest.raises(ModelRejected):
        analyze(AnalysisRequest(symbol="AAPL"), settings, on_event=see)
    asked = [subject_of(request.text) for request in server.requests]
    assert asked.count("research") == asked.count("fundamentals") == 1
    assert "report" not in asked
    assert [event.data["step"] for event in seen if event.type == "step.finished"][2:] == ["technicals"]
