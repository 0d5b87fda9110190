"""Every provider over its own wire protocol: the same crew, the same failures, the same receipts."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider, Script
from fakes.model_writer import draft_for, write
from fakes.waiting import until

from crew.agents.models import forget_clients
from crew.domain.run import ModelCall, TaskResult
from crew.errors import ModelRateLimited, ModelRejected, ModelUnavailable, OutputInvalid, StockcrewError

Run = Callable[..., TaskResult]


@dataclass(frozen=True)
class Provider:
    """A provider: the model to name, the variables that lead to the loopback server, and the protocol that it must be spoken to in."""

    model: str
    protocol: str
    variables: dict[str, str]
    key: str


OPENAI = Provider("openai/gpt-4.1-mini", "openai", {"OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_KEY": "k"}, "OPENAI_API_KEY")
ANTHROPIC = Provider("anthropic/claude-sonnet-4-5", "anthropic", {"ANTHROPIC_BASE_URL": "{url}", "ANTHROPIC_API_KEY": "k"}, "ANTHROPIC_API_KEY")
GEMINI = Provider("gemini/gemini-2.5-flash", "gemini", {"GOOGLE_GEMINI_BASE_URL": "{url}", "GEMINI_API_KEY": "k"}, "GEMINI_API_KEY")
OLLAMA = Provider("ollama/llama3.2", "openai", {"OLLAMA_HOST": "{url}"}, "the API key of ollama")
AZURE = Provider("azure/gpt-4o", "openai", {"AZURE_ENDPOINT": "{url}/openai/deployments/gpt-4o", "AZURE_API_KEY": "k"}, "AZURE_API_KEY")
BEDROCK = Provider(
    "bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0",
    "bedrock",
    {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "{url}", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "eu-west-1"},
    "AWS_ACCESS_KEY_ID",
)
OPENROUTER = Provider(
    "openrouter/meta-llama/llama-3-70b", "openai", {"OPENROUTER_BASE_URL": "{url}/v1", "OPENROUTER_API_KEY": "k"}, "OPENROUTER_API_KEY"
)
DEEPSEEK = Provider("deepseek/deepseek-chat", "openai", {"DEEPSEEK_BASE_URL": "{url}/v1", "DEEPSEEK_API_KEY": "k"}, "DEEPSEEK_API_KEY")
PROVIDERS = (OPENAI, ANTHROPIC, GEMINI, OLLAMA, AZURE, BEDROCK, OPENROUTER, DEEPSEEK)
EACH = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.model.split("/")[0])
STREAMING = pytest.mark.parametrize(
    "provider", [provider for provider in PROVIDERS if provider is not BEDROCK], ids=lambda provider: provider.model.split("/")[0]
)


class Wire:
    """A server in a provider's place."""

    def __init__(self, run: Run, serve: Callable[..., ModelProvider], provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        self._run, self._serve, self._provider, self._patch = run, serve, provider, monkeypatch
        self.calls: list[ModelCall] = []
        self.waits: list[float] = []

    def run(self, script: Script, **options: object) -> tuple[TaskResult, ModelProvider]:
        """Run one task against `script`."""
        server = self.answering(script)
        return self.ask(**options), server

    def answering(self, script: Script) -> ModelProvider:
        """Put a server with `script` into the provider's place."""
        self.server = self._serve(script)
        for name, value in self._provider.variables.items():
            self._patch.setenv(name, value.format(url=self.server.url))
        forget_clients()
        return self.server

    def ask(self, **options: object) -> TaskResult:
        """Run one task against the server."""
        given = {"model": self._provider.model, "calls": self.calls, "waits": self.waits, "model_base_url": None, **options}
        if self._provider is OPENAI:
            given["model_base_url"] = f"{self.server.url}/v1"
        return self._run(server=self.server, **given)


@pytest.fixture
def wire(run: Run, serve: Callable[..., ModelProvider], provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The provider of this test, served on loopback."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Wire(run, serve, provider, monkeypatch)


def direct(request: ModelRequest) -> Reply:
    """The draft at once."""
    return Reply(text=json.dumps(draft_for(request.text)))


def first(reply: Reply) -> Script:
    """`reply` to the first request, drafts to the others."""
    return lambda request: reply if request.number == 1 else direct(request)


@EACH
def test_a_task_with_a_tool_call_runs(wire: Wire, provider: Provider) -> None:
    """The provider is asked in its own protocol, a tool is called natively, and tokens, cached ones too, are those the server stated."""
    result, server = wire.run(write)
    assert {request.protocol for request in server.requests} == {provider.protocol}
    assert (result.withheld, result.repair_rounds, result.tool_failures) == ((), 0, ())
    assert "fact_lookup" in server.requests[0].tools
    assert any("price.last" in answer for answer in server.requests[1].answered)
    assert [(call.model, call.outcome) for call in result.calls] == [(provider.model, "ok")] * 2
    assert sum(call.prompt_tokens for call in result.calls) == server.prompt_tokens
    assert sum(call.completion_tokens for call in result.calls) == server.completion_tokens


@STREAMING
def test_a_task_with_a_tool_call_runs_streamed(wire: Wire, provider: Provider) -> None:
    """The same with STOCKCREW_MODEL_STREAM."""
    result, server = wire.run(write, model_stream=True)
    assert all(request.streamed or request.body.get("stream") for request in server.requests)
    assert (result.withheld, result.repair_rounds, result.tool_failures) == ((), 0, ())
    assert any("price.last" in answer for answer in server.requests[1].answered)
    assert sum(call.prompt_tokens for call in result.calls) == server.prompt_tokens
    assert sum(call.completion_tokens for call in result.calls) == server.completion_tokens


@EACH
def test_the_longest_answer_is_limited_on_the_wire(wire: Wire, provider: Provider) -> None:
    """agents.yaml's limit is in the request, wherever the protocol wants it."""
    _, server = wire.run(direct)
    assert '": 4000' in json.dumps(server.requests[0].body)


@EACH
@pytest.mark.parametrize(
    "dressed", [lambda text: f"```json\n{text}\n```", lambda text: f"Here {{it}} is:\n\n{text}\n\nGood luck."], ids=["fenced", "prose"]
)
def test_json_with_something_around_it_is_read(wire: Wire, dressed: Callable[[str], str]) -> None:
    """A fence or prose around the object costs nothing."""
    result, server = wire.run(lambda request: Reply(text=dressed(json.dumps(draft_for(request.text)))))
    assert (result.repair_rounds, len(server.requests)) == (0, 1)


@EACH
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(text="I cannot help with that."), "not one JSON object"),
        (Reply(text='{"trend": "Up."}'), "momentum"),
        (Reply(text='{"trend": "The pri', finish="length"), "cut off, since it may have 4000 tokens"),
    ],
    ids=["refusal", "wrong-schema", "truncated"],
)
def test_an_unusable_answer_is_sent_back_with_what_was_wrong(wire: Wire, reply: Reply, says: str) -> None:
    """One repair round names the fault, a limit that was reached among them; the second answer is taken."""
    result, server = wire.run(first(reply))
    assert (result.repair_rounds, len(server.requests)) == (1, 2)
    assert says in server.requests[1].user


