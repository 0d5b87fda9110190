"""The report composed from the fact sheet and the crew's verified drafts, with the record of how it came about."""

from collections.abc import Mapping, Sequence

from crew.domain.analysis import AnalysisRequest
from crew.domain.digits import Licence
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet
from crew.domain.report import Figures, Provenance, ReceiptLine, Recommendation, Report, Section, Totals
from crew.domain.run import ModelCall, TaskResult
from crew.errors import OutputInvalid
from crew.report.bind import cited_ids, ensure_bound, prose_of
from crew.report.figures import format_date
from crew.report.sections import Plan, claims_of, crew_view_of, reading_order, sections_of
from crew.report.words import known, word

RULES = "rules"
RULES_LANGUAGES = frozenset({"en", "pt-BR"})


def compose(
    *,
    analysis_id: str,
    sheet: FactSheet,
    blueprint: Plan,
    results: Mapping[str, TaskResult],
    request: AnalysisRequest,
    code_version: str,
    prices_as_of: str | None = None,
) -> Report:
    """Put the report together. Nothing depends on the clock or on the order in which tasks finished.

    Args:
        analysis_id: becomes the report's id.
        sheet: the figures; all of them go into the report.
        blueprint: tasks in their order, headings and configuration hash; results of tasks it does not name are left out.
        results: the finished tasks by name. A missing one makes the report partial only if something was withheld.
        request: gives the language, and what to tell and to put first.
        code_version: of the code that computed and composed.
        prices_as_of: the day of the price table, for the receipt.

    Raises:
        OutputInvalid: a text cites what is not in the sheet or states a figure without citing it. Verification should
            have withheld it; the report is not published.
    """
    language = request.language
    ordered = reading_order(blueprint, results)
    sheet = sheet.with_evidence(item for name in blueprint.tasks if name in results for item in results[name].evidence)
    sections = [section for result in ordered for section in _sections(result, blueprint, request)]
    withheld = tuple(item.model_copy(update={"path": f"{result.task}.{item.path}"}) for result in ordered for item in result.withheld)
    report = Report(
        id=analysis_id,
        status="partial" if withheld else "complete",
        symbol=sheet.instrument.symbol,
        as_of=sheet.as_of,
        language=language,
        instrument=sheet.instrument,
        data_quality=sheet.data_quality,
        sections=_distinct(sections),
        claims=tuple(claim for result in ordered for claim in claims_of(result)),
        scorecard=sheet.scorecard,
        recommendation=_recommendation(sheet, ordered),
        valuation=sheet.valuation,
        evidence=sheet.evidence,
        gaps=sheet.gaps,
        charts=sheet.charts,
        documents=sheet.documents,
        depth=request.depth,
        focus=request.focus,
        withheld=withheld,
        provenance=_provenance(
            sheet, blueprint, ordered, request=request, code_version=code_version, withheld=len(withheld), prices_as_of=prices_as_of
        ),
        disclosures=_disclosures(sheet, language),
    )
    _ensure_publishable(report, sheet)
    bound = {name for text in prose_of(report) for name in cited_ids(text)}
    figures = report.provenance.figures.model_copy(update={"bound": len(bound)})
    return report.model_copy(update={"provenance": report.provenance.model_copy(update={"figures": figures})})


def _sections(result: TaskResult, plan: Plan, request: AnalysisRequest) -> list[Section]:
    return sections_of(result, plan.tasks[result.task].heading(request.language), request.language, focus=request.focus)


def _ensure_publishable(report: Report, sheet: FactSheet) -> None:
    ensure_bound(prose_of(report), sheet.by_id, Licence.of(sheet.evidence, sheet.instrument.name, sheet.as_of))
    named = [name for item in report.claims for name in (*item.claim.evidence, item.claim.wrong_if.evidence)]
    for section in report.sections:
        for paragraph in section.paragraphs:
            named += [*paragraph.evidence, *([paragraph.tripwire.evidence] if paragraph.tripwire else [])]
    for name in named:
        if name not in sheet.by_id:
            raise OutputInvalid(f"a claim rests on {name!r}, which is not in the fact sheet")


