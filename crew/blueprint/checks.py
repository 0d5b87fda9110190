"""What holds between agents, tasks and names known elsewhere: references, cycles, placeholders."""

from collections.abc import Collection, Mapping

from crew.blueprint.catalog import FACT_FAMILIES, PLACEHOLDERS
from crew.blueprint.model import RESERVED, AgentSpec, DepthSpec, TaskSpec
from crew.blueprint.nodes import Document
from crew.blueprint.placeholders import placeholders
from crew.blueprint.problems import nearest
from crew.domain.analysis import Depth

_RUN_ONLY_IN_TASKS = frozenset({"facts", "gaps", "upstream", "schema", "rating"})


def check_references(
    agents_file: Document,
    tasks_file: Document,
    agents: Mapping[str, AgentSpec],
    tasks: Mapping[str, TaskSpec],
    *,
    tools: Collection[str],
    schemas: Collection[str],
) -> None:
    """Check every name that one entry uses of another. Names of broken entries count as known, so that one slip is told once."""
    agent_names = set(agents_file.data)
    task_names = set(tasks_file.data) - RESERVED
    for name, agent in agents.items():
        _check_list(agents_file, (name, "tools"), agent.tools, tools, "tool")
    for name, task in tasks.items():
        _check_known(tasks_file, (name, "agent"), task.agent, agent_names, "agent")
        _check_known(tasks_file, (name, "schema"), task.schema_name, schemas, "schema")
        _check_list(tasks_file, (name, "context"), task.context, task_names, "task")
        _check_facts(tasks_file, (name, "facts"), task.facts)
        _check_facts(tasks_file, (name, "without"), task.without)
    used = {entry.get("agent") for entry in tasks_file.data.values() if isinstance(entry, dict)}
    for name in agents_file.data:
        if name not in used:
            agents_file.problem((name,), "has no task; give it one in tasks.yaml or remove it")
    if not task_names:
        tasks_file.problem((), "defines no task")
    _check_cycles(tasks_file, tasks)
    _check_report(tasks_file, tasks)


def _check_list(document: Document, path: tuple[str, ...], names: tuple[str, ...], known: Collection[str], what: str) -> None:
    for index, name in enumerate(names):
        _check_known(document, (*path, index), name, known, what)
    _check_twice(document, path, names)


def _check_facts(document: Document, path: tuple[str, ...], prefixes: tuple[str, ...]) -> None:
    for index, prefix in enumerate(prefixes):
        _check_known(document, (*path, index), prefix.split(".")[0], FACT_FAMILIES, "facts")
    _check_twice(document, path, prefixes)


def _check_known(document: Document, path: tuple[str | int, ...], name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        document.problem(path, f"unknown {what} {name!r}{nearest(name, known)}")


def _check_twice(document: Document, path: tuple[str, ...], names: tuple[str, ...]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            document.problem((*path, index), f"{name!r} is there twice")


def _check_cycles(document: Document, tasks: Mapping[str, TaskSpec]) -> None:
    reported: set[str] = set()
    for start in tasks:
        path = _way_back(start, tasks)
        if path and reported.isdisjoint(path):
            reported.update(path)
            document.problem((start, "context"), f"the tasks wait for each other: {' → '.join([*path, start])}")


def _way_back(start: str, tasks: Mapping[str, TaskSpec]) -> list[str]:
    """The names from `start` along contexts until `start` is reached again, or nothing."""
    ways, seen = [[start]], set[str]()
    while ways:
        way = ways.pop()
        for name in tasks[way[-1]].context if way[-1] in tasks else ():
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _check_report(document: Document, tasks: Mapping[str, TaskSpec]) -> None:
    """One task hands in the report draft, and nothing comes after it."""
    named = [name for name, entry in document.data.items() if isinstance(entry, dict) and entry.get("schema") == "report"]
    if not named and len(tasks) == len(set(document.data) - RESERVED):
        document.problem((), "no task has `schema: report`; one must write the summary")
    for name in named[1:]:
        document.problem((name, "schema"), f"only one task may have the schema report; {named[0]} has it already")
    for name, task in tasks.items():
        for index, other in enumerate(task.context):
            if other in named and name != other:
                document.problem((name, "context", index), f"{other} writes the report and comes last; no task may build on it")


def check_texts(
    agents_file: Document, tasks_file: Document, agents: Mapping[str, AgentSpec], tasks: Mapping[str, TaskSpec], variables: Mapping[str, str]
) -> None:
    """Check placeholders: known, filled with something, and every variable used."""
    used: set[str] = set()
    declared = tasks_file.data.get("variables", {})
    names = set(declared) if isinstance(declared, dict) else set()
    for name in names & set(PLACEHOLDERS):
        tasks_file.problem(("variables", name), "is the name of a placeholder that every task has; choose another")
    for name, agent in agents.items():
        for field in ("role", "goal", "backstory"):
            _check_names(agents_file, (name, field), getattr(agent, field), set(PLACEHOLDERS) - _RUN_ONLY_IN_TASKS)
    for variable, text in variables.items():
        _check_names(tasks_file, ("variables", variable), text, PLACEHOLDERS)
    for name, task in tasks.items():
        found = [
            place
            for field in ("description", "expected_output")
            for place in _check_names(tasks_file, (name, field), getattr(task, field), {*PLACEHOLDERS, *names})
        ]
        used.update(found)
        inherited = [place for variable in found if variable in variables for place in placeholders(variables[variable])]
        _check_filled(tasks_file, name, task, {*found, *inherited})
    if len(tasks) == len(set(tasks_file.data) - RESERVED):
        for name in sorted(names - used - set(PLACEHOLDERS)):
            tasks_file.problem(("variables", name), "is used in no task")


def check_wishes(tasks_file: Document, depths: Mapping[Depth, DepthSpec], emphasis: str | None) -> None:
    """Check the placeholders of the texts that depth and focus add: known, filled with something, and the focus shown."""
    known = set(PLACEHOLDERS) - _RUN_ONLY_IN_TASKS
    for name, depth in depths.items():
        _check_names(tasks_file, ("depths", name, "instruction"), depth.instruction or "", known)
    if emphasis is not None and "focus" not in _check_names(tasks_file, ("emphasis",), emphasis, {*known, "focus"}):
        tasks_file.problem(("emphasis",), "never says what is in focus: put {focus} into it")


def _check_names(document: Document, path: tuple[str, ...], text: str, known: Collection[str]) -> list[str]:
    found = placeholders(text)
    for name in found:
        if name.strip() != name:
            document.problem(path, f"write {{{name.strip()}}} without spaces")
        elif name not in known:
            document.problem(path, f"unknown placeholder {{{name}}}{nearest(name, known)}")
    return found


def _check_filled(document: Document, name: str, task: TaskSpec, found: Collection[str]) -> None:
    """Facts and upstream claims must reach the prompt, and a placeholder for them must have something to show."""
    if "schema" not in found:
        document.problem((name, "expected_output"), "never shows the model what to hand in: put {schema} into it")
    for place, field, given in (("facts", "facts", task.facts), ("upstream", "context", task.context)):
        if given and place not in found:
            document.problem((name, field), f"is never shown: the description has no {{{place}}}")
        if place in found and not given:
            document.problem((name, "description"), f"{{{place}}} has nothing to show: the task names no `{field}`")
