"""Verified drafts turned into the report's sections and claims, in the order in which they are read."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from pydantic import ValidationError

from crew.domain.draft import SUBJECTS, Claim, CrewView, Tripwire
from crew.domain.report import Paragraph, ReportClaim, Section
from crew.domain.run import TaskResult
from crew.report.words import word

_LISTS = frozenset({"change_our_mind", "events", "catalysts", "risks"})


class PlannedTask(Protocol):
    """What composing needs to know of one task."""

    @property
    def agent(self) -> str:
        """The name of the agent that does it."""

    def heading(self, language: str) -> str:
        """The title in `language`."""


class Plan(Protocol):
    """What composing needs to know of the crew: its tasks in the order of tasks.yaml, and the hash of its configuration."""

    @property
    def tasks(self) -> Mapping[str, PlannedTask]:
        """The tasks by name."""

    @property
    def config_hash(self) -> str:
        """The hash of agents.yaml and tasks.yaml."""


def reading_order(plan: Plan, results: Mapping[str, TaskResult]) -> list[TaskResult]:
    """The results as they are read: the report's own words first, then the tasks in the order of tasks.yaml."""
    ordered = [results[name] for name in plan.tasks if name in results]
    return sorted(ordered, key=lambda result: result.schema_name != "report")


def sections_of(result: TaskResult, heading: str, language: str, *, focus: Collection[str] = ()) -> list[Section]:
    """One section per subject of the draft that has anything left to say; a `section` draft is one section under the task's title.

    Subjects in `focus` come before the others.
    """
    if result.schema_name not in SUBJECTS:
        paragraphs = tuple(_paragraphs(result.draft.get("body"), listed=False))
        return [Section(id=result.task, title=heading, task=result.task, agent=result.agent, paragraphs=paragraphs)] if paragraphs else []
    group = None if result.schema_name == "report" else heading
    found = []
    for subject in sorted(SUBJECTS[result.schema_name], key=lambda name: name not in focus):
        paragraphs = tuple(_paragraphs(result.draft.get(subject), listed=subject in _LISTS))
        if paragraphs:
            title = word(subject, language)
            found.append(Section(id=subject, title=title, group=group, task=result.task, agent=result.agent, paragraphs=paragraphs))
    return found


def claims_of(result: TaskResult) -> list[ReportClaim]:
    """The draft's verified claims, the strongest first."""
    claims = [Claim.model_validate(item) for item in result.draft.get("claims") or ()]
    return [ReportClaim(task=result.task, claim=claim) for claim in sorted(claims, key=lambda claim: -claim.strength)]


def crew_view_of(result: TaskResult) -> CrewView | None:
    """The crew's own view, or None where verification withheld it."""
    try:
        return CrewView.model_validate(result.draft.get("crew_view"))
    except ValidationError:
        return None


def _paragraphs(content: Any, *, listed: bool) -> Iterator[Paragraph]:
    """Paragraphs of a field of a draft: one text, several, or items with evidence or a tripwire. Withheld parts are empty or absent."""
    items = content if isinstance(content, list | tuple) else [content]
    style = "item" if listed else "prose"
    for item in items:
        if isinstance(item, str) and item.strip():
            yield Paragraph.model_validate({"text": item.strip(), "style": style})
        elif isinstance(item, dict) and str(item.get("text") or "").strip():
            tripwire = item.get("tripwire")
            yield Paragraph.model_validate(
                {
                    "text": str(item["text"]).strip(),
                    "style": style,
                    "evidence": tuple(item.get("evidence") or ()),
                    "tripwire": Tripwire.model_validate(tripwire) if tripwire else None,
                }
            )
