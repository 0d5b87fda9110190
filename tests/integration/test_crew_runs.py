"""The crew through real CrewAI: with the rules writer, and with a loopback model server that speaks OpenAI's protocol."""

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes.documents import document
from fakes.model_server import CACHED_TOKENS, COMPLETION_TOKENS, PROMPT_TOKENS, ModelServer

from crew.agents.attach import listed
from crew.agents.guard import RunGuard
from crew.agents.library import Library
from crew.agents.run import run_task
from crew.agents.shelf import Shelf
from crew.agents.tools import make_tools
from crew.analytics.factsheet import fact_sheet
from crew.blueprint.catalog import TOOLS
from crew.blueprint.loader import load_blueprint
from crew.domain.analysis import AnalysisRequest
from crew.domain.factsheet import FactSheet
from crew.domain.report import Report
from crew.domain.run import ModelCall, TaskResult
from crew.errors import BudgetExceeded, DeadlineExceeded, ModelRateLimited, ModelRejected, ModelUnavailable, OutputInvalid, RunCanceled
from crew.jobs.inline import analyze
from crew.market.factory import market_data
from crew.report.canonical import comparable
from crew.report.markdown import render_markdown
from crew.settings import Settings

SYMBOLS = ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "GOOGL", "META", "JPM", "SPY", "GLD", "PETR4.SA")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Sample data, rules model, a folder of its own."""
    return Settings(market_data="sample", data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def sheet(settings: Settings) -> FactSheet:
    """The fact sheet of AAPL."""
    return fact_sheet(market_data(settings).snapshot("AAPL"), as_of=None)


def _hosted(settings: Settings, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return settings.model_copy(update={"model": "openai/gpt-4o-mini", "model_base_url": server.url})


def _research(settings: Settings, sheet: FactSheet, *, guard: RunGuard | None = None, calls: list[ModelCall] | None = None) -> TaskResult:
    seen = calls if calls is not None else []
    blueprint = load_blueprint(settings.agents_file, settings.tasks_file)
    return run_task(
        blueprint,
        "research",
        sheet=sheet,
        upstream={},
        language="en",
        model_override=None,
        settings=settings,
        guard=guard or RunGuard(),
        on_call=seen.append,
        sleep=lambda _seconds: None,
    )


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_rules_writer_passes_its_own_verification(settings: Settings, symbol: str) -> None:
    """For every instrument of the sample the rules model's report is complete: nothing was withheld, and nothing had to be repaired."""
    report = analyze(AnalysisRequest(symbol=symbol), settings)

    assert (report.status, report.withheld, report.provenance.repair_rounds) == ("complete", (), 0)
    assert report.provenance.totals.calls == 4
    assert report.provenance.figures.bound > 5


def _without_times(report: Report) -> Any:
    return comparable(report)


def test_the_same_analysis_twice_is_the_same_report(settings: Settings) -> None:
    """Two runs differ in ids and run times alone, down to the rendered Markdown."""
    one, two = (analyze(AnalysisRequest(symbol="MSFT"), settings) for _ in range(2))

    assert _without_times(one) == _without_times(two)


def test_the_report_says_that_no_language_model_wrote_it(settings: Settings) -> None:
    """A report of the rules writer says what wrote it and where the data came from."""
    text = render_markdown(analyze(AnalysisRequest(symbol="AAPL"), settings))

    assert "No language model took part" in text
    assert "sample data set" in text


def test_a_hosted_model_runs_the_whole_crew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run works against an OpenAI-compatible URL, with tool calls, three tasks in flight and exact accounting."""
    together, turn = threading.Barrier(3), itertools.count()
    with ModelServer(delay=lambda: together.wait(20) if next(turn) < 3 else None) as server:
        report = analyze(AnalysisRequest(symbol="AAPL"), _hosted(settings, server, monkeypatch))

    totals = report.provenance.totals
    assert report.status == "complete"
    assert totals.calls == len(server.record.requests) == 7
    assert (totals.prompt_tokens, totals.completion_tokens) == tuple(server.record.usage.values())
    assert totals.cached_tokens == 7 * CACHED_TOKENS
    price = 7 * ((PROMPT_TOKENS - CACHED_TOKENS) * 0.15 + CACHED_TOKENS * 0.075 + COMPLETION_TOKENS * 0.6) / 1e6
    assert totals.cost_usd == pytest.approx(price)
    assert server.record.most_in_flight >= 3
    assert any(message["role"] == "tool" for request in server.record.requests for message in request["messages"])


@pytest.mark.parametrize("fault", ["prose", "fenced"])
def test_json_is_found_in_whatever_stands_around_it(settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Prose or a fence around the JSON costs no further request."""
    with ModelServer([fault]) as server:
        result = _research(_hosted(settings, server, monkeypatch), sheet)

    assert (result.repair_rounds, len(server.record.requests)) == (0, 1)