@EACH
def test_a_call_of_an_unknown_tool_is_answered_and_noted(wire: Wire) -> None:
    """The model is told, goes on, and the result records the failure."""
    result, server = wire.run(first(Reply(calls=(("launch_rocket", {"to": "moon"}),))))
    assert len(server.requests) == 2
    assert any("launch_rocket" in failure for failure in result.tool_failures)


@EACH
@pytest.mark.parametrize(
    ("status", "error", "requests"), [(429, ModelRateLimited, 3), (500, ModelUnavailable, 3), (503, ModelUnavailable, 3), (401, ModelRejected, 1)]
)
def test_a_lasting_failure_costs_at_most_three_requests(wire: Wire, provider: Provider, status: int, error: type[Exception], requests: int) -> None:
    """No library adds tries of its own; a refused key is told at once, by its variable."""
    server = wire.answering(lambda _request: Reply(status=status, headers=_error_type(provider, status)))
    with pytest.raises(error) as raised:
        wire.ask()
    assert len(server.requests) == requests
    assert [call.outcome for call in wire.calls] == ["error"] * requests
    if status == 401:
        assert provider.key in str(raised.value)


@EACH
def test_retry_after_is_honoured(wire: Wire, provider: Provider) -> None:
    """The wait is what the provider asks for and a little more."""
    _, server = wire.run(first(Reply(status=429, headers={"Retry-After": "7", **_error_type(provider, 429)})))
    assert len(server.requests) == 2
    assert [7.0 <= wait <= 9.0 for wait in wire.waits] == [True]


@pytest.mark.parametrize("provider", [GEMINI], ids=["gemini"])
def test_a_delay_stated_in_the_body_is_honoured(wire: Wire) -> None:
    """Gemini asks for patience in the error's details."""
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    body = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": details}}
    wire.run(first(Reply(status=429, raw=json.dumps(body).encode())))
    assert [7.0 <= wait <= 9.0 for wait in wire.waits] == [True]


