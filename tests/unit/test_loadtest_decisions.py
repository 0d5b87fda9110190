"""From a campaign to a decision: who is alerted, and what may be rolled back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.github_server import World, github
from fakes.loadtest_summaries import baseline, summary

from loadtests import alert, campaign, plan
from loadtests import decide as decisions
from loadtests.decide import Decision, Standing, decide, one_line

ROOT = Path(__file__).resolve().parents[2]
BASELINE_AT = "2026-11-01T10:00:00+00:00"
YOUNGER, OLDER = "2026-11-20T10:00:00Z", "2026-10-20T10:00:00Z"
TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 10, 2, tzinfo=UTC)


def _run(outcome: str, k6: int | None = None) -> dict[str, Any]:
    codes = {"ok": (0, 0), "latency": (99, 99), "errors": (99, 99), "invalid": (3, 107)}
    exit_code, usual = codes[outcome]
    return {
        "folder": "run-1",
        "exit_code": exit_code,
        "k6_exit_code": usual if k6 is None else k6,
        "outcome": outcome,
        "messages": ["k6 ended with exit code 107"] if outcome == "invalid" else [],
        "crossed": ["http_req_failed{kind:api}: rate<0.01 (measured 0.4)"] if exit_code == 99 else [],
    }


def _campaign(*outcomes: str, compared: int | None = None, target: str = "production", k6: int | None = None) -> dict[str, Any]:
    comparison = None if compared is None else {
        "exit_code": compared, "reason": "there is no baseline" if compared == 3 else "",
        "regressions": ["api p95_ms (regression)"] if compared == 2 else [], "baseline_recorded_at": BASELINE_AT}  # fmt: skip
    return {"profile": "load", "target_name": target, "runs": [_run(outcome, k6) for outcome in outcomes], "comparison": comparison}


@pytest.mark.parametrize(
    ("found", "outcome", "rollback"),
    [
        (_campaign("ok"), "ok", False),
        (_campaign("latency"), "latency", False),
        (_campaign("errors"), "errors", True),
        (_campaign("invalid"), "invalid", False),
        (None, "invalid", False),
        (_campaign("ok", "ok", "ok", compared=0), "ok", False),
        (_campaign("ok", "ok", "ok", compared=2), "regression", True),
        (_campaign("ok", "ok", "ok", compared=3), "invalid", False),
        (_campaign("ok", "errors", "ok", compared=0), "ok", False),
        (_campaign("errors", "ok", "errors", compared=0), "errors", True),
        (_campaign("latency", "latency", "ok", compared=0), "latency", False),
        (_campaign("errors", "latency", "ok", compared=0), "latency", False),
        (_campaign("errors", "errors", "invalid", compared=3), "invalid", False),
        (_campaign("latency", "latency", "latency", compared=2), "latency", False),
    ],
)
def test_each_campaign_has_its_outcome(found: dict[str, Any] | None, outcome: str, rollback: bool) -> None:
    """One run decides alone, three by their majority and their median; a young deployment makes a regression one to roll back."""
    decision = decide(found, Standing(deployed_at=YOUNGER))

    assert (decision.outcome, decision.rollback, decision.alert) == (outcome, rollback, outcome != "ok")
    assert decision.reason


@pytest.mark.parametrize(
    ("found", "standing", "why_not"),
    [
        (_campaign("errors", target="staging"), Standing(YOUNGER), "staging is not rolled back"),
        (_campaign("errors", k6=0), Standing(YOUNGER), "k6 itself did not end with exit code 99"),
        (_campaign("errors"), Standing(YOUNGER, rolled_back=True), "already led to a rollback"),
        (_campaign("ok", "ok", "ok", compared=2), Standing(OLDER), "no deployment is younger than the baseline"),
        (_campaign("ok", "ok", "ok", compared=2), Standing(None), "no deployment is younger than the baseline"),
        (_campaign("ok", compared=2), Standing(YOUNGER), "only by the median of three"),
    ],
)
def test_what_may_not_roll_back_says_why(found: dict[str, Any], standing: Standing, why_not: str) -> None:
    """Errors and regressions are still alerted about, with the reason for which nothing is rolled back."""
    decision = decide(found, standing)

    assert decision.alert
    assert not decision.rollback
    assert why_not in decision.reason


def test_no_exit_code_of_k6_but_99_rolls_back() -> None:
    """Whatever else k6 ends with, the summary calls it what it likes: nothing is rolled back."""
    for code in (0, 1, 97, 100, 101, 103, 104, 105, 106, 107, 108, 109, 110, -9, -15):
        assert not decide(_campaign("errors", k6=code), Standing(YOUNGER)).rollback


def test_an_output_is_one_line() -> None:
    """No text of a run can add another output to the workflow."""
    assert one_line("a\nrollback=true\r\x85\u2028b\x00\n") == "a rollback=true b"
    assert len(one_line("x" * 600)) == 500


@pytest.fixture
def world() -> Iterator[World]:
    """GitHub on loopback."""
    with github() as found:
        yield found


def _decided(world: World, folder: Path, found: dict[str, Any] | None, platform: str = "render") -> dict[str, str]:
    path, output = folder / "campaign.json", folder / "output"
    if found is not None:
        path.write_text(json.dumps(found))
    environment = world.environment | {"GITHUB_OUTPUT": str(output)}
    assert decisions.main([str(path), "--decision", str(folder / "decision.json"), "--platform", platform], environment) == 0
    return dict(line.split("=", 1) for line in output.read_text().splitlines())


def test_the_command_writes_the_workflows_outputs(world: World, tmp_path: Path) -> None:
    """The jobs that follow read outcome, rollback, alert and reason."""
    outputs = _decided(world, tmp_path, _campaign("errors"))

    assert outputs == {
        "outcome": "errors",
        "rollback": "true",
        "alert": "true",
        "reason": "crossed http_req_failed{kind:api}: rate<0.01 (measured 0.4)",
    }
    assert json.loads((tmp_path / "decision.json").read_text())["outcome"] == "errors"


def test_the_age_of_the_deployment_comes_from_github(world: World, tmp_path: Path) -> None:
    """A regression is rolled back when the newest deployment to the target is younger than the baseline."""
    world.deployments = [{"environment": "production", "created_at": YOUNGER}]
    assert _decided(world, tmp_path, _campaign("ok", "ok", "ok", compared=2))["rollback"] == "true"

    (tmp_path / "output").unlink()
    assert _decided(world, tmp_path, _campaign("ok", "ok", "ok", compared=2), "kubernetes")["rollback"] == "false"

    world.deployments = [{"environment": "production-kubernetes", "created_at": YOUNGER}]
    (tmp_path / "output").unlink()
    assert _decided(world, tmp_path, _campaign("ok", "ok", "ok", compared=2), "kubernetes")["rollback"] == "true"


def test_an_open_alert_that_rolled_back_stops_the_next_rollback(world: World, tmp_path: Path) -> None:
    """Half an hour later the same errors do not take the service back another version; closing the issue arms it again."""
    world.open_issue("Load test: errors on production", "load-test", "rolled-back")
    assert _decided(world, tmp_path, _campaign("errors"))["rollback"] == "false"

    world.issues[0]["state"] = "closed"
    (tmp_path / "output").unlink()
    assert _decided(world, tmp_path, _campaign("errors"))["rollback"] == "true"


def test_without_github_nothing_is_rolled_back(world: World, tmp_path: Path) -> None:
    """What is not known cannot justify a rollback; the alert goes out all the same."""
    world.broken = {"issues"}
    outputs = _decided(world, tmp_path, _campaign("errors"))

    assert (outputs["rollback"], outputs["alert"]) == ("false", "true")
    assert "GET issues at GitHub was answered 500" in outputs["reason"]


@pytest.mark.parametrize("content", [None, "{", "{}", '{"profile": "x", "target_name": "production", "runs": [], "comparison": null}'])
def test_lost_results_are_invalid(world: World, tmp_path: Path, content: str | None) -> None:
    """No results, or damaged ones, alert and never roll back."""
    if content is not None:
        (tmp_path / "campaign.json").write_text(content)

    outputs = _decided(world, tmp_path, None)

    assert (outputs["outcome"], outputs["rollback"], outputs["alert"]) == ("invalid", "false", "true")


def _alerted(world: World, folder: Path, decision: Decision | None, platform: str = "render") -> int:
    path = folder / "decision.json"
    if decision is not None:
        path.write_text(json.dumps(decision.__dict__))
    return alert.main([str(path), "--platform", platform], world.environment)


def _decision(outcome: Any, *, rollback: bool = False) -> Decision:
    return Decision(outcome, rollback=rollback, reason="crossed something", target_name="production", profile="load")


def test_an_alert_opens_one_issue_and_tells_the_webhook(world: World, tmp_path: Path) -> None:
    """The second alert of the same kind is a comment on the issue of the first."""
    assert _alerted(world, tmp_path, _decision("errors", rollback=True)) == 0
    assert _alerted(world, tmp_path, _decision("errors")) == 0

    assert [issue["title"] for issue in world.issues] == ["Load test: errors on production"]
    assert {label["name"] for label in world.issues[0]["labels"]} == {"load-test", "rolled-back"}
    assert [number for number, _ in world.comments] == [1, 1]
    assert "A rollback was started." in world.comments[0][1]
    assert "https://github.example/someone/stockcrew/actions/runs/77" in world.comments[0][1]
    assert (world.webhook[0]["outcome"], world.webhook[0]["rollback"], world.webhook[1]["rollback"]) == ("errors", True, False)


@pytest.mark.parametrize(
    ("platform", "named"), [("kubernetes", "HorizontalPodAutoscaler"), ("render", "Scaling of the web service in the Render dashboard")]
)
def test_latency_names_what_to_scale(world: World, tmp_path: Path, platform: str, named: str) -> None:
    """The alert says where scaling is looked at on that platform."""
    assert _alerted(world, tmp_path, _decision("latency"), platform) == 0

    assert named in world.webhook[0]["text"]


@pytest.mark.parametrize("outcome", ["latency", "errors", "regression", "invalid"])
def test_every_outcome_but_ok_has_advice(outcome: str) -> None:
    """No alert leaves the reader without a first step."""
    assert all(len(alert.advice(outcome, platform)) > 40 for platform in alert.SCALING)


def test_a_broken_load_test_is_alerted_about_without_a_decision(world: World, tmp_path: Path) -> None:
    """When the job that decides has failed, people are told that the load test is broken."""
    assert _alerted(world, tmp_path, None) == 0

    assert world.issues[0]["title"] == "Load test: invalid on unknown"


@pytest.mark.parametrize("broken", ["issues", "hook"])
def test_each_channel_is_tried_when_the_other_fails(world: World, tmp_path: Path, broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One channel that is down fails the job and does not silence the other; the webhook's URL is never printed."""
    world.broken = {broken}

    assert _alerted(world, tmp_path, _decision("errors")) == 1

    assert (len(world.issues), len(world.webhook)) == ((0, 1) if broken == "issues" else (1, 0))
    assert "answered 500" in (told := capsys.readouterr().err)
    assert "secret-part" not in told


