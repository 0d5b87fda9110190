"""Cost as a contract over real model calls: the estimate before, the cap during, the receipt after."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import draft_for, write

from crew.agents.accounting import load_prices
from crew.cli import main
from crew.domain.analysis import AnalysisRequest, Event
from crew.errors import BudgetExceeded, ConfigurationError
from crew.jobs.inline import analyze, estimate
from crew.report.html import render_html
from crew.report.markdown import render_markdown
from crew.settings import Settings

Serve = Callable[..., ModelProvider]
MODEL = "openai/gpt-4.1-mini"
PRICED_ON = load_prices(Settings().prices_file).as_of.isoformat()


@pytest.fixture
def configured(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings for a server in the provider's place."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    def make(server: ModelProvider, **changes: object) -> Settings:
        given = {"market_data": "sample", "data_dir": data_dir, "model": MODEL, "model_base_url": f"{server.url}/v1"}
        return Settings.model_validate({**given, **changes})

    return make


def test_the_estimate_comes_before_any_call_and_is_near_the_receipt(serve: Serve, configured: Callable[..., Settings]) -> None:
    """It is told before the first request; what the prompts then take lies within a third of it when each task succeeds with one call."""
    server = serve(lambda request: Reply(text=json.dumps(draft_for(request.text)), cached_tokens=100))
    seen: list[tuple[str, int]] = []
    report = analyze(AnalysisRequest(symbol="AAPL"), configured(server), on_event=lambda event: seen.append((event.type, len(server.requests))))
    assert ("analysis.estimated", 0) in seen
    expected = estimate(AnalysisRequest(symbol="AAPL"), configured(server))
    assert [line.task for line in expected.lines] == ["research", "fundamentals", "technicals", "report"]
    assert report.provenance.totals.calls == expected.calls == 4
    assert report.provenance.totals.prompt_tokens == pytest.approx(expected.prompt_tokens, rel=0.34)
    assert report.provenance.totals.cost_usd is not None
    assert expected.cost_usd is not None
    assert expected.high_cost_usd is not None
    assert report.provenance.totals.cost_usd < expected.high_cost_usd
    assert expected.cost_usd < expected.high_cost_usd


def test_the_receipt_adds_up_by_agent_task_and_model(serve: Serve, configured: Callable[..., Settings]) -> None:
    """Each line sums its calls; all lines sum to the totals, which are the server's own count; the price table's day is stated."""
    server = serve(lambda request: Reply(**{**write(request).__dict__, "cached_tokens": 10}))
    provenance = analyze(AnalysisRequest(symbol="AAPL"), configured(server)).provenance
    assert [(line.agent, line.task, line.model, line.calls) for line in provenance.receipt] == [
        ("researcher", "research", MODEL, 2),
        ("analyst", "fundamentals", MODEL, 2),
        ("analyst", "technicals", MODEL, 2),
        ("reporter", "report", MODEL, 1),
    ]
    assert sum(line.prompt_tokens for line in provenance.receipt) == server.prompt_tokens
    assert sum(line.completion_tokens for line in provenance.receipt) == server.completion_tokens
    assert sum(line.cached_tokens for line in provenance.receipt) == 70
    price = ((server.prompt_tokens - 70) * 0.4 + 70 * 0.1 + server.completion_tokens * 1.6) / 1e6
    assert provenance.totals.cost_usd == pytest.approx(price)
    assert sum(line.cost_usd or 0 for line in provenance.receipt) == pytest.approx(price)
    assert provenance.prices_as_of == PRICED_ON
    assert (provenance.duration_ms or 0) > 0


def test_an_estimate_above_the_cap_ends_the_analysis_before_any_call(serve: Serve, configured: Callable[..., Settings]) -> None:
    """What cannot be expected to end under its cap is not begun."""
    server = serve()
    with pytest.raises(BudgetExceeded, match=r"expected to cost .* above the cap of 0.001"):
        analyze(AnalysisRequest(symbol="AAPL", max_cost_usd=0.001), configured(server))
    assert server.requests == []


def test_the_cap_of_the_request_counts_before_the_configured_one(serve: Serve, configured: Callable[..., Settings]) -> None:
    """A request may ask for more than the default, which then would have refused it."""
    server = serve()
    settings = configured(server, max_cost_usd=0.001)
    with pytest.raises(BudgetExceeded):
        analyze(AnalysisRequest(symbol="AAPL"), settings)
    assert analyze(AnalysisRequest(symbol="AAPL", max_cost_usd=1.0), settings).provenance.totals.calls == 7


@pytest.mark.parametrize("cap", [0.012, 0.016, 0.02, 0.03])
def test_the_cap_holds_over_tasks_in_parallel(cap: float, serve: Serve, configured: Callable[..., Settings]) -> None:
    """Whatever the tasks ask for at the same time, the sum of all receipts stays under the cap, even when answers are as long as allowed."""
    spent: list[float] = []

    def on_event(event: Event) -> None:
        if event.type == "model.called":
            spent.append(event.data["cost_usd"])

    def longest(request: ModelRequest) -> Reply:
        calls = (("fact_lookup", {"id": f"price.{request.number}" + "x" * 11_000}),)
        return Reply(calls=calls) if "fact_lookup" in request.tools else Reply(text=json.dumps(draft_for(request.text)))

    server = serve(longest, latency_s=0.1)
    with pytest.raises(BudgetExceeded, match="leaves no room"):
        analyze(AnalysisRequest(symbol="AAPL", max_cost_usd=cap), configured(server), on_event=on_event)
    assert 0 < sum(spent) <= cap
    assert len(spent) == len(server.requests)


def test_a_price_table_of_ones_own(serve: Serve, configured: Callable[..., Settings], tmp_path: Path) -> None:
    """STOCKCREW_PRICES_FILE gives an unknown model its price, by a pattern too; a broken table names its file."""
    server, table = serve(), tmp_path / "prices.json"
    table.write_text('{"as_of": "2026-11-01", "usd_per_million_tokens": {"openai/my-*": {"input": 1, "output": 2}}}')
    settings = configured(server, model="openai/my-own", prices_file=table)
    provenance = analyze(AnalysisRequest(symbol="AAPL"), settings).provenance
    assert provenance.totals.cost_usd == pytest.approx((server.prompt_tokens + 2 * server.completion_tokens) / 1e6)
    assert provenance.prices_as_of == "2026-11-01"
    broken = tmp_path / "broken.json"
    broken.write_text('{"as_of": "yesterday"}')
    with pytest.raises(ConfigurationError, match=r"broken\.json"):
        estimate(AnalysisRequest(symbol="AAPL"), configured(server, prices_file=broken))


def test_a_model_without_a_known_price_is_said_to_have_none(serve: Serve, configured: Callable[..., Settings]) -> None:
    """The receipt says that the price is unknown, never nought; the configured cap in money then is kept in tokens; a cap asked for refuses."""
    server = serve()
    settings = configured(server, model="openai/unheard-of", max_cost_usd=1e-9)
    report = analyze(AnalysisRequest(symbol="AAPL"), settings)
    spent = report.provenance.totals.prompt_tokens + report.provenance.totals.completion_tokens

    assert report.provenance.totals.cost_usd is None
    assert {line.cost_usd for line in report.provenance.receipt} == {None}
    assert "price unknown" in render_markdown(report)
    assert "price unknown" in render_html(report)
    assert estimate(AnalysisRequest(symbol="AAPL"), settings).cost_usd is None
    served = len(server.requests)
    with pytest.raises(BudgetExceeded, match="STOCKCREW_MAX_TOKENS_PER_ANALYSIS"):
        analyze(AnalysisRequest(symbol="AAPL"), configured(server, model="openai/unheard-of", max_tokens_per_analysis=spent // 2))
    with pytest.raises(BudgetExceeded, match=r"no price is known for openai/unheard-of.*STOCKCREW_PRICES_FILE"):
        analyze(AnalysisRequest(symbol="AAPL", max_cost_usd=5), settings)
    assert len(server.requests) == served


def test_prices_of_dated_versions(data_dir: Path) -> None:
    """A version's date at the end of a name does not hide its price, anything else at the end does; no entry but one's own machines' is free."""
    prices = load_prices(Settings(data_dir=data_dir).prices_file)

    assert prices.of("anthropic/claude-sonnet-4-5-20250929") == prices.of("anthropic/claude-sonnet-4-5") is not None
    assert prices.of("openai/gpt-4.1-mini-2025-04-14") == prices.of("openai/gpt-4.1-mini") is not None
    assert [prices.of(name) for name in ("openai/gpt-5-pro", "openai/gpt-4.1-mini-high", "openai/", "gpt-4.1-mini")] == [None] * 4
    free = {name for name, price in prices.usd_per_million_tokens.items() if price.input == 0}
    assert free == {"rules", "ollama/*", "ollama_chat/*", "hosted_vllm/*"}


def test_rules_cost_nothing(data_dir: Path) -> None:
    """The rules writer's estimate is nought, in tokens and in money."""
    expected = estimate(AnalysisRequest(symbol="AAPL"), Settings(market_data="sample", data_dir=data_dir))
    assert (expected.prompt_tokens, expected.completion_tokens, expected.cost_usd, expected.high_cost_usd) == (0, 0, 0.0, 0.0)


def test_the_command_line_estimates_without_a_key(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`stockcrew analyze --estimate` prints tasks, tokens and money, and needs neither key nor network."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("STOCKCREW_DATA_DIR", str(data_dir))
    done = CliRunner().invoke(main, ["analyze", "AAPL", "--market-data", "sample", "--model", "openai/gpt-5-mini", "--estimate"])
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.output.splitlines()[1:5]] == ["research", "fundamentals", "technicals", "report"]
    assert "No model was called." in done.output
    assert f"Prices as of {PRICED_ON}" in done.output