@EACH
def test_an_empty_answer_costs_at_most_three_requests(wire: Wire) -> None:
    """Nothing at all, again and again, fails the task clearly."""
    server = wire.answering(lambda _request: Reply(text=""))
    with pytest.raises(OutputInvalid):
        wire.ask()
    assert len(server.requests) <= 3


@EACH
def test_a_hanging_request_ends_at_the_timeout(wire: Wire) -> None:
    """STOCKCREW_MODEL_TIMEOUT_S reaches every library."""
    server = wire.answering(lambda _request: Reply(text="late", delay_s=1.2))
    with pytest.raises(ModelUnavailable):
        wire.ask(timeout_s=0.4)
    until(lambda: len(server.requests) >= 3)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("provider", "finish"), [(OPENAI, "content_filter"), (ANTHROPIC, "refusal"), (GEMINI, "refusal")], ids=["openai", "anthropic", "gemini"]
)
def test_a_stated_refusal_is_not_asked_again(wire: Wire, finish: str) -> None:
    """An empty answer that the provider marks as refused fails at once and says so."""
    server = wire.answering(lambda _request: Reply(text="", finish=finish))
    with pytest.raises(ModelRejected, match="refuses to answer"):
        wire.ask()
    assert len(server.requests) == 1


def test_a_model_may_be_given_per_agent(run: Run, serve: Callable[..., ModelProvider], blueprint: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent whose entry in agents.yaml names a model is served by it, whatever STOCKCREW_MODEL says."""
    server = serve(direct)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    forget_clients()
    agents = {
        name: agent.model_copy(update={"model": "anthropic/claude-sonnet-4-5"} if name == "analyst" else {})
        for name, agent in blueprint.agents.items()
    }  # type: ignore[attr-defined]
    crew = blueprint.model_copy(update={"agents": agents})  # type: ignore[attr-defined]
    results = [run(task, server=server, crew=crew) for task in ("research", "technicals")]
    assert [result.model for result in results] == ["openai/test-model", "anthropic/claude-sonnet-4-5"]
    assert [request.protocol for request in server.requests] == ["openai", "anthropic"]


def test_a_fallback_is_used_and_stated(run: Run, serve: Callable[..., ModelProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that stays away gives way to the next, of another provider; the result says so and the receipt holds both."""
    server = serve(lambda request: Reply(status=503) if request.protocol == "openai" else direct(request))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    forget_clients()
    result = run(server=server, model_fallbacks=("anthropic/claude-sonnet-4-5",))
    assert result.model == "anthropic/claude-sonnet-4-5"
    assert result.tool_failures == ("openai/test-model was not available, so anthropic/claude-sonnet-4-5 was asked instead",)
    assert [(call.model, call.outcome) for call in result.calls] == [("openai/test-model", "error")] * 3 + [("anthropic/claude-sonnet-4-5", "ok")]


def test_a_fallback_does_not_sign_what_another_model_wrote(run: Run, serve: Callable[..., ModelProvider]) -> None:
    """A model that goes away in its repair round leaves nothing behind: draft, violations and rounds are those of the next one."""

    def faulty_then_away(request: ModelRequest) -> Reply:
        draft = draft_for(request.text)
        draft["trend"] = "The shares gained 12% on good news."
        return Reply(text=json.dumps(draft)) if request.number == 1 else Reply(status=503)

    result = run(server=serve(faulty_then_away), model_fallbacks=("rules",))
    assert (result.model, result.withheld, result.repair_rounds) == ("rules", (), 0)
    assert "12%" not in json.dumps(result.draft)
    assert [call.outcome for call in result.calls] == ["ok", "error", "error", "error", "ok"]


def test_without_a_fallback_an_outage_is_an_error(run: Run, serve: Callable[..., ModelProvider]) -> None:
    """No other model is chosen silently, not even `rules`."""
    with pytest.raises(StockcrewError, match="openai/test-model"):
        run(server=serve(lambda _request: Reply(status=503)))


def _error_type(provider: Provider, status: int) -> dict[str, str]:
    """Bedrock names an error in a header."""
    names = {429: "ThrottlingException", 500: "InternalServerException", 503: "ServiceUnavailableException", 401: "UnrecognizedClientException"}
    return {"x-amzn-ErrorType": names[status]} if provider is BEDROCK else {}
