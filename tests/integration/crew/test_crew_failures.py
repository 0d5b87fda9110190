"""Every way a provider can fail, over the wire: the error it becomes, and how many requests it cost."""

import contextlib
import json
from collections.abc import Callable

import pytest
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider, Script
from fakes.model_writer import draft_for, write
from fakes.waiting import until

from crew.domain.run import ModelCall, TaskResult
from crew.errors import ModelRateLimited, ModelRejected, ModelUnavailable, OutputInvalid, StockcrewError

Run = Callable[..., TaskResult]
Serve = Callable[..., ModelProvider]


def direct(request: ModelRequest) -> Reply:
    """The draft at once, without a look-up."""
    return Reply(text=json.dumps(draft_for(request.text)))


def first(*replies: Reply, then: Script = direct) -> Script:
    """A script that gives `replies` in order and goes on with `then`."""
    waiting = list(replies)
    return lambda request: waiting.pop(0) if waiting else then(request)


def always(reply: Reply) -> Script:
    """A script that knows one answer."""
    return lambda _request: reply


@pytest.mark.parametrize(
    ("reply", "error", "requests", "says"),
    [
        (Reply(status=429), ModelRateLimited, 3, "refuses further requests"),
        (Reply(status=429, headers={"Retry-After": "2"}), ModelRateLimited, 3, "refuses further requests"),
        (Reply(status=429, headers={"Retry-After": "3600"}), ModelRateLimited, 1, "refuses further requests"),
        (Reply(status=500), ModelUnavailable, 3, "500"),
        (Reply(status=503), ModelUnavailable, 3, "503"),
        (Reply(status=401), ModelRejected, 1, "OPENAI_API_KEY"),
        (Reply(status=403), ModelRejected, 1, "OPENAI_API_KEY"),
        (Reply(status=400, text="context too long: rate limit of nothing"), ModelRejected, 1, "context too long"),
        (Reply(status=404, text="no such model"), ModelRejected, 1, "no such model"),
        (Reply(raw=b"<html>gateway</html>", headers={"Content-Type": "text/html"}), StockcrewError, 3, "openai/test-model"),
        (Reply(text=""), OutputInvalid, 3, "empty"),
        (Reply(text=None), OutputInvalid, 3, "empty"),
    ],
    ids=lambda value: f"{value.status}{value.headers.get('Retry-After', '')}" if isinstance(value, Reply) else None,
)
def test_a_lasting_failure_costs_at_most_three_requests(
    reply: Reply, error: type[StockcrewError], requests: int, says: str, run: Run, serve: Serve
) -> None:
    """The error says what happened, and each request is on the receipt."""
    server, calls = serve(always(reply)), []
    with pytest.raises(error, match=says):
        run(server=server, calls=calls)
    assert len(server.requests) == requests
    assert len(calls) == requests


@pytest.mark.parametrize("reply", [Reply(status=429), Reply(status=500), Reply(text="")], ids=["429", "500", "empty"])
def test_a_passing_failure_is_got_over(reply: Reply, run: Run, serve: Serve) -> None:
    """One failure costs one more request, and the task succeeds."""
    server, calls = serve(first(reply)), []
    result = run(server=server, calls=calls)
    assert result.withheld == ()
    assert len(server.requests) == 2
    assert [call.outcome for call in calls] == ["error", "ok"]


def test_retry_after_is_honoured(run: Run, serve: Serve) -> None:
    """The wait is at least what the provider asks for, and only a little more."""
    waits: list[float] = []
    server = serve(first(Reply(status=429, headers={"Retry-After": "7"})))
    run(server=server, waits=waits)
    assert len(waits) == 1
    assert 7.0 <= waits[0] <= 9.0


def test_retry_after_as_a_date_is_understood(run: Run, serve: Serve) -> None:
    """A date in the past means at once."""
    waits: list[float] = []
    server = serve(first(Reply(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})))
    run(server=server, waits=waits)
    assert len(waits) == 1
    assert waits[0] <= 2.0


def test_waits_grow_and_differ(run: Run, serve: Serve) -> None:
    """Without a hint the second wait is longer than the first, and neither is a round number."""
    waits: list[float] = []
    with pytest.raises(ModelUnavailable):
        run(server=serve(always(Reply(status=500))), waits=waits)
    assert waits[0] < waits[1]
    assert all(wait != round(wait) for wait in waits)


def test_a_hanging_provider_is_given_up_on(run: Run, serve: Serve) -> None:
    """Each request ends at its timeout; after three the task fails."""
    server = serve(always(Reply(text="late", delay_s=3.0)))
    with pytest.raises(ModelUnavailable, match=r"Timeout|timed out"):
        run(server=server, timeout_s=1.0)
    until(lambda: len(server.requests) >= 3)
    assert len(server.requests) == 3


def test_a_provider_that_is_not_there_is_unavailable(run: Run, serve: Serve) -> None:
    """A refused connection becomes the same error."""
    server = serve()
    server.__exit__(None, None, None)
    calls: list[ModelCall] = []
    with pytest.raises(ModelUnavailable):
        run(server=server, calls=calls)
    assert len(calls) == 3


