"""What follows from a campaign: `python -m loadtests.decide results/campaign.json --decision decision.json --platform render`.

Maps the outcome to ok, latency, errors, regression or invalid, and says whether to alert and whether to roll back. Only thresholds
crossed as k6 itself says (exit code 99), or a regression confirmed by the median of three runs, may roll back; an invalid run never.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from loadtests.github import GitHub, Unreachable

Outcome = Literal["ok", "latency", "errors", "regression", "invalid"]
CROSSED, REGRESSION, RUNS = 99, 2, 3
PRODUCTION = "production"
ROLLED_BACK = "rolled-back"
# The GitHub environments that deployments to production are recorded under.
DEPLOYMENTS = {"render": "production", "kubernetes": "production-kubernetes"}


@dataclass(frozen=True)
class Standing:
    """What else a decision rests on: when the live deployment was made, and whether an open alert already led to a rollback."""

    deployed_at: str | None = None
    rolled_back: bool = False


@dataclass(frozen=True)
class Decision:
    """The outcome, whether to roll back, and one line each on why and on what to look at."""

    outcome: Outcome
    rollback: bool
    reason: str
    target_name: str
    profile: str

    @property
    def alert(self) -> bool:
        """Whether a person is told."""
        return self.outcome != "ok"


def _majority(runs: Sequence[dict[str, Any]], outcomes: set[str]) -> list[dict[str, Any]]:
    """The runs that ended so, when they are more than half of all; otherwise none."""
    found = [one for one in runs if one["outcome"] in outcomes]
    return found if len(found) * 2 > len(runs) else []


def _judged(campaign: dict[str, Any]) -> tuple[Outcome, str]:
    runs, comparison = campaign["runs"], campaign["comparison"]
    if invalid := [one for one in runs if one["outcome"] == "invalid"]:
        return "invalid", "; ".join(invalid[0]["messages"]) or "a run is invalid"
    if errors := _majority(runs, {"errors"}):
        return "errors", _crossed(errors[-1])
    if late := _majority(runs, {"errors", "latency"}):
        return "latency", _crossed(late[-1])
    if comparison and comparison["exit_code"] == REGRESSION:
        return "regression", "the median of three runs regressed: " + ", ".join(comparison["regressions"][:5])
    if comparison and comparison["exit_code"]:
        return "invalid", comparison["reason"] or "the runs cannot be compared with the baseline"
    return "ok", "every promise was kept"


def _crossed(one: dict[str, Any]) -> str:
    more = len(one["crossed"]) - 3
    return "crossed " + "; ".join(one["crossed"][:3]) + (f"; and {more} more" if more > 0 else "")


def _may_roll_back(outcome: Outcome, campaign: dict[str, Any], standing: Standing) -> tuple[bool, str]:
    """Whether the outcome justifies a rollback, and why not where one might expect it."""
    runs, comparison = campaign["runs"], campaign["comparison"] or {}
    if outcome not in {"errors", "regression"}:
        return False, ""
    if campaign["target_name"] != PRODUCTION:
        return False, f"{campaign['target_name']} is not rolled back"
    if outcome == "errors" and any(one["k6_exit_code"] != CROSSED for one in _majority(runs, {"errors"})):
        return False, "k6 itself did not end with exit code 99"
    if outcome == "regression":
        if len(runs) != RUNS or comparison.get("exit_code") != REGRESSION:
            return False, "a regression counts only by the median of three runs"
        if not _later(standing.deployed_at, comparison.get("baseline_recorded_at")):
            return False, "no deployment is younger than the baseline, so rolling back would not undo it"
    if standing.rolled_back:
        return False, "an open alert has already led to a rollback; a second one would go further back than anyone meant"
    return True, ""


def _later(one: str | None, other: str | None) -> bool:
    return bool(one and other) and datetime.fromisoformat(str(one)) > datetime.fromisoformat(str(other))


def decide(campaign: dict[str, Any] | None, standing: Standing) -> Decision:
    """The decision for a campaign as campaign.json holds it; None when there is none, which is an invalid run."""
    if campaign is None:
        return Decision("invalid", rollback=False, reason="the load test left no results", target_name="unknown", profile="unknown")
    outcome, reason = _judged(campaign)
    rollback, why_not = _may_roll_back(outcome, campaign, standing)
    text = f"{reason} (no rollback: {why_not})" if why_not else reason
    return Decision(outcome, rollback=rollback, reason=one_line(text), target_name=campaign["target_name"], profile=campaign["profile"])


def one_line(text: str, longest: int = 500) -> str:
    """`text` without control characters and line breaks, cut to `longest`, so that it can be a workflow's output."""
    flat = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).strip()
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def read_campaign(path: Path) -> dict[str, Any] | None:
    """campaign.json, or None when it is missing or damaged."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
    return found if {"profile", "target_name", "runs", "comparison"} <= found.keys() and found["runs"] else None


def _standing(environment: Mapping[str, str], target_name: str, platform: str) -> Standing:
    github = GitHub.from_environment(environment)
    issues = github.open_issues(("load-test", ROLLED_BACK))
    return Standing(deployed_at=github.deployed_at(DEPLOYMENTS[platform]), rolled_back=any(target_name in issue["title"] for issue in issues))


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Write the decision, and `outcome`, `rollback`, `alert` and `reason` to the workflow's outputs. Never fails for what it finds."""
    parser = argparse.ArgumentParser(description="Decide what follows from a load test.")
    parser.add_argument("campaign", type=Path)
    parser.add_argument("--decision", type=Path, required=True, help="file to write")
    parser.add_argument("--platform", choices=sorted(DEPLOYMENTS), required=True, help="where production runs")
    options = parser.parse_args(arguments)
    campaign = read_campaign(options.campaign)
    try:
        found = decide(campaign, _standing(environment, campaign["target_name"] if campaign else PRODUCTION, options.platform))
    except Unreachable as error:
        found = decide(campaign, Standing())
        reason = f"{found.reason} (no rollback: it is unknown whether one was started before, {error})" if found.rollback else found.reason
        found = replace(found, rollback=False, reason=one_line(reason))
    options.decision.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    outputs = {"outcome": found.outcome, "rollback": str(found.rollback).lower(), "alert": str(found.alert).lower(), "reason": found.reason}
    lines = "".join(f"{name}={value}\n" for name, value in outputs.items())
    print(lines, end="")
    if environment.get("GITHUB_OUTPUT"):
        with Path(environment["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
