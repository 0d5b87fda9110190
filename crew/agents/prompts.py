"""Prompts: the texts of tasks.yaml with facts put in; text from outside passes `crew.domain.outside` first."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from crew.blueprint.model import TaskSpec
from crew.domain.draft import SCHEMAS
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet
from crew.domain.outside import cleaned, fenced, named
from crew.domain.run import TaskResult

LANGUAGES = {"en": "English", "pt-BR": "Brazilian Portuguese", "es": "Spanish"}
_CURRENCY = re.compile(r"[A-Za-z]{3}")


def fact_line(item: Evidence) -> str:
    """One fact as the model sees it: id to cite, label, period, value with unit."""
    if item.kind == "text":
        return f"[[{item.id}]] {named(item.label)}: {fenced(str(item.value))}"
    value = cleaned(item.value)[:40] if isinstance(item.value, str) else f"{item.value:.6g}"
    currency = _code(item.currency)
    unit = currency if item.unit == "currency" else f"{currency} per share" if item.unit == "currency_per_share" else item.unit
    # Labels of reported figures end with their period.
    return f"[[{item.id}]] {named(item.label).removesuffix(f' {item.period}')} ({item.period}): {value} {unit}"


def _code(currency: str | None) -> str:
    """A currency as the provider states it, if it looks like one."""
    return currency if currency and _CURRENCY.fullmatch(currency) else "units"


def facts_for(task: TaskSpec, sheet: FactSheet) -> list[Evidence]:
    """The task's facts in the sheet's order, bounded; what underlies a figure but is not named by the task stays out.

    Where there are too many, those stay that the task's `facts` name first.
    """
    wants = task.chooser()
    wanted = [item for item in sheet.evidence if wants(item.id)]
    if len(wanted) > task.most_facts:
        kept = {item.id for item in sorted(wanted, key=lambda item: task.rank(item.id))[: task.most_facts]}
        wanted = [item for item in wanted if item.id in kept]
    return wanted


def upstream_text(upstream: Mapping[str, TaskResult]) -> str:
    """The verified claims of other tasks, as data: never their free text."""
    lines: list[str] = []
    for name, result in upstream.items():
        lines += [
            f"- ({name}, {claim['side']}, strength {claim['strength']}) {claim['text']} [evidence: {', '.join(claim['evidence'])}]"
            for claim in result.draft.get("claims") or ()
        ]
        lines += [f"- ({name}, risk) {risk['text']}" for risk in result.draft.get("risks") or ()]
    return "\n".join(lines) or "(none)"


def task_description(task: TaskSpec, text: str, sheet: FactSheet, *, language: str, upstream: Mapping[str, TaskResult]) -> str:
    """`text` of the task with every placeholder filled in one pass, so that nothing put in is read as a placeholder again."""
    instrument = sheet.instrument
    values: dict[str, Callable[[], str]] = {
        "symbol": lambda: instrument.symbol,
        "company": lambda: named(instrument.name),
        "as_of": sheet.as_of.isoformat,
        "language": lambda: LANGUAGES[language],
        "currency": lambda: _code(instrument.currency),
        "rating": lambda: sheet.scorecard.rating,
        "facts": lambda: "\n".join(fact_line(item) for item in facts_for(task, sheet)) or "(none)",
        "gaps": lambda: ", ".join(gap.label for gap in sheet.gaps if task.wants(gap.id))[:1500] or "(nothing)",
        "upstream": lambda: upstream_text(upstream),
        "schema": lambda: schema_text(task.schema_name),
    }
    return re.sub(r"\{(" + "|".join(values) + r")\}", lambda match: values[match.group(1)](), text)


@cache
def schema_text(name: str) -> str:
    """The JSON Schema of a draft, without what the task's own words say better: titles, descriptions and lengths of fields."""
    schema = SCHEMAS[name].model_json_schema()
    return json.dumps({"title": schema["title"], **_bare(schema)}, separators=(",", ":"))


def _bare(part: Any) -> Any:
    if isinstance(part, list):
        return [_bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    # A field may have one of these names itself: there its value is a schema and no text or number.
    return {name: _bare(value) for name, value in part.items() if name not in {"title", "description", "maxLength"} or isinstance(value, dict)}
