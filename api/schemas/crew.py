"""Bodies of introspection: what the crew is made of."""

from typing import Literal

from api.schemas.fields import Answered
from crew.blueprint.model import Limits
from crew.domain.analysis import Depth, Focus


class AgentBody(Answered):
    """One agent of the crew. `model` is the one that speaks for it now."""

    name: str
    role: str
    goal: str
    model: str
    tools: list[str]
    limits: Limits
    tasks: list[str]


class TaskBody(Answered):
    """One task of the crew, as configured; instructions to the model are not shown."""

    name: str
    title: str
    agent: str
    context: list[str]
    output_schema: str
    level: int
    facts: list[str]


class CrewBody(Answered):
    """The whole crew. Tasks of one level run at the same time; `depths` and `focus` are what requests may ask for."""

    config_hash: str
    agents: list[AgentBody]
    tasks: list[TaskBody]
    levels: list[list[str]]
    depths: list[Depth]
    focus: list[Focus]


class AgentPage(Answered):
    """The crew's agents."""

    data: list[AgentBody]


class TaskPage(Answered):
    """The crew's tasks in order."""

    data: list[TaskBody]


class ToolBody(Answered):
    """One tool that agents may use."""

    name: str
    description: str
    agents: list[str]


class ToolPage(Answered):
    """The tools there are."""

    data: list[ToolBody]


class HealthBody(Answered):
    """How it went for this tenant since yesterday: `failing` where at least half of what was tried failed, `unknown` where nothing was."""

    status: Literal["ok", "failing", "unknown"]
    tried: int
    failed: int


class ProviderBody(Answered):
    """What is configured behind the crew: the market data and the models."""

    kind: Literal["market_data", "model"]
    name: str
    used_by: list[str]
    health: HealthBody


class ProviderPage(Answered):
    """The providers in use."""

    data: list[ProviderBody]
