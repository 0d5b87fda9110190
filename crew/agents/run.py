"""One task of the crew, run through CrewAI: fresh agent, task and crew, a guardrail that verifies, one repair round, then withholding."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crew.agents.accounting import load_prices
from crew.agents.guard import RunGuard
from crew.agents.metering import Meter
from crew.agents.prompts import task_description
from crew.agents.quotes import misquotations
from crew.agents.verify import Verifier, has_prose, withhold
from crew.blueprint.model import AgentSpec, Blueprint, TaskSpec
from crew.domain.draft import SCHEMAS
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet
from crew.domain.run import ModelCall, TaskResult, Violation
from crew.errors import OutputInvalid
from crew.settings import Settings

if TYPE_CHECKING:
    from crew.agents.library import Library
    from crew.agents.shelf import Shelf


class _Reviewer:
    """The guardrail's memory over the rounds of one task: the newest draft that has the schema's shape, and its violations."""

    def __init__(self, task: TaskSpec, sheet: FactSheet, shelf: "Shelf | None", verifier: Callable[[FactSheet], Verifier]) -> None:
        self._schema = SCHEMAS[task.schema_name]
        self._repair_rounds = task.repair_rounds
        self._sheet = sheet
        self._shelf = shelf
        self._verifier = verifier
        self.restart()

    def restart(self) -> None:
        """Forget what another model wrote."""
        self.rounds = 0
        self.draft: dict[str, Any] | None = None
        self.violations: list[Violation] = []
        self.problem = ""

    def review(self, raw: str) -> str | None:
        """Judge an answer; None when it may pass, else what the writer has to mend."""
        self.rounds += 1
        try:
            draft = self._schema.model_validate_json(json_object(raw)).model_dump(mode="json")
        except ValueError as error:
            self.problem = f"the answer is not one JSON object of the schema: {str(error)[:600]}"
            return self.problem
        sheet = self._sheet.with_evidence(self.found(draft))
        self.draft, self.violations = draft, [*self._verifier(sheet).verify(draft), *misquotations(draft, sheet.by_id)]
        if not self.violations:
            return None
        listed = "\n".join(f"- {one.path}: {one.message}. Sentence: {one.text[:200]}" for one in self.violations[:20])
        return f"These parts break the rules of the desk. Hand in the whole object again with them mended:\n{listed}"

    def found(self, draft: dict[str, Any]) -> list[Evidence]:
        """The passages of attached documents that the writer found by searching and that `draft` cites."""
        return self._shelf.cited_in(draft) if self._shelf else []

    @property
    def may_repair(self) -> bool:
        """Whether another round is allowed."""
        return self.rounds <= self._repair_rounds


def json_object(text: str) -> str:
    """The first JSON object in `text`, whatever prose or fence stands around it.

    Raises:
        ValueError: there is none.
    """
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start != -1:
        try:
            _, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            start = text.find("{", start + 1)
        else:
            return text[start:end]
    raise ValueError("there is no JSON object in the answer")


def warm(data_dir: Path) -> None:
    """Import CrewAI with its surroundings prepared, so that no analysis has to wait for it."""
    from crew.agents.environment import prepare  # noqa: PLC0415 - CrewAI reads its variables when it is imported

    prepare(data_dir)
    import crew.agents.execution  # noqa: F401, PLC0415


def run_task(
    blueprint: Blueprint,
    task_name: str,
    *,
    sheet: FactSheet,
    upstream: Mapping[str, TaskResult],
    language: str,
    model_override: str | None,
    settings: Settings,
    guard: RunGuard,
    on_call: Callable[[ModelCall], None],
    sleep: Callable[[float], None] = time.sleep,
    library: "Callable[[Meter], Library] | None" = None,
) -> TaskResult:
    """Run one task to a verified draft.

    Args:
        blueprint: the crew; the task and its agent are looked up in it.
        upstream: results of the tasks before it; only those under its `context` are shown to it.
        language: of the prose.
        model_override: the model where agents.yaml says `default`, None for the configured one.
        guard: asked before each model call.
        on_call: told of each model call, also of failed ones.
        sleep: waits between requests.
        library: makes the passages of the attached documents under a meter, None when there are none; called when first needed.

    Raises:
        OutputInvalid: nothing usable was left after the repair round.
        AgentError, RunCanceled: whatever stopped the run.
    """
    warm(settings.data_dir)
    from crew.agents.execution import Assignment, Surroundings, execute  # noqa: PLC0415 - see warm
    from crew.agents.names import RULES, candidates  # noqa: PLC0415 - see warm

    spec = blueprint.tasks[task_name]
    agent = blueprint.agents[spec.agent]
    seen = {name: upstream[name] for name in spec.context if name in upstream}
    sheet = sheet.with_evidence(item for result in seen.values() for item in result.evidence)
    models = candidates(agent.model, override=model_override, settings=settings)
    # The rules writer may answer in English where it has no words in the report's language; the report says so.
    languages = frozenset({language, "en"}) if RULES in models else frozenset({language})
    private = (agent.role, agent.goal, agent.backstory, spec.description, spec.expected_output)
    calls: list[ModelCall] = []

    def count(call: ModelCall) -> None:
        calls.append(call)
        on_call(call)

    meter = Meter(guard, load_prices(settings.prices_file), count, task=task_name, agent=spec.agent)
    shelf = _shelf(sheet, library, meter)
    reviewer = _Reviewer(spec, sheet, shelf, partial(Verifier, languages=languages, private=private))
    given = Assignment(
        agent_name=spec.agent,
        agent=_filled_agent(agent, spec, sheet, language=language),
        task_name=task_name,
        task=spec,
        description=task_description(spec, spec.description, sheet, language=language, upstream=seen),
        expected_output=task_description(spec, spec.expected_output, sheet, language=language, upstream=seen),
        sheet=sheet,
        upstream=seen,
        language=language,
        shelf=shelf,
    )
    around = Surroundings(settings=settings, guard=guard, on_call=count, sleep=sleep)
    model, notes = execute(given, reviewer, around, model_override=model_override)
    return _result(task_name, spec, reviewer, model=model, calls=calls, notes=notes)


def _shelf(sheet: FactSheet, library: "Callable[[Meter], Library] | None", meter: Meter) -> "Shelf | None":
    if library is None:
        return None
    from crew.agents.shelf import Shelf  # noqa: PLC0415 - see warm

    return Shelf(sheet.documents, partial(library, meter), meter)


def _filled_agent(agent: AgentSpec, spec: TaskSpec, sheet: FactSheet, *, language: str) -> AgentSpec:
    texts = {name: task_description(spec, getattr(agent, name), sheet, language=language, upstream={}) for name in ("role", "goal", "backstory")}
    return agent.model_copy(update=texts)


def _result(name: str, spec: TaskSpec, reviewer: _Reviewer, *, model: str, calls: list[ModelCall], notes: tuple[str, ...]) -> TaskResult:
    if reviewer.draft is None:
        raise OutputInvalid(f"task {name}: {model} handed in nothing usable in {reviewer.rounds} rounds: {reviewer.problem[:300]}")
    draft = withhold(reviewer.draft, reviewer.violations)
    if not has_prose(draft):
        raise OutputInvalid(f"task {name}: nothing of what {model} wrote could be verified: {reviewer.violations[0].message}")
    return TaskResult(
        task=name,
        agent=spec.agent,
        schema_name=spec.schema_name,
        title=spec.title,
        model=model,
        draft=draft,
        withheld=tuple(reviewer.violations),
        calls=tuple(calls),
        repair_rounds=max(0, reviewer.rounds - 1),
        tool_failures=notes,
        evidence=tuple(reviewer.found(draft)),
    )
