"""Compare three runs with a baseline: `python -m loadtests.compare BASELINE SUMMARY SUMMARY SUMMARY`.

The median of the runs may exceed the baseline by 15 % or 25 ms, whichever is more (half a percentage point for failure rates).
Prints a Markdown table. Exit code 0: within. 2: regression, and a metric of the baseline that a run lacks is one. 3: not comparable
(another profile, an invalid run, a metric that the baseline does not know yet: record the baseline anew).
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

RELATIVE, ABSOLUTE_MS, ABSOLUTE_RATE = 1.15, 25.0, 0.005
REGRESSION, NOT_COMPARABLE = 2, 3
RUNS = 3
Verdict = Literal["within", "regression", "missing", "new"]


@dataclass(frozen=True)
class Row:
    """One metric compared: its baseline, the largest value that is no regression, and the median over the runs. None where missing."""

    metric: str
    baseline: float | None
    allowed: float | None
    measured: float | None
    verdict: Verdict


class NotComparable(Exception):
    """The runs cannot be held against the baseline; the message says why."""


def metrics(summary: dict[str, Any]) -> dict[str, float]:
    """The figures of a summary that are compared: latency in ms and failure rates, overall, per route and per job."""
    found: dict[str, float | None] = {}
    for name, block in [("api", summary["api"]), *summary["routes"].items()]:
        # A stream lasts as long as its analysis: its duration is no latency.
        for figure in ("failure_rate",) if name.endswith("(stream)") else ("mean_ms", "p95_ms", "failure_rate"):
            found[f"{name} {figure}"] = block[figure]
    for part, figure in (
        ("jobs", "completion_p95_ms"),
        ("jobs", "failure_rate"),
        ("batches", "completion_p95_ms"),
        ("streams", "first_event_p95_ms"),
    ):
        found[f"{part} {figure}"] = summary[part][figure]
    return {name: value for name, value in found.items() if value is not None}


def allowed(metric: str, baseline: float) -> float:
    """The largest value of `metric` that is no regression."""
    return baseline + ABSOLUTE_RATE if metric.endswith("_rate") else max(baseline * RELATIVE, baseline + ABSOLUTE_MS)


def check_comparable(baseline: dict[str, Any], runs: Sequence[dict[str, Any]]) -> None:
    """Raise when the runs are not of the baseline's profile or shape, or cannot be believed.

    Raises:
        NotComparable: for those reasons.
    """
    if not runs:
        raise NotComparable("there is no run to compare")
    for run in runs:
        for name in ("schema_version", "profile"):
            if run.get(name) != baseline.get(name):
                raise NotComparable(f"{name} of the run is {run.get(name)!r}, of the baseline {baseline.get(name)!r}")
        if run["outcome"] == "invalid":
            raise NotComparable("a run is invalid, so its figures say nothing")


def compare(baseline: dict[str, Any], runs: Sequence[dict[str, Any]]) -> list[Row]:
    """Compare the median of `runs` (summaries) with `baseline`, one row for each metric that either has.

    Raises:
        NotComparable: another profile or schema version, an invalid run, or no run at all.
    """
    check_comparable(baseline, runs)
    expected: dict[str, float] = baseline["metrics"]
    measured = [metrics(run) for run in runs]
    names = list(dict.fromkeys([*expected, *(name for run in measured for name in run)]))
    return [_row(name, expected.get(name), [run.get(name) for run in measured]) for name in names]


def _row(name: str, baseline: float | None, values: Sequence[float | None]) -> Row:
    present = [value for value in values if value is not None]
    median = statistics.median(present) if len(present) == len(values) else None
    limit = None if baseline is None else allowed(name, baseline)
    verdict: Verdict
    if limit is None:
        verdict = "new"
    elif median is None:
        verdict = "missing"
    else:
        verdict = "within" if median <= limit else "regression"
    return Row(metric=name, baseline=baseline, allowed=limit, measured=median, verdict=verdict)


def judge_rows(rows: Sequence[Row]) -> int:
    """The exit code that rows amount to: 2 when one is a regression or missing, else 3 when one is unknown to the baseline, else 0."""
    verdicts = {row.verdict for row in rows}
    if verdicts & {"regression", "missing"}:
        return REGRESSION
    return NOT_COMPARABLE if "new" in verdicts else 0


def markdown(rows: Sequence[Row]) -> str:
    """The comparison as a Markdown table for a job summary."""

    def cell(value: float | None) -> str:
        return "missing" if value is None else f"{value:.3f}"

    words = {"within": "within", "regression": "**REGRESSION**", "missing": "**MISSING**", "new": "**not in the baseline**"}
    lines = ["| metric | baseline | allowed | median | verdict |", "|---|---:|---:|---:|---|"]
    lines += [f"| {row.metric} | {cell(row.baseline)} | {cell(row.allowed)} | {cell(row.measured)} | {words[row.verdict]} |" for row in rows]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(description="Compare three load-test runs with a baseline.")
    parser.add_argument("baseline", type=Path)
    parser.add_argument("summaries", type=Path, nargs=RUNS, metavar="SUMMARY")
    options = parser.parse_args(arguments)
    try:
        baseline = json.loads(options.baseline.read_text(encoding="utf-8"))
        rows = compare(baseline, [json.loads(path.read_text(encoding="utf-8")) for path in options.summaries])
    except (OSError, json.JSONDecodeError, KeyError, NotComparable) as error:
        print(f"compare: {error}", file=sys.stderr)
        return NOT_COMPARABLE
    print(markdown(rows))
    for row in rows:
        if row.verdict != "within":
            print(f"{row.verdict}: {row.metric}", file=sys.stderr)
    return judge_rows(rows)


if __name__ == "__main__":
    sys.exit(main())
