"""What a run of the load-test workflow is to measure, from the event that started it: `python -m loadtests.plan >> "$GITHUB_OUTPUT"`.

Reads EVENT, SCHEDULE, PROFILE and TARGET_NAME (of a manual run) and TARGET_URL from the environment. Writes run, profile, runs,
minutes and target_name as lines of `name=value`; notices and errors go to stderr in the form that the workflow's page shows.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

CONTINUOUS, WEEKLY = "*/30 8-20 * * *", "0 10 * * 1"
SCHEDULES = {CONTINUOUS: "load", WEEKLY: "regression"}
# Profile: runs that its verdict needs, and minutes after which the job is ended.
PROFILES = {
    "smoke": (1, 15),
    "load": (1, 20),
    "regression": (3, 60),
    "stress": (1, 30),
    "spike": (1, 20),
    "soak": (1, 150),
    "breakpoint": (1, 45),
}
SCHEDULED_TARGET = "production"


class NotPlanned(Exception):
    """The event cannot be understood; the message says what is wrong with it."""


@dataclass(frozen=True)
class Plan:
    """What to measure, or why not (`skipped`)."""

    profile: str
    target_name: str
    skipped: str = ""

    def outputs(self) -> dict[str, str]:
        """The workflow's outputs by name."""
        runs, minutes = PROFILES[self.profile]
        run = "false" if self.skipped else "true"
        return {"run": run, "profile": self.profile, "runs": str(runs), "minutes": str(minutes), "target_name": self.target_name}


def plan(environment: Mapping[str, str], now: datetime) -> Plan:
    """Decide by event and schedule. `now` is in UTC, as the schedules are.

    Raises:
        NotPlanned: an unknown schedule or profile.
    """
    if environment.get("EVENT") == "schedule":
        schedule = environment.get("SCHEDULE", "")
        if schedule not in SCHEDULES:
            raise NotPlanned(f"unknown schedule {schedule!r}: loadtests/plan.py knows {', '.join(SCHEDULES)}")
        profile, target_name = SCHEDULES[schedule], SCHEDULED_TARGET
        if schedule == CONTINUOUS and now.weekday() == 0 and now.hour == 10:
            return Plan(profile, target_name, "the weekly regression run measures the same target at this hour")
    else:
        profile, target_name = environment.get("PROFILE", ""), environment.get("TARGET_NAME", "")
        if profile not in PROFILES:
            raise NotPlanned(f"unknown profile {profile!r}: use one of {', '.join(PROFILES)}")
    if not environment.get("TARGET_URL"):
        missing = f"no URL is set for {target_name}: set the variable LOADTEST_BASE_URL in the environment loadtest-{target_name}"
        return Plan(profile, target_name, missing)
    return Plan(profile, target_name)


def main(environment: Mapping[str, str], now: datetime) -> int:
    """Print the outputs; 1 when the event cannot be understood."""
    try:
        planned = plan(environment, now)
    except NotPlanned as error:
        print(f"::error title=Load test::{error}", file=sys.stderr)
        return 1
    if planned.skipped:
        print(f"::notice title=Load test skipped::{planned.skipped}", file=sys.stderr)
    for name, value in planned.outputs().items():
        print(f"{name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, datetime.now(UTC)))
