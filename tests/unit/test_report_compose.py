"""The report composed from a fact sheet and the crew's drafts."""

from typing import Any

import pytest
from fakes.report_parts import AGENTS, DRAFTS, ID, blueprint, claim, composed, result, results, seen, sheet

from crew.domain.factsheet import QualityFlag
from crew.domain.run import ModelCall, Violation
from crew.errors import OutputInvalid
from crew.report.canonical import comparable, render_json
from crew.report.html import render_html
from crew.report.markdown import render_markdown
from crew.report.words import _WORDS, word


def test_sections_stand_in_reading_order_with_their_writers() -> None:
    """The reporter's words come first, then each task in the order of tasks.yaml; subjects with nothing to say are left out."""
    report = composed()

    assert [section.id for section in report.sections] == [
        *("summary", "thesis", "change_our_mind"),
        *("business", "events", "risks"),
        *("growth", "profitability", "cash_flow", "valuation"),
        *("trend", "momentum", "volatility", "levels"),
    ]
    assert [(section.task, section.agent, section.group) for section in report.sections][3] == ("research", "researcher", "Business and events")


def test_claims_come_strongest_first_per_task() -> None:
    """Claims keep their task and stand by strength within it."""
    assert [(item.task, item.claim.side, item.claim.strength) for item in composed().claims] == [
        ("fundamentals", "bear", 4),
        ("fundamentals", "bull", 3),
        ("technicals", "bull", 5),
    ]


def test_the_rating_is_the_scorecards_and_the_crews_view_stands_beside_it() -> None:
    """The view never replaces the rating; a view that differs is dissent."""
    recommendation = composed().recommendation

    assert (recommendation.rating, recommendation.dissent) == ("hold", True)
    assert recommendation.crew_view is not None
    assert recommendation.crew_view.view == "one_notch_up"


def test_agreement_is_no_dissent_and_a_withheld_view_is_none() -> None:
    """A view that agrees is no dissent; where verification took the view away there is none, and the report still stands."""
    agreeing = DRAFTS["report"] | {"crew_view": DRAFTS["report"]["crew_view"] | {"view": "agree"}}
    assert composed(outcomes=results(report=result("report", agreeing))).recommendation.dissent is False

    without = {key: value for key, value in DRAFTS["report"].items() if key != "crew_view"}
    report = composed(outcomes=results(report=result("report", without)))
    assert report.recommendation.crew_view is None
    assert "recorded no view" in render_markdown(report)


def test_withheld_parts_make_the_report_partial_and_are_counted() -> None:
    """What verification withheld is listed under its task, and the report says that it is partial."""
    taken = Violation(path="claims[0].text", code="unbound_digit", message="states a figure", text="It rose by 42 %.")
    report = composed(outcomes=results(technicals=result("technicals", withheld=(taken,), repair_rounds=1)))

    assert (report.status, report.provenance.figures.withheld, report.provenance.repair_rounds) == ("partial", 1, 1)
    assert report.withheld[0].path == "technicals.claims[0].text"
    assert composed().status == "complete"


def test_the_withheld_words_are_shown_nowhere() -> None:
    """A withheld sentence's figure appears on no page for readers, not even where the reason quotes it."""
    taken = Violation(path="trend", code="unbound_figure", message="states '4242' instead of citing a figure", text="It rose by 4242 %.")
    report = composed(outcomes=results(technicals=result("technicals", withheld=(taken,))))

    for page in (render_markdown(report), render_html(report)):
        assert "4242" not in page
        assert "states … instead of citing a figure" in page
        assert "unbound figure" in page


def test_figures_are_counted_by_distinct_citation() -> None:
    """Total counts figures, not texts; bound counts each cited id once."""
    figures = composed().provenance.figures

    assert figures.total == 17
    assert figures.bound == len(
        {
            *("company.name", "margin.net.FY2025", "valuation.pe", "scorecard.quality", "growth.revenue_yoy.FY2025", "company.description"),
            *("income.revenue.FY2025", "news.1", "income.net_income.FY2025", "price.last", "price.change_1d", "price.max_drawdown_trough_date"),
            *("price.low_52w", "price.high_52w"),
        }
    )


