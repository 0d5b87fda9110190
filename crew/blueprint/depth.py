"""The crew as one request wants it: at the depth and with the focus that it asks for."""

from collections.abc import Sequence

from crew.blueprint.model import AgentSpec, Blueprint, DepthSpec, Limits, TaskSpec
from crew.blueprint.placeholders import fill
from crew.domain.analysis import Depth, Focus
from crew.domain.draft import SUBJECTS
from crew.errors import InvalidRequest

# What prompts call the subjects: fixed words, since nothing of a request may reach a model as it was sent.
NAMES: dict[Focus, str] = {
    "business": "the business",
    "events": "what has happened",
    "catalysts": "what could move the shares next",
    "risks": "the risks",
    "growth": "growth",
    "profitability": "profitability",
    "balance_sheet": "the balance sheet",
    "cash_flow": "cash flow",
    "valuation": "valuation",
    "trend": "the trend of the price",
    "momentum": "momentum",
    "volatility": "volatility",
    "levels": "price levels",
}


def ensure_offered(blueprint: Blueprint, depth: Depth, focus: Sequence[Focus]) -> None:
    """Check that the crew can work as asked.

    Raises:
        InvalidRequest: tasks.yaml does not define the depth, or no emphasis for a focus.
    """
    if depth not in blueprint.depths:
        raise InvalidRequest(f"this crew defines no depth `{depth}`, but {', '.join(blueprint.depths)}", pointers=["/depth"])
    if focus and blueprint.emphasis is None:
        raise InvalidRequest("this crew takes no focus: its tasks.yaml defines no `emphasis`", pointers=["/focus"])


def fitted(blueprint: Blueprint, depth: Depth, focus: Sequence[Focus] = ()) -> Blueprint:
    """The crew with its limits, tools and instructions changed for `depth` and `focus`; its hash is no longer that of the files.

    Raises:
        InvalidRequest: the crew cannot work so.
    """
    ensure_offered(blueprint, depth, focus)
    spec = blueprint.depths[depth]
    agents = {name: _agent(agent, spec) for name, agent in blueprint.agents.items()}
    tasks = {name: _task(task, spec, _emphasis(blueprint, task, focus)) for name, task in blueprint.tasks.items()}
    return blueprint.model_copy(update={"agents": agents, "tasks": tasks})


def _agent(agent: AgentSpec, spec: DepthSpec) -> AgentSpec:
    limits = {
        "max_iterations": min(25, max(1, round(agent.limits.max_iterations * spec.iterations))),
        "max_output_tokens": min(32_000, max(256, round(agent.limits.max_output_tokens * spec.output_tokens))),
    }
    return agent.model_copy(update={"limits": Limits(**limits), "tools": agent.tools if spec.tools else ()})


def _task(task: TaskSpec, spec: DepthSpec, emphasis: str | None) -> TaskSpec:
    description = "\n\n".join(text for text in (task.description, emphasis, spec.instruction) if text)
    given = spec.model_dump(include={"most_facts", "most_sentences", "repair_rounds"}, exclude_none=True)
    return task.model_copy(update={"description": description, **given})


def _emphasis(blueprint: Blueprint, task: TaskSpec, focus: Sequence[Focus]) -> str | None:
    """What is told to a task that writes on a subject in focus; the report and free sections may draw on all of them."""
    own = SUBJECTS.get(task.schema_name, ()) if task.schema_name != "report" else ()
    named = [NAMES[subject] for subject in focus if not own or subject in own]
    return fill(blueprint.emphasis or "", {"focus": ", ".join(named)}) if named else None
