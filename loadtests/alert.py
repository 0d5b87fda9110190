"""Tell people what a load test found: `python -m loadtests.alert decision.json --platform render|kubernetes`.

Opens a GitHub issue, or comments on the open one of the same outcome and target, and posts to the webhook in ALERT_WEBHOOK_URL when
it is set. Each is tried even when the other fails. Exit code 0, or 1 when an alert did not get through.
"""

import argparse
import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.decide import ROLLED_BACK
from loadtests.github import GitHub, Unreachable, check_url, send

LABEL = "load-test"
LOST = {"outcome": "invalid", "rollback": False, "reason": "the load test ended without a decision", "target_name": "unknown", "profile": "unknown"}
SCALING = {
    "kubernetes": "Look at the HorizontalPodAutoscaler of the API: `kubectl -n stockcrew get hpa` and `kubectl -n stockcrew describe hpa`. "
    "At its maximum: raise `maxReplicas`. Below it: look at its metrics and at the nodes. "
    "Analyses that finish late are the worker's: look at its ScaledObject or replicas.",
    "render": "Look at Scaling of the web service in the Render dashboard. With autoscaling: is it at its maximum, is the CPU target too high? "
    "Without: add an instance or take the next plan. Analyses that finish late are the worker's: look at the worker service likewise.",
}
ADVICE = {
    "errors": "Look at the service's logs for this time, by request id, and at what was deployed last.",
    "regression": "Compare the report's tables with the baseline, and look at what was deployed since it was recorded.",
    "invalid": "The run says nothing about the service: repair its cause and start the workflow by hand. Nothing was rolled back.",
}


def advice(outcome: str, platform: str) -> str:
    """What to look at first."""
    return SCALING[platform] if outcome == "latency" else ADVICE[outcome]


def message(decision: Mapping[str, Any], platform: str, run_url: str) -> str:
    """The alert's text in Markdown."""
    rollback = "A rollback was started." if decision["rollback"] else "Nothing is rolled back by this run."
    return "\n\n".join(
        [
            f"Load test `{decision['profile']}` against **{decision['target_name']}**: **{decision['outcome']}**",
            f"Why: {decision['reason']}",
            rollback,
            advice(decision["outcome"], platform),
            f"Results: {run_url}. How to read them: docs/load-testing.md.",
        ]
    )


def tell_github(github: GitHub, decision: Mapping[str, Any], text: str) -> int:
    """Open or continue the issue of this outcome and target; return its number.

    Raises:
        Unreachable: GitHub does not take it.
    """
    title = f"Load test: {decision['outcome']} on {decision['target_name']}"
    labels = [LABEL, ROLLED_BACK] if decision["rollback"] else [LABEL]
    for issue in github.open_issues((LABEL,)):
        if issue["title"] == title and "pull_request" not in issue:
            number = int(issue["number"])
            github.comment(number, text)
            github.label(number, labels)
            return number
    return github.open_issue(title, text, labels)


def tell_webhook(url: str, decision: Mapping[str, Any], text: str, run_url: str) -> None:
    """Post the alert as JSON: `text` for chat systems, and the decision's fields for programs.

    Raises:
        Unreachable: the webhook does not take it.
    """
    body = {"text": text, "run_url": run_url, **{name: decision[name] for name in ("outcome", "rollback", "reason", "target_name", "profile")}}
    request = urllib.request.Request(  # noqa: S310 - checked to be http(s)
        check_url(url, what="ALERT_WEBHOOK_URL"), data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    send(request, what="the alert webhook")


def read_decision(path: Path) -> dict[str, Any]:
    """The decision; when there is none the load test itself is broken, which is told as an invalid run."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return dict(LOST)
    return found


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Tell both; 1 when one did not get through."""
    parser = argparse.ArgumentParser(description="Alert about a load test.")
    parser.add_argument("decision", type=Path)
    parser.add_argument("--platform", choices=sorted(SCALING), required=True)
    options = parser.parse_args(arguments)
    decision = read_decision(options.decision)
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run_id = (environment.get(name, "") for name in names)
    run_url = f"{server}/{repository}/actions/runs/{run_id}"
    text = message(decision, options.platform, run_url)
    failed = False
    try:
        number = tell_github(GitHub.from_environment(environment), decision, text)
        print(f"issue #{number}")
    except Unreachable as error:
        failed = True
        print(f"::error title=Alert::{error}", file=sys.stderr)
    if environment.get("ALERT_WEBHOOK_URL"):
        try:
            tell_webhook(environment["ALERT_WEBHOOK_URL"], decision, text, run_url)
            print("webhook told")
        except Unreachable as error:
            failed = True
            print(f"::error title=Alert::{error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
