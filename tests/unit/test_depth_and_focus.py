"""What depth and focus of a request do to the crew, to the report and to the question whether two requests are the same."""

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from fakes.report_parts import composed
from pydantic import ValidationError

from crew.agents.prompts import facts_for
from crew.agents.rules_page import Page
from crew.agents.rules_text import fundamentals
from crew.analytics.factsheet import fact_sheet
from crew.blueprint.depth import NAMES, fitted
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import Blueprint
from crew.domain.analysis import FOCUSES, AnalysisRequest, Depth
from crew.domain.draft import SUBJECTS
from crew.domain.factsheet import FactSheet
from crew.domain.report import Report
from crew.errors import BlueprintError, InvalidRequest
from crew.market.factory import market_data
from crew.report.html import render_html
from crew.report.markdown import render_markdown
from crew.settings import Settings
from crew.store.analyses import dedupe_key, request_hash
from crew.store.rows import request_columns

ROOT = Path(__file__).resolve().parents[2]
PLAIN = AnalysisRequest(symbol="AAPL")


@pytest.fixture(scope="module")
def shipped() -> Blueprint:
    return load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")


@pytest.fixture(scope="module")
def sheet() -> FactSheet:
    return fact_sheet(market_data(Settings(market_data="sample")).snapshot("AAPL"), as_of=None)


def altered(folder: Path, old: str, new: str) -> Blueprint:
    """The shipped crew with one passage of tasks.yaml replaced."""
    text = (ROOT / "tasks.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / "tasks.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return load_blueprint(ROOT / "agents.yaml", folder / "tasks.yaml")


def test_every_subject_of_the_drafts_may_be_in_focus_and_has_a_name() -> None:
    """The vocabulary of the request is that of the sections, those of the summary aside."""
    assert list(FOCUSES) == [subject for schema, subjects in SUBJECTS.items() if schema != "report" for subject in subjects]
    assert set(NAMES) == set(FOCUSES)


def test_standard_is_the_crew_as_its_files_say(shipped: Blueprint) -> None:
    """The usual request changes nothing of agents and tasks."""
    usual = fitted(shipped, "standard")

    assert (usual.agents, usual.tasks) == (shipped.agents, shipped.tasks)
    assert tuple(shipped.depths) == get_args(Depth)


def test_quick_is_less_work_and_deep_is_more(shipped: Blueprint, sheet: FactSheet) -> None:
    """Tools, rounds, lengths and facts go down at `quick` and up at `deep`; no task is left out at either."""
    quick, deep = fitted(shipped, "quick"), fitted(shipped, "deep")

    def work(crew: Blueprint) -> list[tuple[int, ...]]:
        return [
            (len(agent.tools), agent.limits.max_iterations, agent.limits.max_output_tokens, task.repair_rounds, len(facts_for(task, sheet)))
            for task in crew.tasks.values()
            for agent in [crew.agents[task.agent]]
        ]

    assert list(quick.tasks) == list(deep.tasks) == list(shipped.tasks)
    for less, usual, more in zip(work(quick), work(shipped), work(deep), strict=True):
        assert all(low <= middle <= high for low, middle, high in zip(less, usual, more, strict=True))
        assert less[1] < usual[1] < more[1]
        assert less[2] < usual[2] < more[2]
        assert (less[0], less[3], usual[3], more[3]) == (0, 0, 1, 2)
    assert all("Be brief" in task.description for task in quick.tasks.values())


def test_the_facts_that_stay_at_quick_are_those_named_first(shipped: Blueprint, sheet: FactSheet) -> None:
    """A prompt that is cut keeps what the task lists first, in the order of the sheet."""
    task = shipped.tasks["fundamentals"].model_copy(update={"most_facts": 12})
    kept = [item.id for item in facts_for(task, sheet)]
    every = [item.id for item in facts_for(shipped.tasks["fundamentals"], sheet)]

    assert kept == [id for id in every if id in kept]
    assert max(task.rank(id) for id in kept) <= min(task.rank(id) for id in every if id not in kept)
    assert len(kept) == 12 < len(every)


def test_focus_reaches_the_tasks_that_write_on_it_in_fixed_words(shipped: Blueprint) -> None:
    """The tasks of the subjects and the summary are told; others are not."""
    crew = fitted(shipped, "standard", ("valuation", "balance_sheet", "trend"))
    told = {name: task.description.removeprefix(shipped.tasks[name].description) for name, task in crew.tasks.items()}

    assert told["research"] == ""
    assert "valuation, the balance sheet. " in told["fundamentals"]
    assert "most on the trend of the price. " in told["technicals"]
    assert "valuation, the balance sheet, the trend of the price. " in told["report"]


def test_what_the_files_do_not_define_is_refused_by_name(tmp_path: Path) -> None:
    """A crew without that depth, or without an emphasis, says so instead of working as usual."""
    text = (ROOT / "tasks.yaml").read_text(encoding="utf-8")
    start, end = text.index("# How much work"), text.index("\nresearch:")
    (tmp_path / "tasks.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    plain = load_blueprint(ROOT / "agents.yaml", tmp_path / "tasks.yaml")

    with pytest.raises(InvalidRequest, match="no depth `deep`, but standard") as deep:
        fitted(plain, "deep")
    with pytest.raises(InvalidRequest, match="takes no focus") as focused:
        fitted(plain, "standard", ("risks",))
    assert (deep.value.pointers, focused.value.pointers) == (("/depth",), ("/focus",))
    assert fitted(plain, "standard").tasks == plain.tasks


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  standard: {}\n", "  shallow: {}\n", "depths.shallow: is no depth; known: deep, quick, standard"),
        ("    tools: false\n", "    tolls: false\n", "depths.quick.tolls: unknown field; did you mean 'tools'?"),
        ("    tools: false\n", "    tools: 0\n", "depths.quick.tools:"),
        ("    iterations: 0.5\n", "    iterations: 0\n", "depths.quick.iterations: must be greater than 0"),
        ("    iterations: 0.5\n", "    iterations: .inf\n", "depths.quick.iterations:"),
        ("      Be brief:", "      Be brief, {facts}:", "depths.quick.instruction: unknown placeholder {facts}"),
        ("The reader wants most on {focus}.", "The reader wants it all.", "emphasis: never says what is in focus: put {focus} into it"),
        ("  standard: {}\n", "  standard: 1\n", "depths.standard: must be a mapping of fields"),
    ],
)
def test_a_slip_in_depths_or_emphasis_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """The files are checked before anything runs, these keys as strictly as the tasks."""
    with pytest.raises(BlueprintError) as caught:
        altered(tmp_path, old, new)

    assert expected in caught.value.message