@pytest.mark.parametrize(
    ("task", "field", "text"),
    [
        ("fundamentals", "growth", "Revenue grew by 12 %."),
        ("fundamentals", "growth", "Revenue grew by [[growth.revenue_yoy.FY2031]]."),
        ("technicals", "trend", "The price is \uff15\uff10 dollars."),
        ("report", "summary", "Worth [[price.last]]0."),
    ],
)
def test_what_is_not_bound_is_never_published(task: str, field: str, text: str) -> None:
    """A figure outside a citation or an unknown id stops the report, should verification ever let it through."""
    with pytest.raises(OutputInvalid):
        composed(outcomes=results(**{task: result(task, DRAFTS[task] | {field: text})}))


def test_a_claim_or_tripwire_on_unknown_evidence_is_never_published() -> None:
    """Evidence that a claim or risk rests on must be in the sheet."""
    unknown = DRAFTS["fundamentals"] | {"claims": [claim("The margin is [[margin.net.FY2025]].", "bull", "margin.none", 1.0)]}
    with pytest.raises(OutputInvalid, match=r"margin\.none"):
        composed(outcomes=results(fundamentals=result("fundamentals", unknown)))

    risk = {"text": "It may end.", "tripwire": {"evidence": "no.such", "operator": "<", "threshold": 1.0}}
    with pytest.raises(OutputInvalid, match=r"no\.such"):
        composed(outcomes=results(research=result("research", DRAFTS["research"] | {"risks": [risk]})))


def test_a_product_name_out_of_the_profile_may_be_named() -> None:
    """A name with a digit that the company's profile holds is no figure."""
    draft = DRAFTS["research"] | {"business": ["The Anvil 3 sells well."]}

    assert composed(outcomes=results(research=result("research", draft))).sections[3].paragraphs[0].text == "The Anvil 3 sells well."


def test_a_fourth_task_is_a_section_of_its_own_under_its_title() -> None:
    """A task of the free schema appears under the title that tasks.yaml gives it, with its claims."""
    plan = blueprint()
    extra = plan.tasks["fundamentals"].model_copy(update={"title": "Governance", "titles": {"pt-BR": "Governança"}, "agent": "esg"})
    plan = plan.model_copy(update={"tasks": dict(plan.tasks) | {"governance": extra}})
    draft = {
        "body": ["The owners earn [[margin.net.FY2025]]."],
        "claims": [claim("The margin is [[margin.net.FY2025]].", "bull", "margin.net.FY2025", 1.0)],
    }
    outcomes = results() | {"governance": result("governance", draft, schema="section", agent="esg")}
    report = composed(outcomes=outcomes, plan=plan, language="pt-BR")

    section = report.sections[-1]
    assert (section.id, section.title, section.group, section.agent) == ("governance", "Governança", None, "esg")
    assert report.claims[-1].task == "governance"
    assert "Governança" in render_html(report)
    assert "## Governança" in render_markdown(report)


def test_two_tasks_of_one_schema_keep_sections_apart() -> None:
    """Section ids stay unique when a second task uses the same schema."""
    plan = blueprint()
    plan = plan.model_copy(update={"tasks": dict(plan.tasks) | {"second": plan.tasks["technicals"]}})
    outcomes = results() | {"second": result("second", DRAFTS["technicals"], schema="technicals")}

    ids = [section.id for section in composed(outcomes=outcomes, plan=plan).sections]
    assert len(ids) == len(set(ids))
    assert "second-trend" in ids


def test_the_rules_writer_is_named_for_what_it_is() -> None:
    """Every representation says plainly that rules and no language model wrote the text."""
    report = composed()

    assert "No language model took part" in report.provenance.writer
    assert all("No language model took part" in render(report) for render in (render_markdown, render_html, render_json))


def test_a_model_is_named_and_a_mixture_is_said() -> None:
    """With a model the writer line names it; with both it says so."""
    one = composed(outcomes={task: result(task, model="openai/gpt-5-mini") for task in AGENTS})
    mixed = composed(outcomes=results(report=result("report", model="openai/gpt-5-mini")))

    assert "Written by openai/gpt-5-mini." in one.provenance.writer
    assert "Parts were written by openai/gpt-5-mini, the rest by" in mixed.provenance.writer
    assert mixed.provenance.models == {"researcher": "rules", "analyst": "rules", "reporter": "openai/gpt-5-mini"}


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_a_language_the_rules_writer_has_needs_no_excuse(language: str) -> None:
    """In English and Portuguese the writer is named and nothing else is said."""
    assert composed(language=language).provenance.writer == word("writer_rules", language)


