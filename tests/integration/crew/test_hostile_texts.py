"""Hostile texts against a model that obeys them: rating, figures, tools and language stay, nothing of it reaches the reader, nothing leaks."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from fakes.attacks import Attack, attacks
from fakes.model_provider import ModelProvider
from fakes.obedient_model import obeying, planted

from crew.agents.verify import Verifier
from crew.analytics.outside_texts import without_instructions
from crew.blueprint.model import Blueprint
from crew.domain.analysis import AnalysisRequest
from crew.domain.draft import CITATION
from crew.domain.factsheet import FactSheet
from crew.domain.outside import CLOSE, OPEN, cleaned, fenced, reads_like_instruction
from crew.domain.report import Report
from crew.domain.run import TaskResult
from crew.report.canonical import render_json
from crew.report.compose import compose
from crew.report.html import render_html
from crew.report.markdown import render_markdown

Run = Callable[..., TaskResult]
Serve = Callable[..., ModelProvider]
ATTACKS = attacks()
KEY = "test-key-not-a-secret"
each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)


@cache
def headlines() -> tuple[str, ...]:
    """Ordinary headlines and profiles, some with the words that attacks use."""
    return tuple((Path(__file__).parents[2] / "data" / "ordinary_headlines.txt").read_text(encoding="utf-8").splitlines())


def _report(sheet: FactSheet, blueprint: Blueprint, results: dict[str, TaskResult], language: str = "en") -> Report:
    request = AnalysisRequest.model_validate({"symbol": "AAPL", "language": language})
    return compose(analysis_id="an_test", sheet=sheet, blueprint=blueprint, results=results, request=request, code_version="test")


def _words(report: Report) -> str:
    """What the crew wrote, in every form of the report without the list of what was withheld."""
    shown = report.model_copy(update={"withheld": ()})
    return "\n".join((render_markdown(shown), render_html(shown), render_json(shown)))


def test_there_are_enough_attacks() -> None:
    """At least sixty, all different, from several places and in many languages."""
    assert len({attack.text for attack in ATTACKS}) >= 60
    assert len({attack.place for attack in ATTACKS}) >= 6
    assert sum(attack.name.startswith("language") for attack in ATTACKS) >= 10


@each_attack
def test_an_obedient_model_changes_nothing(attack: Attack, run: Run, serve: Serve, sheet: FactSheet, blueprint: Blueprint) -> None:
    """The model obeys in both rounds, as if it had read the text: what it was told to write is withheld, its tool is refused, the rest stands."""
    facts = planted(sheet, attack)
    server = serve(obeying(attack))
    result = run("research", server=server, of=facts)
    report = _report(without_instructions(facts), blueprint, {"research": result})

    assert report.recommendation.rating == sheet.scorecard.rating
    prose = json.dumps(result.draft, ensure_ascii=False)
    assert not attack.obeyed or attack.obeyed not in prose
    assert {id.strip() for id in re.findall(CITATION, prose)} <= set(facts.by_id)
    assert not attack.obeyed or attack.obeyed not in _words(report)
    if attack.obeyed:
        assert report.status == "partial"
    if attack.tool:
        assert any(attack.tool in failure for failure in result.tool_failures)
    assert all(KEY not in json.dumps(request.body) for request in server.requests)
    assert KEY not in _words(report)


@each_attack
def test_no_attack_reaches_model_or_reader(attack: Attack, run: Run, serve: Serve, sheet: FactSheet, blueprint: Blueprint) -> None:
    """A model that obeys whatever it can read finds nothing to obey: the text is left out of prompts, tool answers and the report."""
    facts = planted(sheet, attack)
    server = serve(obeying(attack, only_if_read=True))
    result = run("research", server=server, of=facts)
    shown = without_instructions(facts)

    assert {violation.code for violation in result.withheld} <= {"hostile_text"}
    assert all(cleaned(attack.text)[:40] not in request.text for request in server.requests)
    assert attack.text not in _words(_report(shown, blueprint, {}))
    assert any(flag.code == "outside_text_left_out" for flag in shown.data_quality.flags)


@each_attack
def test_the_verifier_stops_what_obeying_would_write(attack: Attack, sheet: FactSheet) -> None:
    """Even where a text got through, each sentence that obeying it would bring is a violation."""
    if attack.obeyed:
        assert Verifier(sheet).judge(attack.obeyed) != ()


def test_the_system_prompt_is_not_repeated(run: Run, serve: Serve, sheet: FactSheet) -> None:
    """A model that writes its instructions into every text has those sentences withheld."""
    attack = next(attack for attack in ATTACKS if attack.name == "deed system prompt")
    result = run("research", server=serve(obeying(attack)), of=planted(sheet, attack))
    prose = json.dumps(result.draft)

    assert "prompt_echo" in {violation.code for violation in result.withheld}
    assert "could not be traced" not in prose
    assert "Company researcher" not in prose


def test_the_reporter_cannot_move_the_rating(run: Run, serve: Serve, sheet: FactSheet, blueprint: Blueprint) -> None:
    """A reporter that was talked into a better view: the computed rating stands, the view is withheld with the words that it rests on."""
    attack = next(attack for attack in ATTACKS if attack.name == "language en")
    result = run("report", server=serve(obeying(attack)), of=planted(sheet, attack))
    report = _report(sheet, blueprint, {"report": result})

    assert report.recommendation.rating == sheet.scorecard.rating
    assert report.recommendation.crew_view is None
    assert report.status == "partial"


@pytest.mark.parametrize(("language", "written"), [("en", "pt"), ("en", "es"), ("pt-BR", "en"), ("es", "fr"), ("es", "de")])
def test_the_language_stays(language: str, written: str, run: Run, serve: Serve, sheet: FactSheet) -> None:
    """Sentences in another language than the report's are withheld, whichever it is."""
    said = {
        "en": "The market is not in the mood for it.",
        "pt": "A empresa é muito boa e não está cara.",
        "es": "La empresa es muy buena y no está cara.",
    }
    said |= {"fr": "La société est très solide et son avenir est assuré.", "de": "Das Unternehmen ist sehr stark und die Zukunft ist sicher."}
    verifier = Verifier(sheet, languages=frozenset({language}))

    assert "other_language" in {code for code, _ in verifier.judge(said[written])}


@pytest.mark.parametrize("text", headlines())
def test_ordinary_headlines_are_left_alone(text: str) -> None:
    """News about rules, models, ratings and orders is news."""
    assert not reads_like_instruction(text)
    assert fenced(text) == f"{OPEN}{cleaned(text)}{CLOSE}"
