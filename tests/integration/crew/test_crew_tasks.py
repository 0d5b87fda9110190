"""Whole tasks through real CrewAI against a loopback provider: drafts verified, calls counted, prompts bounded."""

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import write

from crew.agents.guard import RunGuard
from crew.domain.draft import SCHEMAS
from crew.domain.factsheet import FactSheet
from crew.domain.run import ModelCall, TaskResult
from crew.errors import BudgetExceeded, DeadlineExceeded, RunCanceled

LEVEL = ("research", "fundamentals", "technicals")


def test_the_whole_crew_runs_against_an_openai_compatible_server(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """Four tasks, tools called natively, every draft valid, and tokens counted exactly as the server counted them."""
    server, calls = serve(), []
    results = {name: run(name, server=server, calls=calls) for name in LEVEL}
    results["report"] = run("report", server=server, calls=calls, upstream=results)
    for name, result in results.items():
        SCHEMAS[result.schema_name].model_validate(result.draft)
        assert result.withheld == (), name
        assert result.model == "openai/test-model"
        assert result.tool_failures == ()
    assert [len(results[name].calls) for name in (*LEVEL, "report")] == [2, 2, 2, 1]
    assert len(calls) == len(server.requests)
    assert sum(call.prompt_tokens for call in calls) == server.prompt_tokens
    assert sum(call.completion_tokens for call in calls) == server.completion_tokens
    assert any("price.last" in answer for request in server.requests for answer in request.answered)


def test_parallel_tasks_of_parallel_jobs_are_counted_apart(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """Sixteen jobs at once: each receipt holds its own calls, the sum is the server's own count, and requests overlap."""
    together = threading.Barrier(3)

    def script(request: ModelRequest) -> Reply:
        if request.number <= 3:
            together.wait(15)
        return write(request)

    server = serve(script)

    def job(_number: int) -> list[ModelCall]:
        calls: list[ModelCall] = []
        run("technicals", server=server, calls=calls)
        return calls

    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(job, range(16)))
    assert [len(receipt) for receipt in receipts] == [2] * 16
    assert sum(call.prompt_tokens for receipt in receipts for call in receipt) == server.prompt_tokens
    assert sum(call.completion_tokens for receipt in receipts for call in receipt) == server.completion_tokens
    assert server.most_in_flight >= 3


def test_prompts_stay_small(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """A run without look-ups takes one call per task, and four calls at most 14,000 prompt tokens by the server's count."""
    server = serve(lambda request: write(request) if request.answered or not request.tools else write(_without_tools(request)))
    results = {name: run(name, server=server) for name in LEVEL}
    run("report", server=server, upstream=results)
    assert len(server.requests) == 4
    assert server.prompt_tokens <= 14_000


def test_the_reporter_sees_verified_claims_and_never_free_text(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """Text of upstream paragraphs stays out of the reporter's prompt; the claims are in it."""
    server = serve()
    upstream = {name: run(name, server=server) for name in LEVEL}
    marked = {
        name: result.model_copy(update={"draft": {**result.draft, **({"trend": "MARK-PROSE"} if name == "technicals" else {})}})
        for name, result in upstream.items()
    }
    server.requests.clear()
    run("report", server=server, upstream=marked)
    prompt = server.requests[0].text
    assert "MARK-PROSE" not in prompt
    assert upstream["technicals"].draft["claims"][0]["text"] in prompt


@pytest.mark.parametrize("language", ["en", "pt-BR", "es"])
def test_the_language_reaches_the_prompt(language: str, run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """The writer is told the language by its English name."""
    server = serve()
    run("technicals", server=server, language=language)
    assert f"Write in { {'en': 'English', 'es': 'Spanish'}.get(language, 'Brazilian Portuguese') }" in server.requests[0].text


def test_a_canceled_run_stops_before_the_next_call(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """Canceled while the first call is under way: the answer arrives, no second request is made."""
    canceled: list[bool] = []

    def script(request: ModelRequest) -> Reply:
        canceled.append(True)
        return write(request)

    server = serve(script)
    with pytest.raises(RunCanceled):
        run("technicals", server=server, guard=RunGuard(cancelled=lambda: bool(canceled)))
    assert len(server.requests) == 1


def test_a_stopped_guard_lets_no_call_pass(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """A sibling's failure stops a task before its first request."""
    server, guard = serve(), RunGuard()
    guard.stop()
    with pytest.raises(RunCanceled):
        run("technicals", server=server, guard=guard)
    assert server.requests == []


def test_the_deadline_ends_a_run_between_calls(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """Once the clock has passed the deadline no further request is made."""
    now = [0.0]

    def script(request: ModelRequest) -> Reply:
        now[0] += 100.0
        return write(request)

    server = serve(script)
    with pytest.raises(DeadlineExceeded):
        run("technicals", server=server, guard=RunGuard(deadline=50.0, clock=lambda: now[0]))
    assert len(server.requests) == 1


def test_a_cap_in_tokens_ends_a_run_before_the_call_that_could_exceed_it(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """A call passes only when its prompt and its longest answer fit under the cap: here the first does, the second no longer does."""
    server = serve()
    with pytest.raises(BudgetExceeded, match="STOCKCREW_MAX_TOKENS_PER_ANALYSIS"):
        run("technicals", server=server, guard=RunGuard(max_tokens=9_000))
    assert len(server.requests) == 1
    assert server.prompt_tokens + server.completion_tokens <= 9_000


def test_a_cap_too_small_for_one_call_makes_none(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """The cap holds before the first call as well."""
    server = serve()
    with pytest.raises(BudgetExceeded):
        run("technicals", server=server, guard=RunGuard(max_tokens=100))
    assert server.requests == []


def test_a_cap_in_money_ends_a_run_before_the_call_that_could_exceed_it(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """The price table turns tokens into money, and what has been spent stays under the cap."""
    server, calls = serve(), []
    with pytest.raises(BudgetExceeded, match="max_cost_usd"):
        run("technicals", server=server, model="openai/gpt-4.1", guard=RunGuard(max_cost_usd=0.043), calls=calls)
    assert len(server.requests) == 1
    assert 0 < sum(call.cost_usd or 0 for call in calls) <= 0.043


def test_a_cap_in_money_asked_for_is_not_ignored_for_want_of_a_price(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """A model without a known price is not called when somebody asked for a cap in money; the error says what to do."""
    server = serve()
    with pytest.raises(BudgetExceeded, match=r"no price is known for openai/test-model.*STOCKCREW_PRICES_FILE"):
        run("technicals", server=server, guard=RunGuard(max_cost_usd=1.0, priced_only=True))
    assert server.requests == []


def test_a_receipt_states_cached_tokens_and_money(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider], sheet: FactSheet) -> None:
    """Cached tokens are counted and charged at the cached rate."""
    server = serve(lambda request: Reply(text=write(_without_tools(request)).text, cached_tokens=1000))
    result = run("technicals", server=server, model="openai/gpt-4.1")
    (call,) = result.calls
    assert call.cached_tokens == 1000
    expected = ((call.prompt_tokens - 1000) * 2.0 + 1000 * 0.5 + call.completion_tokens * 8.0) / 1e6
    assert call.cost_usd == pytest.approx(expected)


def _without_tools(request: ModelRequest) -> ModelRequest:
    return ModelRequest(**{**request.__dict__, "tools": ()})


@pytest.mark.parametrize("writer", ["server", "rules"])
def test_what_a_task_needed_goes_with_it(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider], sheet: FactSheet, writer: str) -> None:
    """CrewAI's objects hold each other, but no longer the fact sheet: it is free at once, before the collector looks through all objects."""
    server = serve() if writer == "server" else None
    run(server=server)
    own = sheet.model_copy(deep=True)
    seen = weakref.ref(own)
    gc.collect()
    gc.disable()
    try:
        run(server=server, of=own)
        del own
        assert seen() is None
    finally:
        gc.enable()


def test_an_agent_works_in_the_thread_that_runs_it(run: Callable[..., TaskResult], serve: Callable[..., ModelProvider]) -> None:
    """Whatever the agent does between its model calls, it does where its task was begun: each change of threads has a price with many at once."""

    class Noted(list[ModelCall]):
        threads: ClassVar[set[int]] = set()

        def append(self, call: ModelCall) -> None:
            self.threads.add(threading.get_ident())
            super().append(call)

    calls = Noted()
    result = run(server=serve(), calls=calls)
    assert len(calls) == len(result.calls) == 2
    assert calls.threads == {threading.get_ident()}