def test_a_webhook_that_is_no_url_is_named_without_its_value(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret that holds something else, such as file:///etc/passwd, is refused."""
    (tmp_path / "decision.json").write_text(json.dumps(_decision("errors").__dict__))
    environment = world.environment | {"ALERT_WEBHOOK_URL": "file:///etc/passwd"}

    assert alert.main([str(tmp_path / "decision.json"), "--platform", "render"], environment) == 1
    assert "ALERT_WEBHOOK_URL is not an http(s) URL" in (told := capsys.readouterr().err)
    assert "passwd" not in told


def _measure(outcomes: list[dict[str, Any]]) -> Any:
    left = iter(outcomes)

    def measure(arguments: list[str]) -> int:
        folder = Path(arguments[arguments.index("--results") + 1])
        folder.mkdir(parents=True)
        found = next(left)
        (folder / "summary.json").write_text(json.dumps(found))
        return {"ok": 0, "latency": 99, "errors": 99, "invalid": 3}[found["outcome"]]

    return measure


def _campaigned(folder: Path, runs: list[dict[str, Any]], base: dict[str, Any] | None) -> tuple[int, dict[str, Any], str]:
    if base is not None:
        (folder / "baselines" / "local").mkdir(parents=True)
        (folder / "baselines" / "local" / "smoke.json").write_text(json.dumps(base))
    arguments = ["--profile", "smoke", "--runs", str(len(runs)), "--results", str(folder / "results")]
    arguments += ["--baselines", str(folder / "baselines"), "--summary", str(folder / "summary.md")]
    code = campaign.main(arguments, _measure(runs))
    return code, json.loads((folder / "results" / "campaign.json").read_text()), (folder / "summary.md").read_text()


@pytest.mark.parametrize(
    ("runs", "base", "code"),
    [
        ([summary()], None, 0),
        ([summary() | {"outcome": "errors"}], None, 99),
        ([summary() | {"outcome": "invalid"}], None, 3),
        ([summary()] * 3, baseline(), 0),
        ([summary(scale=3)] * 3, baseline(), 2),
        ([summary(), summary(scale=3), summary()], baseline(), 0),
        ([summary()] * 3, None, 3),
        ([summary() | {"outcome": "latency"}] * 2 + [summary()], baseline(), 99),
        ([summary() | {"outcome": "latency"}] + [summary()] * 2, baseline(), 0),
    ],
)
def test_a_campaign_ends_with_the_code_of_its_verdict(tmp_path: Path, runs: list[dict[str, Any]], base: dict[str, Any] | None, code: int) -> None:
    """Every run and the comparison are in campaign.json, and the job's summary says the verdict in words."""
    ended, found, text = _campaigned(tmp_path, runs, base)

    assert ended == found["exit_code"] == code
    assert len(found["runs"]) == len(runs)
    assert campaign.WORDS[code] in text


def test_the_job_summary_has_the_table(tmp_path: Path) -> None:
    """A regression is shown in the table of metrics."""
    _, found, text = _campaigned(tmp_path, [summary(scale=3)] * 3, baseline())

    assert "| api mean_ms | 125.000 | 150.000 | 375.000 | **REGRESSION** |" in text
    assert "api mean_ms (regression)" in found["comparison"]["regressions"]


def test_a_run_that_left_nothing_is_invalid(tmp_path: Path) -> None:
    """A run that could not even write its summary does not pass for one that holds."""
    assert campaign.main(["--profile", "smoke", "--runs", "1", "--results", str(tmp_path / "none")], lambda _: 0) == 3


@pytest.mark.parametrize(
    ("environment", "now", "profile", "runs", "skipped"),
    [
        ({"EVENT": "schedule", "SCHEDULE": plan.CONTINUOUS}, TUESDAY, "load", "1", ""),
        ({"EVENT": "schedule", "SCHEDULE": plan.WEEKLY}, MONDAY, "regression", "3", ""),
        ({"EVENT": "schedule", "SCHEDULE": plan.CONTINUOUS}, MONDAY, "load", "1", "the weekly regression run"),
        ({"EVENT": "workflow_dispatch", "PROFILE": "soak", "TARGET_NAME": "staging"}, MONDAY, "soak", "1", ""),
        (
            {"EVENT": "workflow_dispatch", "PROFILE": "load", "TARGET_NAME": "staging", "TARGET_URL": ""},
            MONDAY,
            "load",
            "1",
            "no URL is set for staging",
        ),
    ],
)
def test_the_event_decides_what_is_measured(environment: dict[str, str], now: datetime, profile: str, runs: str, skipped: str) -> None:
    """The two schedules are told apart, do not meet on Monday at ten, and a target without a URL is skipped."""
    planned = plan.plan({"TARGET_URL": "https://stockcrew.example"} | environment, now)

    assert (planned.outputs()["profile"], planned.outputs()["runs"], planned.outputs()["run"]) == (profile, runs, "false" if skipped else "true")
    assert skipped in planned.skipped
    assert bool(planned.skipped) is bool(skipped)


def test_a_skipped_run_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """The notice names the variable and the environment to set it in, and no URL."""
    assert plan.main({"EVENT": "schedule", "SCHEDULE": plan.CONTINUOUS}, TUESDAY) == 0

    captured = capsys.readouterr()
    assert "run=false" in captured.out
    assert "::notice title=Load test skipped::no URL is set for production: set the variable LOADTEST_BASE_URL" in captured.err


@pytest.mark.parametrize("environment", [{"EVENT": "schedule", "SCHEDULE": "* * * * *"}, {"EVENT": "workflow_dispatch", "PROFILE": "x"}, {}])
def test_an_event_that_is_not_understood_is_an_error(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """A schedule that was changed in one place only does not run something else in silence."""
    assert plan.main(environment, TUESDAY) == 1
    assert "::error" in capsys.readouterr().err


def _workflow() -> dict[Any, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "load-test.yml").read_text())


def test_the_workflow_and_the_plan_know_the_same_schedules_and_profiles() -> None:
    """YAML reads the key `on` as true."""
    on = _workflow()[True]

    assert {entry["cron"] for entry in on["schedule"]} == plan.SCHEDULES.keys()
    assert on["workflow_dispatch"]["inputs"]["profile"]["options"] == list(plan.PROFILES)


def test_no_secret_is_in_a_condition_or_in_a_shell() -> None:
    """Secrets and inputs reach programs by environment variables only; actions are pinned by commit; jobs end and have their own rights."""
    workflow = _workflow()
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "secrets" not in str(job.get("if", ""))
        assert "permissions" in job
        assert "timeout-minutes" in job or "uses" in job
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", "")
            assert "secrets" not in str(step.get("if", ""))
            if "uses" in step:
                assert len(step["uses"].split("@")[1]) == 40


def test_a_continuous_run_ends_before_the_next_begins() -> None:
    """Half an hour lies between two, so a job that hangs is ended in time."""
    assert plan.PROFILES["load"][1] < 30
