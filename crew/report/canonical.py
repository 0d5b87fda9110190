"""The report as JSON in one stable form, and what of it two runs on the same data must have in common."""

import json
from typing import Any

from crew.domain.report import Report


def render_json(report: Report) -> str:
    """The report as indented JSON with sorted keys: the same report gives the same bytes."""
    return _dump(report.to_json(), indent=2) + "\n"


def comparable(report: Report) -> str:
    """The report without its id and run times. Two runs of `rules` on the same snapshot and code give the same text."""
    content = report.to_json()
    content.pop("id")
    content["provenance"]["totals"].pop("milliseconds")
    content["provenance"].pop("duration_ms")
    for call in (*content["provenance"]["model_calls"], *content["provenance"]["receipt"]):
        call.pop("milliseconds")
    return _dump(content, indent=None)


def _dump(content: dict[str, Any], *, indent: int | None) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, allow_nan=False, indent=indent)
