"""The JSON Schemas of agents.yaml and tasks.yaml for editors, generated from the models and the catalogue.

`python -m crew.blueprint.schema` writes both files beside this one; a test keeps them true.
"""

import json
from pathlib import Path
from typing import Any, get_args

from crew.blueprint.catalog import PLACEHOLDERS, TOOLS
from crew.blueprint.model import NAME, AgentSpec, DepthSpec, TaskSpec
from crew.domain.analysis import Depth
from crew.domain.draft import SCHEMAS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).parent


def agents_schema() -> dict[str, Any]:
    """What agents.yaml may hold: agent names mapped to agents."""
    spec = AgentSpec.model_json_schema()
    spec["properties"]["tools"]["items"] = {"enum": sorted(TOOLS)}
    spec["properties"]["tools"]["description"] += ": " + "; ".join(f"{name} ({text})" for name, text in TOOLS.items())
    return _file_schema("The crew's agents", spec, {})


def tasks_schema() -> dict[str, Any]:
    """What tasks.yaml may hold: `variables`, `depths`, `emphasis`, and task names mapped to tasks."""
    spec = TaskSpec.model_json_schema(by_alias=True)
    spec["properties"]["schema"]["enum"] = sorted(SCHEMAS)
    spec["properties"]["description"]["description"] += ". Known: " + "; ".join(f"{{{name}}} {text}" for name, text in PLACEHOLDERS.items())
    variables = {
        "type": "object",
        "description": "Texts that tasks share, shown where a task says {name}",
        "additionalProperties": {"type": "string"},
    }
    depths = {
        "type": "object",
        "description": "What changes for the whole crew when a request asks for that depth",
        "properties": dict.fromkeys(get_args(Depth), DepthSpec.model_json_schema()),
        "additionalProperties": False,
    }
    emphasis = {"type": "string", "description": "Added to tasks that write on a subject in {focus} of a request"}
    return _file_schema("The crew's tasks", spec, {"variables": variables, "depths": depths, "emphasis": emphasis})


def render(schema: dict[str, Any]) -> str:
    """The schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _file_schema(title: str, entry: dict[str, Any], fixed: dict[str, Any]) -> dict[str, Any]:
    definitions = entry.pop("$defs", {})
    return {
        "$schema": _DRAFT,
        "title": title,
        "type": "object",
        "properties": fixed,
        "patternProperties": {NAME: {"$ref": "#/$defs/Entry"}} if not fixed else {f"^(?!({'|'.join(fixed)})$){NAME[1:]}": {"$ref": "#/$defs/Entry"}},
        "additionalProperties": False,
        "minProperties": 1,
        "$defs": {"Entry": entry, **definitions},
    }


if __name__ == "__main__":
    (FOLDER / "agents.schema.json").write_text(render(agents_schema()), encoding="utf-8")
    (FOLDER / "tasks.schema.json").write_text(render(tasks_schema()), encoding="utf-8")
