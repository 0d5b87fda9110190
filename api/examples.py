"""Examples for the OpenAPI document, made from the schemas themselves: each value that a schema names as example, or one that fits it."""

from collections.abc import Mapping
from typing import Any

from crew.domain.evidence import EVIDENCE_ID

_BY_NAME: Mapping[str, Any] = {
    "after": 7,
    "agent": "researcher",
    "agents": ["researcher"],
    "analysis_id": "an_aghk4lnbpj7rhfabk5gvk43pku",
    "batch_id": "ba_aghk4lnbpj7rhfabk5gvk43pku",
    "code": "report_not_ready",
    "config_hash": "9f2c1b7e5a3d4c60",
    "current_task": "report",
    "currency": "USD",
    "detail": "1 alive",
    "event": "step.finished",
    "language": "en",
    "model": "rules",
    "name": "researcher",
    "next_after": 7,
    "next_cursor": None,
    "path": "claims[0].text",
    "request_id": "3f6c0a525d0e4a7e9d7b0d8f4f0c1a11",
    "retried_from": None,
    "symbol": "AAPL",
    "ticket": "st_" + "0" * 43,
    "title": "There is no report yet",
    "type": "step.finished",
    "version": "0.1.0",
}
_BY_FORMAT: Mapping[str, Any] = {"date-time": "2026-03-12T12:00:00Z", "date": "2026-03-12", "uri": "https://example.com/"}


def example_of(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, name: str = "", inside: tuple[str, ...] = ()) -> Any:
    """A value that `schema` accepts, the more telling the more the schema says.

    Args:
        schema: a JSON schema as pydantic writes it.
        definitions: what its references lead to, by the last part of their address.
        name: the member that the value is for.
        inside: the models around it, so that one which holds itself ends.
    """
    if "$ref" in schema:
        target = str(schema["$ref"]).rsplit("/", 1)[1]
        return example_of(definitions[target], definitions, name=name, inside=(*inside, target))
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("anyOf", schema.get("oneOf"))
    if kinds:
        return _of_choice(kinds, definitions, name=name, inside=inside)
    return _of_type(schema, definitions, name=name, inside=inside)


def _of_choice(kinds: list[Mapping[str, Any]], definitions: Mapping[str, Any], *, name: str, inside: tuple[str, ...]) -> Any:
    optional = any(kind.get("type") == "null" for kind in kinds)
    if optional and (name.endswith("_at") or name in {"error", "problem", "refusal", "errors"} or _BY_NAME.get(name, 0) is None):
        return None
    chosen = next(kind for kind in kinds if kind.get("type") != "null")
    if optional and str(chosen.get("$ref", "")).rsplit("/", 1)[-1] in inside:
        return None
    return example_of(chosen, definitions, name=name, inside=inside)


def _of_type(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, name: str, inside: tuple[str, ...]) -> Any:
    match schema.get("type"):
        case "object":
            return _of_object(schema, definitions, inside=inside)
        case "array":
            return _of_array(schema, definitions, name=name, inside=inside)
        case "string":
            return _of_string(schema, name)
        case "integer" | "number" as kind:
            named = _BY_NAME.get(name)
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + (1 if "exclusiveMinimum" in schema else 0))
            return named if isinstance(named, int) else int(least) if kind == "integer" else float(least)
        case "boolean":
            return bool(schema.get("default", name == "ok"))
        case "null":
            return None
        case _:
            return schema.get("default", {})


def _of_object(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, inside: tuple[str, ...]) -> dict[str, Any]:
    made = {}
    for member, spec in schema.get("properties", {}).items():
        value = _known_id(member, inside) or example_of(spec, definitions, name=member, inside=inside)
        if value is not None or member in schema.get("required", []):
            made[member] = value
    return made


def _known_id(member: str, inside: tuple[str, ...]) -> str | None:
    prefixes = {"AnalysisBody": "an", "BatchBody": "ba", "KeyBody": "key", "NewKeyBody": "key", "Report": "an"}
    return f"{prefixes[inside[-1]]}_aghk4lnbpj7rhfabk5gvk43pku" if member == "id" and inside and inside[-1] in prefixes else None


def _of_array(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, name: str, inside: tuple[str, ...]) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(item, definitions, inside=inside) for item in schema["prefixItems"]]
    items = schema.get("items")
    if items is None or str(items.get("$ref", "")).rsplit("/", 1)[-1] in inside:
        return []
    return [example_of(items, definitions, name=name.removesuffix("s"), inside=inside)]


def _of_string(schema: Mapping[str, Any], name: str) -> str:
    if schema.get("format") in _BY_FORMAT:
        return str(_BY_FORMAT[schema["format"]])
    if EVIDENCE_ID in schema.get("pattern", ""):
        return "price.change_1d"
    named = _BY_NAME.get(name)
    text = named if isinstance(named, str) else str(schema.get("default") or "text")
    return text[: schema["maxLength"]] if "maxLength" in schema else text