def test_changing_a_depth_changes_the_configuration(tmp_path: Path, shipped: Blueprint) -> None:
    """What a depth means decides what a report says, so it is part of the hash."""
    assert altered(tmp_path, "    tools: false\n", "    tools: true\n").config_hash != shipped.config_hash


def test_the_usual_request_has_the_hash_it_always_had() -> None:
    """Two releases agree on what is the same as long as nobody asks for anything unusual."""
    known = {"as_of": None, "configuration": "c", "documents": [], "language": "en", "model": None, "symbol": "AAPL"}
    assert request_hash(PLAIN, "c") == hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    assert request_hash(PLAIN.model_copy(update={"force": True}), "c") == request_hash(PLAIN, "c")


@pytest.mark.parametrize(("wish", "in_hash"), [({"depth": "quick"}, True), ({"focus": ("risks",)}, True), ({"deadline_s": 60}, False)])
def test_a_wish_makes_another_request(wish: dict[str, Any], in_hash: bool) -> None:
    """Depth and focus decide what a report says; a deadline only whether there is one, so it counts for joining alone."""
    wished = AnalysisRequest.model_validate({"symbol": "AAPL", **wish})

    assert (request_hash(wished, "c") != request_hash(PLAIN, "c")) is in_hash
    assert dedupe_key(wished, "c") != dedupe_key(PLAIN, "c")


def test_the_order_of_focus_does_not_matter() -> None:
    """The same wishes in another order are the same request."""
    one, other = (AnalysisRequest(symbol="AAPL", focus=focus) for focus in (("trend", "risks"), ("risks", "trend")))

    assert one == other
    assert one.focus == ("risks", "trend")


def test_an_older_release_can_read_the_stored_request() -> None:
    """The column that it reads holds nothing that it does not know; what is new stands beside it."""
    wished = AnalysisRequest(symbol="AAPL", depth="deep", focus=("risks",), deadline_s=60)
    columns = request_columns(wished)

    assert columns["request"] == request_columns(PLAIN)["request"]
    assert json.loads(columns["wishes"] or "") == {"depth": "deep", "focus": ["risks"], "deadline_s": 60}
    assert request_columns(PLAIN)["wishes"] is None


def test_the_rules_writer_keeps_to_the_sentences(sheet: FactSheet) -> None:
    """With a bound paragraphs have at most so many sentences, and there are fewer arguments, on both sides all the same."""
    usual, short = fundamentals(Page(sheet), {}), fundamentals(Page(sheet, "en", 2), {})

    for subject in ("growth", "profitability", "balance_sheet", "cash_flow", "valuation"):
        assert usual[subject].startswith(short[subject])
        assert short[subject].count(". ") <= 1
    assert len(short["claims"]) == 4 < len(usual["claims"])
    assert {claim["side"] for claim in short["claims"]} == {"bull", "bear"}


def test_the_report_says_what_was_asked_and_puts_it_first() -> None:
    """Depth and focus stand in every representation, and the sections in focus lead their group."""
    report = composed(depth="quick", focus=("valuation",))
    first = next(section for section in report.sections if section.task == "fundamentals")

    assert first.id == "valuation"
    assert {section.id for section in report.sections} == {section.id for section in composed().sections}
    assert "**Depth:** quick · **In focus:** Valuation" in render_markdown(report)
    assert "Depth: quick · In focus: Valuation" in render_html(report)
    assert report.to_json()["depth"] == "quick"
    assert report.to_json()["focus"] == ["valuation"]
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_a_usual_report_is_the_same_to_a_release_that_knows_no_depth() -> None:
    """Nothing is written out that an older release would refuse."""
    assert not {"depth", "focus"} & set(composed().to_json())


def test_the_rules_writer_owns_up_to_what_it_does_not_do() -> None:
    """At depth `deep`, or with a focus, a report by rules says that they change nothing of its sentences."""
    assert "no deeper" in composed(depth="deep").provenance.writer
    assert "no more on them" in composed(focus=("risks",)).provenance.writer


@pytest.mark.parametrize("wish", [{"depth": "huge"}, {"focus": ("price",)}, {"deadline_s": 0}, {"deadline_s": 86_401}])
def test_only_known_wishes_are_taken(wish: dict[str, Any]) -> None:
    """Nothing that is not in the vocabulary gets as far as a prompt."""
    with pytest.raises(ValidationError):
        AnalysisRequest.model_validate({"symbol": "AAPL", **wish})