@pytest.mark.parametrize(
    "dressed",
    [lambda text: f"```json\n{text}\n```", lambda text: f"Certainly! Here is the draft {{as asked}}:\n\n{text}\n\nLet me know."],
    ids=["fenced", "prose"],
)
def test_json_with_something_around_it_is_read(dressed: Callable[[str], str], run: Run, serve: Serve) -> None:
    """A fence or prose around the object costs nothing."""
    server = serve(lambda request: Reply(text=dressed(json.dumps(draft_for(request.text)))))
    result = run(server=server)
    assert result.repair_rounds == 0
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text="I cannot help with that."),
        Reply(text='{"trend": "Up."}'),
        Reply(text='{"trend": "Up.", "surprise": 1}'),
        Reply(text='{"trend": "The pri', finish="length"),
        Reply(text="[1, 2]"),
    ],
    ids=["refusal", "missing-fields", "unknown-field", "truncated", "not-an-object"],
)
def test_an_answer_of_the_wrong_shape_gets_one_repair_round(reply: Reply, run: Run, serve: Serve) -> None:
    """The second request says what was wrong; a good second answer is taken."""
    server = serve(first(reply))
    result = run(server=server)
    assert result.repair_rounds == 1
    assert len(server.requests) == 2
    assert "JSON" in server.requests[1].user


@pytest.mark.parametrize("text", ["I cannot help with that.", '{"trend": "Up."}'], ids=["refusal", "wrong-schema"])
def test_a_writer_that_never_fits_the_schema_fails_the_task(text: str, run: Run, serve: Serve) -> None:
    """Two answers, then a clear error: no endless repair."""
    server = serve(always(Reply(text=text)))
    with pytest.raises(OutputInvalid, match="nothing usable"):
        run(server=server)
    assert len(server.requests) == 2


def test_a_call_of_an_unknown_tool_is_answered_and_noted(run: Run, serve: Serve) -> None:
    """The model is told, goes on, and the result records the failure."""
    server = serve(first(Reply(calls=(("launch_rocket", {"to": "moon"}),))))
    result = run(server=server)
    assert result.withheld == ()
    assert len(server.requests) == 2
    assert any("launch_rocket" in failure for failure in result.tool_failures)


def test_broken_tool_arguments_are_answered_and_noted(run: Run, serve: Serve) -> None:
    """Arguments that are no JSON do not end the run."""
    server = serve(first(Reply(calls=(("fact_lookup", "{broken"),))))
    result = run(server=server)
    assert result.withheld == ()
    assert result.tool_failures


def test_an_endless_caller_of_tools_is_stopped(run: Run, serve: Serve) -> None:
    """A model that only ever calls tools runs into the agent's limit and fails clearly."""
    server = serve(lambda request: Reply(calls=(("fact_lookup", {"id": f"price.{request.number}"}),)) if request.tools else direct(request))
    with contextlib.suppress(OutputInvalid):
        run(server=server)
    assert len(server.requests) <= 2 * 9


def test_an_answer_without_usage_counts_no_tokens(run: Run, serve: Serve) -> None:
    """What the provider does not state is not made up."""
    server = serve(lambda request: Reply(text=json.dumps(draft_for(request.text)), with_usage=False))
    result = run(server=server)
    assert [(call.prompt_tokens, call.completion_tokens) for call in result.calls] == [(0, 0)]


def test_a_violation_is_sent_back_word_for_word_and_mended(run: Run, serve: Serve) -> None:
    """The repair prompt names the fault and holds the facts again; the mended draft is complete."""

    def faulty_first(request: ModelRequest) -> Reply:
        draft = draft_for(request.text)
        if request.number == 1:
            draft["trend"] += " The shares gained 12% on good news."
        return Reply(text=json.dumps(draft))

    server = serve(faulty_first)
    result = run(server=server)
    assert result.repair_rounds == 1
    assert result.withheld == ()
    assert "'12%'" in server.requests[1].user
    assert "[[price.last]]" in server.requests[1].user


def test_a_violation_that_stays_is_withheld_and_listed(run: Run, serve: Serve) -> None:
    """After the repair round the sentence goes, the rest of its paragraph stays."""

    def stubborn(request: ModelRequest) -> Reply:
        draft = draft_for(request.text)
        draft["trend"] = "The last price is [[price.last]]. The shares gained 12% on good news."
        return Reply(text=json.dumps(draft))

    result = run(server=serve(stubborn))
    assert result.draft["trend"] == "The last price is [[price.last]]."
    assert [violation.text for violation in result.withheld] == ["The shares gained 12% on good news."]


def test_streaming_answers_are_read_and_counted(run: Run, serve: Serve) -> None:
    """With STOCKCREW_MODEL_STREAM the answer comes in chunks and the usage is the same."""
    server = serve(write)
    result = run(server=server, model_stream=True)
    assert all(request.body.get("stream") for request in server.requests)
    assert sum(call.prompt_tokens for call in result.calls) == server.prompt_tokens
    assert len(result.calls) == 2