def test_an_unbound_figure_is_repaired_in_one_round(settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft that states a figure is sent back once with the exact violation, and the mended one is published."""
    with ModelServer(["unbound"]) as server:
        result = _research(_hosted(settings, server, monkeypatch), sheet)

    assert (result.repair_rounds, result.withheld) == (1, ())
    said = "\n".join(str(message["content"]) for message in server.record.requests[1]["messages"])
    assert "states '12' instead of citing" in said


def test_what_is_still_unbound_after_the_repair_is_withheld(settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence that violates again is left out and listed; the rest is kept."""
    with ModelServer(["unbound", "unbound"]) as server:
        result = _research(_hosted(settings, server, monkeypatch), sheet)

    assert {violation.code for violation in result.withheld} >= {"unbound_figure"}
    assert result.draft["business"] == ["The shares last traded at [[price.last]]."]
    assert len(server.record.requests) == 2


def test_a_draft_of_the_wrong_shape_twice_is_output_invalid(settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing usable after the repair round fails the task with a clear error, after two requests."""
    with ModelServer(["wrong", "wrong"]) as server, pytest.raises(OutputInvalid, match="handed in nothing usable in 2 rounds"):
        _research(_hosted(settings, server, monkeypatch), sheet)

    assert len(server.record.requests) == 2


@pytest.mark.parametrize(
    ("faults", "error", "requests"),
    [
        ([429] * 9, ModelRateLimited, 3),
        ([500] * 9, ModelUnavailable, 3),
        ([401] * 9, ModelRejected, 1),
        ([400] * 9, ModelRejected, 1),
    ],
)
def test_a_failing_call_costs_at_most_three_requests(
    settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch, faults: list[int], error: type[Exception], requests: int
) -> None:
    """Refusals and outages are retried twice at most, wrong keys and requests never; each becomes one of our errors."""
    calls: list[ModelCall] = []
    with ModelServer(faults) as server, pytest.raises(error):
        _research(_hosted(settings, server, monkeypatch), sheet, calls=calls)

    assert len(server.record.requests) == requests
    assert [call.outcome for call in calls] == ["error"] * requests


def test_a_wrong_key_names_its_variable(settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key says which variable to set."""
    with ModelServer([401]) as server, pytest.raises(ModelRejected, match="OPENAI_API_KEY"):
        _research(_hosted(settings, server, monkeypatch), sheet)


def test_an_outage_that_passes_costs_one_more_request(settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """One 500 is retried, and the run goes on as if nothing had happened."""
    with ModelServer([500]) as server:
        result = _research(_hosted(settings, server, monkeypatch), sheet)

    assert [call.outcome for call in result.calls][:2] == ["error", "ok"]


@pytest.mark.parametrize(
    ("guard", "error"),
    [
        (RunGuard(cancelled=lambda: True), RunCanceled),
        (RunGuard(deadline=0.0, clock=lambda: 1.0), DeadlineExceeded),
        (RunGuard(max_tokens=0), BudgetExceeded),
        (RunGuard(max_cost_usd=0.0), BudgetExceeded),
    ],
)
def test_nothing_is_asked_once_the_guard_says_stop(
    settings: Settings, sheet: FactSheet, monkeypatch: pytest.MonkeyPatch, guard: RunGuard, error: type[Exception]
) -> None:
    """Cancel, deadline and budget stop the run before the next model call, unwrapped by CrewAI."""
    with ModelServer() as server, pytest.raises(error):
        _research(_hosted(settings, server, monkeypatch), sheet, guard=guard)

    assert server.record.requests == []


def test_the_tools_are_those_of_the_catalogue(sheet: FactSheet) -> None:
    """Every tool that agents.yaml may name exists, answers from the fact sheet, and keeps its answer short."""
    notes = document("Iron is dear.")
    shelf = Shelf(listed([notes], sheet.as_of), lambda: Library({1: notes}, day=sheet.as_of))
    tools = {tool.name: tool for tool in make_tools(list(TOOLS), sheet, shelf)}

    assert tools.keys() == TOOLS.keys()
    assert "[[document.1.0]]" in tools["search_documents"].run(query="iron")
    assert "[[price.last]]" in tools["fact_lookup"].run(id="price.last")
    assert "Near: " in tools["fact_lookup"].run(id="price.lats")
    assert "FY2025" in tools["statement_history"].run(line_item="income.revenue")
    assert len(tools["fact_lookup"].run(id="price").splitlines()) <= 41


def test_crewai_is_told_to_stay_quiet(settings: Settings) -> None:
    """CrewAI's files lie in the data folder."""
    analyze(AnalysisRequest(symbol="GLD"), settings)

    assert list(Path(settings.data_dir).glob("crewai/*")) or settings.data_dir.exists()