@pytest.mark.parametrize(("language", "said"), [("es", "no escribe en español")])
def test_a_language_the_rules_writer_lacks_is_said_in_that_language(language: str, said: str) -> None:
    """The rules writer has no Spanish, and a report in Spanish says so; a model's report does not."""
    assert said in composed(language=language).provenance.writer
    assert said not in composed(outcomes={task: result(task, model="openai/gpt-5-mini") for task in AGENTS}, language=language).provenance.writer


def test_totals_add_up_and_an_unknown_price_makes_the_cost_unknown() -> None:
    """Calls stand in the order of tasks.yaml whatever finished first; one call without a price leaves no total price."""
    priced = composed().provenance
    assert [call.task for call in priced.model_calls] == ["research", "fundamentals", "technicals", "report"]
    assert (priced.totals.calls, priced.totals.prompt_tokens, priced.totals.milliseconds, priced.totals.cost_usd) == (4, 3600, 48, 0.0)

    call = ModelCall(task="report", agent="reporter", model="x/y", prompt_tokens=1, completion_tokens=1, milliseconds=1)
    report = composed(outcomes=results(report=result("report", calls=(call,))))
    assert report.provenance.totals.cost_usd is None
    assert "unknown" in render_markdown(report)


def test_two_runs_are_the_same_but_for_id_and_times() -> None:
    """The order of finishing, the id and the milliseconds change nothing that is compared; a changed word does."""
    other = {task: result(task, calls=tuple(call.model_copy(update={"milliseconds": 999}) for call in result(task).calls)) for task in AGENTS}
    first, second = composed(), composed(outcomes=other, id="an_00000000000000000000000002")

    assert comparable(first) == comparable(second)
    assert render_json(first) != render_json(second)
    assert comparable(first) != comparable(composed(outcomes=results(technicals=result("technicals", DRAFTS["technicals"] | {"trend": "Flat."}))))
    assert ID not in comparable(first)


def test_disclosures_state_day_sources_and_that_it_is_no_advice() -> None:
    """Each report says as of when, from which sources, and that it is research material."""
    day, sources, advice = composed(sheet(seen("fx.x", "Rate", 5.0, "ratio").model_copy(update={"source": "yahoo"}))).disclosures

    assert "12 March 2026" in day
    assert sources == "Sources: the sample data set shipped with StockCrew; Yahoo Finance, read through yfinance."
    assert "not investment advice" in advice


def test_serious_flags_come_before_the_summary_and_others_after() -> None:
    """A serious data-quality flag is what a reader sees first; a mere note stands with the data quality."""
    serious = render_markdown(composed(sheet(flags=(QualityFlag(code="stale", severity="serious", message="Old price."),))))
    note = render_markdown(composed(sheet(flags=(QualityFlag(code="news", severity="info", message="No news."),))))

    assert serious.index("Old price.") < serious.index("## Summary")
    assert note.index("No news.") > note.index("## Summary")


@pytest.mark.parametrize("language", ["en", "pt-BR", "es"])
def test_every_language_renders_without_a_word_missing(language: str) -> None:
    """Both pages render in each language with its own headings and figures."""
    report = composed(language=language)
    headings = {"en": "What happened", "pt-BR": "O que aconteceu", "es": "Qué ha pasado"}

    assert f"### {headings[language]}" in render_markdown(report)
    assert headings[language] in render_html(report)
    assert f'<html lang="{language}">' in render_html(report)


def test_every_word_exists_in_every_language() -> None:
    """No key lacks a translation, but for the sentence that English never needs."""
    assert [key for key, words in _WORDS.items() if len(words) != 3 or not all(words)] == ["rules_language"]


def test_a_report_without_anything_to_say_still_renders() -> None:
    """An instrument with a price only, no claims, no charts and no scenarios gives both pages, and says what is missing."""
    bare = sheet(quote_type="etf", sector=None).model_copy(
        update={"charts": (), "valuation": sheet().valuation.model_copy(update={"scenarios": (), "sensitivity": None})}
    )
    empty: dict[str, Any] = {"trend": "The last price is [[price.last]]."}
    report = composed(bare, {"technicals": result("technicals", empty)})

    assert "Exchange-traded fund" in render_markdown(report)
    assert "None passed verification." in render_html(report)
