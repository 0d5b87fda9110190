"""Placeholders in texts, written {name}: found, checked and filled in one pass, so that a filled value is never read as a template."""

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{(\s*)([A-Za-z_][A-Za-z0-9_-]*)(\s*)\}")


def placeholders(text: str) -> list[str]:
    """The names in braces, in order, with any white space inside the braces kept. JSON in a text is not touched."""
    return [match.group(0)[1:-1] for match in _PLACEHOLDER.finditer(text)]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put `values` in for the placeholders they name and leave the others; values are taken as they are, not filled again."""
    return _PLACEHOLDER.sub(lambda match: values.get(match.group(0)[1:-1], match.group(0)), text)
