"""What the crew is: agents, tasks, tools and providers as configured. Never an instruction to a model, never a key."""

from datetime import UTC, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from flask import Response, g

from api.contract import Answer, Resource
from api.negotiation import conditional
from api.present import json_answer
from api.schemas.crew import AgentBody, AgentPage, CrewBody, HealthBody, ProviderBody, ProviderPage, TaskBody, TaskPage, ToolBody, ToolPage
from api.services import services
from crew.blueprint.catalog import TOOLS
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import Blueprint
from crew.domain.analysis import FOCUSES
from crew.errors import NotFound

resource = Resource("crew", "The crew that writes the reports, as agents.yaml and tasks.yaml define it.")

_UNCHANGED = Answer("It has not changed since `If-None-Match`")


@resource.operation("GET", "/v1/crew", scope="read", answers={200: Answer("The crew", CrewBody), 304: _UNCHANGED})
def get_crew() -> Response:
    """Read the whole crew."""
    plan = _blueprint()
    levels = [list(level) for level in plan.order()]
    focus = list(FOCUSES) if plan.emphasis is not None else []
    body = CrewBody(config_hash=plan.config_hash, agents=_agents(plan), tasks=_tasks(plan), levels=levels, depths=list(plan.depths), focus=focus)
    return conditional(json_answer(body))


@resource.operation("GET", "/v1/agents", scope="read", answers={200: Answer("The agents", AgentPage), 304: _UNCHANGED})
def list_agents() -> Response:
    """List the agents."""
    return conditional(json_answer(AgentPage(data=_agents(_blueprint()))))


@resource.operation("GET", "/v1/agents/<name>", scope="read", answers={200: Answer("The agent", AgentBody), 304: _UNCHANGED})
def get_agent(name: str) -> Response:
    """Read one agent."""
    return conditional(json_answer(_named(_agents(_blueprint()), name, "agent")))


@resource.operation("GET", "/v1/tasks", scope="read", answers={200: Answer("The tasks", TaskPage), 304: _UNCHANGED})
def list_tasks() -> Response:
    """List the tasks."""
    return conditional(json_answer(TaskPage(data=_tasks(_blueprint()))))


@resource.operation("GET", "/v1/tasks/<name>", scope="read", answers={200: Answer("The task", TaskBody), 304: _UNCHANGED})
def get_task(name: str) -> Response:
    """Read one task."""
    return conditional(json_answer(_named(_tasks(_blueprint()), name, "task")))


@resource.operation("GET", "/v1/tools", scope="read", answers={200: Answer("The tools", ToolPage), 304: _UNCHANGED})
def list_tools() -> Response:
    """List the tools that agents may use."""
    agents = _blueprint().agents
    data = [
        ToolBody(name=tool, description=text, agents=[name for name, agent in agents.items() if tool in agent.tools]) for tool, text in TOOLS.items()
    ]
    return conditional(json_answer(ToolPage(data=data)))


@resource.operation("GET", "/v1/providers", scope="read", answers={200: Answer("The providers", ProviderPage), 304: _UNCHANGED})
def list_providers() -> Response:
    """List the market data and the models in use, and how they have answered since yesterday."""
    agents = _agents(_blueprint())
    models = {agent.model: [other.name for other in agents if other.model == agent.model] for agent in agents}
    usage, tenant = services().usage, g.principal.tenant
    name = services().settings.market_data.partition(":")[0]
    market = ProviderBody(kind="market_data", name=name, used_by=["collect"], health=_health(*usage.market_data(tenant=tenant)))
    today = services().clock().astimezone(UTC).date()
    days = usage.days(tenant=tenant, first=today - timedelta(days=1), last=today)
    data = [market]
    for model, names in models.items():
        calls = [day for day in days if day.model == model]
        health = _health(sum(day.calls for day in calls), sum(day.failed_calls for day in calls))
        data.append(ProviderBody(kind="model", name=model, used_by=names, health=health))
    return conditional(json_answer(ProviderPage(data=data)))


def _health(tried: int, failed: int) -> HealthBody:
    return HealthBody(status="unknown" if not tried else "failing" if 2 * failed >= tried else "ok", tried=tried, failed=failed)


def _blueprint() -> Blueprint:
    settings = services().settings
    files = (settings.agents_file, settings.tasks_file)
    return _read(*files, *(file.stat().st_mtime_ns for file in files))


@lru_cache(maxsize=4)
def _read(agents_file: Path, tasks_file: Path, *_changed_at: int) -> Blueprint:
    """The crew of both files; the times of their last change make an edited file a new one."""
    return load_blueprint(agents_file, tasks_file)


def _agents(plan: Blueprint) -> list[AgentBody]:
    configured = services().settings.model
    return [
        AgentBody(
            name=name,
            role=agent.role,
            goal=agent.goal,
            model=configured if agent.model == "default" else agent.model,
            tools=list(agent.tools),
            limits=agent.limits,
            tasks=[task for task, spec in plan.tasks.items() if spec.agent == name],
        )
        for name, agent in plan.agents.items()
    ]


def _tasks(plan: Blueprint) -> list[TaskBody]:
    level_of = {task: number for number, level in enumerate(plan.order()) for task in level}
    return [
        TaskBody(
            name=name,
            title=task.title,
            agent=task.agent,
            context=list(task.context),
            output_schema=task.schema_name,
            level=level_of[name],
            facts=list(task.facts),
        )
        for name, task in plan.tasks.items()
    ]


Named = TypeVar("Named", AgentBody, TaskBody)


def _named(bodies: list[Named], name: str, kind: str) -> Named:
    found = next((body for body in bodies if body.name == name), None)
    if found is None:
        raise NotFound(f"There is no such {kind}.")
    return found
