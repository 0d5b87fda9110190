"""Pydantic's findings about one agent or task in words that tell a writer of YAML what to change."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from crew.blueprint.model import Limits
from crew.blueprint.problems import nearest

_KINDS: dict[type, str] = {bool: "a yes/no value", int: "a number", float: "a number", dict: "a mapping", list: "a list", type(None): "nothing"}
_EXPECTED = {"string_type": "a text", "int_type": "a whole number", "tuple_type": "a list", "model_type": "a mapping of fields"}
_PATTERNS: Mapping[str, str] = {
    "model": "is no model: use `default`, `rules` or PROVIDER/NAME, for example openai/gpt-5-mini",
    "facts": "is no prefix of evidence ids: write it like price, margin.*.TTM or price.return_*",
    "without": "is no prefix of evidence ids: write it like price, margin.*.TTM or price.return_*",
    "role": "must be one line of text",
    "title": "must be one line of text",
}


def describe(item: ErrorDetails, spec: type[BaseModel]) -> str:
    """One sentence on what is wrong and what would be right."""
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        fields = Limits.model_fields if len(item["loc"]) > 1 else spec.model_fields
        return f"unknown field{nearest(str(item['loc'][-1]), [field.alias or name for name, field in fields.items()])}"
    if kind == "missing":
        return "is missing"
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, not {_KINDS.get(type(value), 'this')}{_hint(kind, value)}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(_field(item["loc"]), "must not be blank") + (nearest(value, ["default", "rules"]) if _near_keyword(item) else "")
    if kind in {"string_too_short", "string_too_long"}:
        return "must not be empty" if kind == "string_too_short" else f"is longer than {context['max_length']:,} characters"
    return item["msg"].replace("Input should be", "must be")


def _field(location: tuple[str | int, ...]) -> str:
    return next(str(part) for part in reversed(location) if isinstance(part, str))


def _near_keyword(item: ErrorDetails) -> bool:
    return (
        _field(item["loc"]) == "model" and isinstance(item["input"], str) and bool(nearest(item["input"], ["default", "rules"]).startswith("; did"))
    )


def _hint(kind: str, value: Any) -> str:
    if kind == "string_type" and value is not None and not isinstance(value, list):
        return "; put it in quotes"
    return ""
