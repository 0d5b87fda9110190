"""Record a baseline: `python -m loadtests.baseline --target-name local SUMMARY SUMMARY SUMMARY`.

Writes loadtests/baselines/<target>/<profile>.json: the median of each metric over three runs that held every threshold, with the
machine, the commit and the time. Exit code 0, or 3 when the runs do not make a baseline.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.compare import NOT_COMPARABLE, RUNS, NotComparable, metrics

FOLDER = Path(__file__).parent / "baselines"


def baseline_path(target_name: str, profile: str) -> Path:
    """Where the baseline of that profile against that target lies."""
    return FOLDER / target_name / f"{profile}.json"


def read_baseline(target_name: str, profile: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The recorded baseline.

    Raises:
        NotComparable: there is none, or it cannot be read.
    """
    path = folder / target_name / f"{profile}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotComparable(
            f"there is no baseline for target {target_name!r} and profile {profile!r} yet; docs/load-testing.md says how to record one"
        ) from None
    except (OSError, json.JSONDecodeError) as error:
        raise NotComparable(f"the baseline {path.name} of {target_name} cannot be read: {error}") from None
    return found


def record(target_name: str, runs: Sequence[dict[str, Any]], note: str = "") -> dict[str, Any]:
    """The baseline that three summaries make; `note` is for readers.

    Raises:
        NotComparable: fewer than three, of different profiles, not all of them `ok`, or measuring different things.
    """
    if len(runs) != RUNS:
        raise NotComparable(f"a baseline is the median of {RUNS} runs, not of {len(runs)}")
    for name in ("schema_version", "profile"):
        if len({run[name] for run in runs}) != 1:
            raise NotComparable(f"the runs differ in {name}")
    if bad := [run["outcome"] for run in runs if run["outcome"] != "ok"]:
        raise NotComparable(f"a run ended as {bad[0]}; a baseline is made of runs that hold every threshold")
    measured = [metrics(run) for run in runs]
    if differing := {name for one in measured for name in one if any(name not in other for other in measured)}:
        raise NotComparable(f"not every run measured {', '.join(sorted(differing))}")
    last = runs[-1]
    return {
        "schema_version": last["schema_version"],
        "target": target_name,
        "profile": last["profile"],
        "recorded_at": datetime.fromtimestamp(last["started_at"], UTC).isoformat(timespec="seconds"),
        "machine": last["machine"],
        "commit": last["commit"],
        "k6": last["k6"]["version"],
        "note": note,
        "metrics": {name: statistics.median(one[name] for one in measured) for name in measured[0]},
    }


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Record; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(description="Record the median of three load-test runs as the baseline.")
    parser.add_argument("--target-name", default="local")
    parser.add_argument("--note", default="", help="what a reader should know, such as what else the machine did")
    parser.add_argument("summaries", type=Path, nargs="+", metavar="SUMMARY")
    options = parser.parse_args(arguments)
    try:
        runs = [json.loads(path.read_text(encoding="utf-8")) for path in options.summaries]
        found = record(options.target_name, runs, options.note)
        path = folder / options.target_name / f"{found['profile']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except (OSError, json.JSONDecodeError, KeyError, NotComparable) as error:
        print(f"baseline: {error}", file=sys.stderr)
        return NOT_COMPARABLE
    print(f"recorded {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