def _distinct(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Sections with unique ids: a second one of the same subject carries its task's name."""
    seen: set[str] = set()
    distinct = []
    for section in sections:
        unique = section if section.id not in seen else section.model_copy(update={"id": f"{section.task}-{section.id}"})
        seen.add(unique.id)
        distinct.append(unique)
    return tuple(distinct)


def _recommendation(sheet: FactSheet, ordered: Sequence[TaskResult]) -> Recommendation:
    view = next((crew_view_of(result) for result in ordered if result.schema_name == "report"), None)
    return Recommendation(
        rating=sheet.scorecard.rating,
        rule=sheet.scorecard.rating_rule,
        crew_view=view,
        dissent=view is not None and view.view != "agree",
    )


def _provenance(
    sheet: FactSheet,
    plan: Plan,
    ordered: Sequence[TaskResult],
    *,
    request: AnalysisRequest,
    code_version: str,
    withheld: int,
    prices_as_of: str | None,
) -> Provenance:
    language = request.language
    in_order = [result for name in plan.tasks for result in ordered if result.task == name]
    calls = (*sheet.retrieval_calls, *(call for result in in_order for call in result.calls))
    models: dict[str, str] = {}
    for result in in_order:
        models.setdefault(result.agent, result.model)
    return Provenance(
        model_calls=calls,
        totals=_totals(calls),
        figures=Figures(total=sum(item.kind != "text" for item in sheet.evidence), bound=0, withheld=withheld),
        models=models,
        writer=_writer([result.model for result in in_order], request, has_documents=bool(sheet.documents)),
        data_source=_source_name(sheet.provider, language),
        repair_rounds=sum(result.repair_rounds for result in in_order),
        config_hash=plan.config_hash,
        snapshot_hash=sheet.snapshot_hash,
        code_version=code_version,
        notes=tuple(f"{result.task}: {failure}" for result in in_order for failure in result.tool_failures),
        receipt=_receipt(calls),
        prices_as_of=prices_as_of,
    )


def _receipt(calls: Sequence[ModelCall]) -> tuple[ReceiptLine, ...]:
    """The calls added up by agent, task and model, in the order in which each first appears."""
    groups: dict[tuple[str, str, str], list[ModelCall]] = {}
    for call in calls:
        groups.setdefault((call.agent, call.task, call.model), []).append(call)
    return tuple(ReceiptLine(agent=agent, task=task, model=model, **_totals(group).model_dump()) for (agent, task, model), group in groups.items())


def _totals(calls: Sequence[ModelCall]) -> Totals:
    costs = [call.cost_usd for call in calls]
    return Totals(
        calls=len(calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        milliseconds=sum(call.milliseconds for call in calls),
        cost_usd=None if None in costs else round(sum(cost for cost in costs if cost is not None), 9),
    )


def _writer(models: Sequence[str], request: AnalysisRequest, *, has_documents: bool) -> str:
    """Who wrote the words, in plain words; and what was asked for that the rules writer cannot do."""
    language = request.language
    others = sorted({model for model in models if model != RULES})
    parts = [word("writer_rules" if not others else "writer_mixed" if RULES in models else "writer_model", language).format(models=", ".join(others))]
    if RULES in models and language not in RULES_LANGUAGES:
        parts.append(word("rules_language", language))
    if RULES in models and has_documents:
        parts.append(word("rules_documents", language))
    if RULES in models and request.depth == "deep":
        parts.append(word("rules_deep", language))
    if RULES in models and request.focus:
        parts.append(word("rules_focus", language))
    return " ".join(parts)


def _source_name(provider: str, language: str) -> str:
    key = f"source_{provider.split(':', maxsplit=1)[0]}"
    return word(key, language) if known(key) else provider


def _disclosures(sheet: FactSheet, language: str) -> tuple[str, ...]:
    sources = dict.fromkeys(item.source for item in sheet.evidence if _is_outside(item))
    named = [_source_name(source, language) for source in (sheet.provider, *(name for name in sources if name != sheet.provider))]
    return (
        word("notice_as_of", language).format(as_of=format_date(sheet.as_of, language)),
        word("notice_sources", language).format(sources="; ".join(dict.fromkeys(named))),
        word("notice_advice", language),
    )


def _is_outside(item: Evidence) -> bool:
    return item.source != "stockcrew"
