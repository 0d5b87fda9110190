"""agents.yaml and tasks.yaml read and checked as a whole: either a blueprint that can run, or every problem at once."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from crew.blueprint.catalog import TOOLS
from crew.blueprint.checks import check_references, check_texts, check_wishes
from crew.blueprint.model import NAME, RESERVED, AgentSpec, Blueprint, DepthSpec, TaskSpec
from crew.blueprint.nodes import Document, read_document
from crew.blueprint.placeholders import fill
from crew.blueprint.problems import nearest, raise_if_any
from crew.blueprint.wording import describe
from crew.domain.analysis import Depth
from crew.domain.draft import SCHEMAS

VARIABLES = "variables"

Spec = TypeVar("Spec", bound=BaseModel)


def load_blueprint(
    agents_path: Path, tasks_path: Path, *, tools: Collection[str] = tuple(TOOLS), schemas: Collection[str] = tuple(SCHEMAS)
) -> Blueprint:
    """Read and check both files.

    Args:
        agents_path: the agents, a mapping of name to `AgentSpec`.
        tasks_path: the tasks, a mapping of name to `TaskSpec`; the key `variables` holds texts that tasks share, `depths` and `emphasis` say
            what requests may ask of all of them.
        tools: names that an agent's `tools` may hold.
        schemas: names that a task's `schema` may be.

    Raises:
        BlueprintError: anything is wrong; one line per problem with file, line, field and the nearest valid name.
    """
    agents_file, tasks_file = read_document(Path(agents_path)), read_document(Path(tasks_path))
    variables = _variables(tasks_file)
    agents = _specs(agents_file, AgentSpec, agents_file.data)
    entries = {name: entry for name, entry in tasks_file.data.items() if name not in RESERVED}
    tasks = _specs(tasks_file, TaskSpec, entries)
    if agents_file.data and tasks_file.data:
        check_references(agents_file, tasks_file, agents, tasks, tools=tools, schemas=schemas)
    check_texts(agents_file, tasks_file, agents, tasks, variables)
    depths, emphasis = _depths(tasks_file), _emphasis(tasks_file)
    check_wishes(tasks_file, depths, emphasis)
    raise_if_any([*agents_file.problems, *tasks_file.problems])
    return Blueprint(agents=agents, tasks={name: _filled(task, variables) for name, task in tasks.items()}, depths=depths, emphasis=emphasis)


def _filled(task: TaskSpec, variables: Mapping[str, str]) -> TaskSpec:
    texts = {"description": fill(task.description, variables), "expected_output": fill(task.expected_output, variables)}
    return task.model_copy(update=texts)


def _variables(document: Document) -> dict[str, str]:
    given = document.data.get(VARIABLES, {})
    if not isinstance(given, dict):
        document.problem((VARIABLES,), "must be a mapping of names to texts")
        return {}
    texts: dict[str, str] = {}
    for name, text in given.items():
        if isinstance(text, str) and text.strip():
            texts[name] = text
        else:
            document.problem((VARIABLES, name), "must be a text")
    return texts


def _depths(document: Document) -> dict[Depth, DepthSpec]:
    """The depths in their order, `standard` among them even where the file says nothing of it."""
    given, names = document.data.get("depths", {}), get_args(Depth)
    if not isinstance(given, dict):
        document.problem(("depths",), "must be a mapping of depths to what changes at each")
        return {}
    found: dict[str, DepthSpec] = {"standard": DepthSpec()}
    for name, entry in given.items():
        place = ("depths", name)
        if name not in names:
            document.problem(place, f"is no depth{nearest(name, names)}")
        elif not isinstance(entry, dict):
            document.problem(place, "must be a mapping of fields")
        else:
            try:
                found[name] = DepthSpec.model_validate(entry)
            except ValidationError as error:
                for item in error.errors(include_url=False):
                    document.problem((*place, *item["loc"]), describe(item, DepthSpec))
    return {name: found[name] for name in names if name in found}


def _emphasis(document: Document) -> str | None:
    text = document.data.get("emphasis")
    if "emphasis" in document.data and not (isinstance(text, str) and text.strip()):
        document.problem(("emphasis",), "must be a text")
        return None
    return text


def _specs(document: Document, spec: type[Spec], entries: Mapping[str, Any]) -> dict[str, Spec]:
    specs: dict[str, Spec] = {}
    for name, entry in entries.items():
        if not _is_name(name):
            document.problem((name,), "is no name: use up to 40 of a-z 0-9 _ and begin with a letter")
        elif not isinstance(entry, dict):
            document.problem((name,), "must be a mapping of fields")
        else:
            try:
                specs[name] = spec.model_validate(entry)
            except ValidationError as error:
                for item in error.errors(include_url=False):
                    document.problem((name, *item["loc"]), describe(item, spec))
    return specs


def _is_name(name: str) -> bool:
    return re.fullmatch(NAME, name) is not None
