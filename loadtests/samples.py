"""k6's raw output read back: every sample by metric with its tags, from a file that may end in the middle of a line."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

# Nothing is computed from these built-in metrics and other tags; to leave them out makes long runs three times smaller and faster to read.
_UNUSED = re.compile(
    r'\{"metric":"(?:http_reqs|http_req_(?!duration"|failed")\w+|data_\w+|vus\w*|iterations|iteration_duration|group_duration)","type":"Point"'
)
_TAGS = ("name", "kind", "expected_response", "status", "check")


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value of `metric` at `at` (seconds since the epoch) under `tags`."""

    metric: str
    value: float
    at: float
    tags: dict[str, str]


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def read_samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of k6's `--out json` file in the order they were written, with the tags that thresholds and summary use.

    A last line cut off by a kill is left out; a broken line before it is an error.

    Raises:
        ValueError: the file is not k6's JSON output.
    """
    broken: str | None = None
    shared: dict[tuple[str | None, ...], dict[str, str]] = {}
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            if broken is not None:
                raise ValueError(f"{path.name}: {broken}")
            if _UNUSED.match(line) and line.endswith("}\n"):
                continue
            try:
                entry = json.loads(line)
            except json.JSONDecodeError as error:
                broken = f"line {number} is not JSON ({error.msg})"
                continue
            if entry.get("type") == "Point":
                yield _sample(entry, shared)


def _sample(entry: dict[str, Any], shared: dict[tuple[str | None, ...], dict[str, str]]) -> Sample:
    data = entry["data"]
    given = data.get("tags") or {}
    key = tuple(given.get(name) for name in _TAGS)
    tags = shared.setdefault(key, {name: given[name] for name in _TAGS if name in given})
    return Sample(metric=entry["metric"], value=float(data["value"]), at=datetime.fromisoformat(data["time"]).timestamp(), tags=tags)


def percentile(values: list[float], percent: float) -> float:
    """The `percent`-th percentile of sorted `values` by linear interpolation between closest ranks, as k6 computes it.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    position = (len(values) - 1) * percent / 100
    lower = int(position)
    upper = min(lower + 1, len(values) - 1)
    return values[lower] + (values[upper] - values[lower]) * (position - lower)
