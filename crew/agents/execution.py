"""The kickoff itself: one agent, one task, one crew, made for this run alone through CrewAI's public classes."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from crewai import BaseLLM, Process, Task
from crewai.tasks.task_output import TaskOutput

from crew.agents.accounting import load_prices
from crew.agents.breaker import Breakers
from crew.agents.executor import LeanAgent, LeanExecutor
from crew.agents.forgetful import ForgetfulCrew
from crew.agents.guard import RunGuard
from crew.agents.metered import MeteredModel, Terms
from crew.agents.models import base_url_of, make_model
from crew.agents.names import RULES, candidates, provider_of
from crew.agents.provider_errors import first_line
from crew.agents.rules import RulesModel
from crew.agents.tools import SheetTool, make_tools
from crew.blueprint.model import AgentSpec, TaskSpec
from crew.domain.factsheet import FactSheet
from crew.domain.run import ModelCall, TaskResult
from crew.errors import ModelRateLimited, ModelUnavailable, OutputInvalid, StockcrewError
from crew.settings import Settings

if TYPE_CHECKING:
    from crew.agents.shelf import Shelf

# CrewAI reads its own deprecated fields at every kickoff. For the whole process, since a filter for one kickoff would be that of all its threads.
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"crewai\.")
BREAKERS = Breakers()
log = structlog.get_logger(__name__)


class Reviewer(Protocol):
    """Judges answers; see `crew.agents.run`."""

    @property
    def may_repair(self) -> bool:
        """Whether another round is allowed."""

    def restart(self) -> None:
        """Forget what another model wrote."""

    def review(self, raw: str) -> str | None:
        """None when the answer may pass, else what to mend."""


@dataclass(frozen=True)
class Assignment:
    """One task as an agent gets it: every placeholder in the texts is filled."""

    agent_name: str
    agent: AgentSpec
    task_name: str
    task: TaskSpec
    description: str
    expected_output: str
    sheet: FactSheet
    upstream: Mapping[str, TaskResult]
    language: str
    shelf: "Shelf | None" = None


@dataclass(frozen=True)
class Surroundings:
    """What a run depends on and reports to."""

    settings: Settings
    guard: RunGuard
    on_call: Callable[[ModelCall], None]
    sleep: Callable[[float], None]


def execute(given: Assignment, reviewer: Reviewer, around: Surroundings, *, model_override: str | None) -> tuple[str, tuple[str, ...]]:
    """Kick the task off and let `reviewer` judge each answer.

    A model that cannot be reached gives way to the next of STOCKCREW_MODEL_FALLBACKS, and a note says so.

    Returns:
        The model that wrote, and notes: fallbacks used, tools that failed.

    Raises:
        StockcrewError: what stopped the run, however CrewAI wrapped it.
    """
    names = candidates(given.agent.model, override=model_override, settings=around.settings)
    notes: list[str] = []
    for position, name in enumerate(names):
        try:
            # While there is another model to turn to nobody waits for one that is away.
            waits = around.settings.model_outage == "wait" and position + 1 == len(names)
            return name, (*notes, *_kickoff(given, reviewer, around, name=name, waits=waits))
        except (ModelUnavailable, ModelRateLimited) as error:
            if position + 1 == len(names):
                raise
            log.warning("model_fallback", task=given.task_name, model=name, to=names[position + 1], error=error.message)
            notes.append(f"{name} was not available, so {names[position + 1]} was asked instead")
            reviewer.restart()
    raise OutputInvalid(f"task {given.task_name}: no model is configured")


def _kickoff(given: Assignment, reviewer: Reviewer, around: Surroundings, *, name: str, waits: bool) -> tuple[str, ...]:
    model = _model(given, around, name, waits=waits)
    work = _task(given, model, reviewer)
    try:
        crew = ForgetfulCrew(agents=[work.agent], tasks=[work], process=Process.sequential, memory=False, cache=False, planning=False, tracing=False)
        crew.kickoff()
    except StockcrewError:
        raise
    except Exception as error:
        if model.failure is not None:
            raise model.failure from error
        raise OutputInvalid(f"task {given.task_name}: {name} gave no usable answer: {first_line(error)}") from error
    finally:
        _let_go(work, model)
    return tuple(f"{failure.tool_name}: {failure.failure.message}"[:200] for failure in (work.output.tool_failures if work.output else ()))


def _let_go(work: Task, model: MeteredModel) -> None:
    """Cut what CrewAI's objects hold of the analysis. They hold each other, so that it would stay until the collector looks through everything."""
    for tool in (work.agent.tools if work.agent else None) or ():
        if isinstance(tool, SheetTool):
            tool.let_go()
    model.let_go()
    work.guardrail = work._guardrail = None  # noqa: SLF001 - CrewAI keeps it twice


def _model(given: Assignment, around: Surroundings, name: str, *, waits: bool) -> MeteredModel:
    settings, longest = around.settings, given.agent.limits.max_output_tokens

    def make() -> BaseLLM:
        if name == RULES:
            task = given.task
            return RulesModel.writing(
                task.schema_name, given.sheet, upstream=given.upstream, language=given.language, most_sentences=task.most_sentences
            )
        return make_model(name, settings, max_output_tokens=longest)

    terms = Terms(
        guard=around.guard,
        prices=load_prices(settings.prices_file),
        breaker=BREAKERS.of(provider_of(name), base_url_of(name, settings)),
        on_call=around.on_call,
        timeout_s=settings.model_timeout_s,
        max_output_tokens=longest,
        waits=waits,
        sleep=around.sleep,
    )
    return MeteredModel.around(make, name=name, task=given.task_name, agent=given.agent_name, terms=terms)


def _task(given: Assignment, model: MeteredModel, reviewer: Reviewer) -> Task:
    member = LeanAgent(
        role=given.agent.role,
        goal=given.agent.goal,
        backstory=given.agent.backstory,
        llm=model,
        tools=make_tools(given.agent.tools, given.sheet, given.shelf),
        max_iter=given.agent.limits.max_iterations,
        max_retry_limit=0,
        allow_delegation=False,
        respect_context_window=False,
        executor_class=LeanExecutor,
        verbose=False,
    )

    def verified(output: TaskOutput) -> tuple[bool, Any]:
        problem = reviewer.review(output.raw)
        if problem is not None and model.was_cut_off:
            longest = given.agent.limits.max_output_tokens
            problem = f"the answer was cut off, since it may have {longest} tokens at most: write less. {problem}"
        # After the last repair round the answer passes, and what it violates is withheld: an exception here would lose the rest.
        return (True, output.raw) if problem is None or not reviewer.may_repair else (False, problem)

    return Task(
        name=given.task_name,
        description=given.description,
        expected_output=given.expected_output,
        agent=member,
        guardrail=verified,
        guardrail_max_retries=given.task.repair_rounds,
    )
