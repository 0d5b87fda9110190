"""Run a load test as often as its verdict needs: `python -m loadtests.campaign --profile load|regression|… --runs 1|3`.

One run is judged by its thresholds. Three runs are judged by their majority, and their median is compared with the target's baseline.
Leaves the three files of each run (in results/, or results/run-1 and so on) and campaign.json, which `loadtests.decide` reads.
Exit codes: 0 holds, 99 thresholds crossed, 2 regression, 3 invalid: a run was, or there is nothing to compare with.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loadtests import run
from loadtests.baseline import FOLDER, read_baseline
from loadtests.compare import NOT_COMPARABLE, REGRESSION, RUNS, NotComparable, compare, judge_rows, markdown

CROSSED, INVALID = 99, 3
WORDS = {0: "holds", CROSSED: "thresholds crossed", REGRESSION: "regression", INVALID: "invalid"}


def one_run(folder: Path, exit_code: int) -> dict[str, Any]:
    """What a run that ended with `exit_code` left in `folder`; without a readable summary it counts as invalid."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        return {"folder": folder.name, "exit_code": exit_code, "k6_exit_code": None, "outcome": "invalid", "messages": [str(error)], "crossed": []}
    crossed = [f"{one['metric']}: {one['expression']} (measured {one['value']})" for one in summary["thresholds"] if not one["ok"]]
    return {
        "folder": folder.name,
        "exit_code": exit_code,
        "k6_exit_code": summary["k6"]["exit_code"],
        "outcome": summary["outcome"],
        "messages": summary["messages"],
        "crossed": crossed,
    }


def compared(target_name: str, profile: str, folders: Sequence[Path], baselines: Path) -> tuple[dict[str, Any], str]:
    """The median of the runs against the baseline: exit code, reason and regressed metrics, and the table for the job summary."""
    try:
        baseline = read_baseline(target_name, profile, baselines)
        rows = compare(baseline, [json.loads((folder / "summary.json").read_text(encoding="utf-8")) for folder in folders])
    except (OSError, json.JSONDecodeError, KeyError, NotComparable) as error:
        return {"exit_code": NOT_COMPARABLE, "reason": str(error), "regressions": [], "baseline_recorded_at": None}, f"Not compared: {error}.\n"
    off = [f"{row.metric} ({row.verdict})" for row in rows if row.verdict != "within"]
    code = judge_rows(rows)
    reason = "the baseline does not know every metric: record it anew" if code == NOT_COMPARABLE else ""
    return {"exit_code": code, "reason": reason, "regressions": off, "baseline_recorded_at": baseline["recorded_at"]}, markdown(rows)


def exit_code(runs: Sequence[dict[str, Any]], comparison: dict[str, Any] | None) -> int:
    """What the runs and their comparison amount to."""
    if any(one["outcome"] == "invalid" for one in runs):
        return INVALID
    if sum(one["outcome"] != "ok" for one in runs) * 2 > len(runs):
        return CROSSED
    return comparison["exit_code"] if comparison else 0


def job_summary(found: dict[str, Any], table: str) -> str:
    """The campaign as Markdown for the job's page."""
    lines = [f"## Load test `{found['profile']}` against {found['target_name']}: {WORDS[found['exit_code']]}", ""]
    for one in found["runs"]:
        lines.append(f"- {one['folder']}: **{one['outcome']}**, exit code {one['exit_code']}")
        lines += [f"  - {line}" for line in [*one["messages"], *(f"crossed: `{crossed}`" for crossed in one["crossed"])]]
    return "\n".join([*lines, "", table, "Reports are in the job's artifact; docs/load-testing.md says how to read them.", ""])


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a load test once or three times, and compare three with the baseline.")
    parser.add_argument("--profile", required=True)
    parser.add_argument("--runs", type=int, choices=(1, RUNS), required=True)
    parser.add_argument("--target", help="base URL; without it the service of this checkout is started")
    parser.add_argument("--target-name", default="local")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--baselines", type=Path, default=FOLDER)
    parser.add_argument("--summary", type=Path, help="Markdown is appended to this file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, measure: Callable[[list[str]], int] = run.main) -> int:
    """Run, compare, tell; see the module's text for the exit codes."""
    options = _arguments(arguments)
    folders = [options.results / f"run-{number}" for number in range(1, RUNS + 1)] if options.runs == RUNS else [options.results]
    common = ["--profile", options.profile, "--target-name", options.target_name, *(["--target", options.target] if options.target else [])]
    runs = [one_run(folder, measure([*common, "--results", str(folder)])) for folder in folders]
    comparison, table = compared(options.target_name, options.profile, folders, options.baselines) if options.runs == RUNS else (None, "")
    found = {"profile": options.profile, "target_name": options.target_name, "runs": runs, "comparison": comparison}
    found["exit_code"] = exit_code(runs, comparison)
    text = job_summary(found, table)
    print(text)
    try:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "campaign.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        if options.summary:
            with options.summary.open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        print(f"INVALID: {error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        return INVALID
    code: int = found["exit_code"]
    return code


if __name__ == "__main__":
    sys.exit(main())
