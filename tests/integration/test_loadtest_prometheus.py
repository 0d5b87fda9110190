"""Distributed runs judged from a real Prometheus: two k6 processes share the load as k6-operator's runners do."""

import contextlib
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fakes.loadtest_server import serve
from fakes.loadtest_summaries import is_slowness

from crew.loopback import free_port
from loadtests.prometheus import NotJudged, Run, judge, main, query
from loadtests.thresholds import load_thresholds, parse_expression

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "deploy" / "k8s" / "components" / "load-test"
K6 = shutil.which("k6") or shutil.which("k6", path=str(Path(sys.executable).parent))
PROMETHEUS = shutil.which("prometheus")
RUN = Run("t", "1h")

needs_both = pytest.mark.skipif(K6 is None or PROMETHEUS is None, reason="k6 or prometheus is missing")


@contextlib.contextmanager
def _prometheus(folder: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text("global: {}\n")
    command = [
        str(PROMETHEUS),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    features = ["--web.enable-remote-write-receiver", "--enable-feature=native-histograms", "--log.level=error"]
    process = subprocess.Popen([*command, *features])
    try:
        _await(f"http://{address}/-/ready")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(url: str) -> None:
    for _ in range(150):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    raise AssertionError(f"{url} was not ready")


def _runner(archive: Path, prometheus: str, fault_server: str, testid: str, number: int) -> subprocess.Popen[bytes]:
    arguments = (
        yaml.safe_load((COMPONENT / "testrun.yaml").read_text())["spec"]["arguments"].replace("testid=stockcrew-load", f"testid={testid}").split()
    )
    segment = ["0:1/2", "1/2:1"][number]
    command = [str(K6), "run", "--quiet", *arguments, "--tag", f"instance_id={number}", "--address", "", "--execution-segment", segment]
    environment = {
        "PATH": "/usr/bin:/bin",
        "BASE_URL": fault_server,
        "K6_NO_USAGE_REPORT": "true",
        "K6_PROMETHEUS_RW_SERVER_URL": f"{prometheus}/api/v1/write",
        "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM": "true",
        "K6_SUMMARY_FILE": str(archive.parent / f"{testid}-{number}.json"),
    }
    return subprocess.Popen([*command, "--execution-segment-sequence", "0,1/2,1", str(archive)], env=environment, stderr=subprocess.DEVNULL)


@needs_both
@pytest.mark.k6
@pytest.mark.timeout(300)
def test_two_runners_are_judged_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the shipped manifest's arguments a good server holds every threshold, and one that fails 1.5 % crosses those for failures."""
    archive = tmp_path / "load-test.tar"
    baked = ["-e", "PROFILE=load", "-e", "DURATION=10s"]
    subprocess.run([str(K6), "archive", "-O", str(archive), *baked, str(ROOT / "loadtests" / "main.js")], check=True, capture_output=True, timeout=60)
    with _prometheus(tmp_path) as prometheus:
        # One server after the other: the good one must not be slow on the failing one's account.
        common = ["--url", prometheus, "--within", "10m", "--testid"]
        for number in range(3):
            _run_both(archive, prometheus, "none", f"none-{number}")
            good = main([*common, f"none-{number}"])
            told = capsys.readouterr().out
            if not is_slowness(re.findall(r"^CROSSED +(.*)$", told, re.MULTILINE)):
                break
        _run_both(archive, prometheus, "failing", "failing")
        bad, unknown = (main([*common, testid]) for testid in ("failing", "nosuch"))
    printed = capsys.readouterr()

    assert (good, bad, unknown) == (0, 99, 3), told + printed.out
    assert "CROSSED http_req_failed{kind:api}: rate<0.01" in printed.out
    assert "Prometheus has no request of testid 'nosuch'" in printed.err


def _run_both(archive: Path, prometheus: str, fault: str, testid: str) -> None:
    server = serve(fault)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    runners = [_runner(archive, prometheus, f"http://127.0.0.1:{server.server_port}", testid, number) for number in (0, 1)]
    for runner in runners:
        runner.wait(timeout=45)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("selector", "expression", "promql"),
    [
        ("http_req_duration{kind:api}", "p(95)<500", '1000 * histogram_quantile(0.95, sum(k6_http_req_duration_seconds{testid="t",kind="api"}))'),
        ("job_failed", "rate<0.01", 'max(k6_job_failed_rate{testid="t"})'),
        ("checks{check:list is a page}", "rate>=0.99", 'min(k6_checks_rate{testid="t",check="list is a page"})'),
        ("script_errors", "count<1", 'sum(k6_script_errors_total{testid="t"}) or vector(0)'),
    ],
)
def test_thresholds_become_promql(selector: str, expression: str, promql: str) -> None:
    """Each kind of metric is asked for over all runners; where only rates are known the worst runner counts."""
    assert query(RUN, selector, parse_expression(expression)) == promql


def test_a_threshold_without_samples_is_crossed() -> None:
    """What Prometheus knows nothing of did not hold."""
    verdicts = judge(lambda promql, _: 1.0 if "timestamp" in promql else None, RUN, load_thresholds())

    assert not any(one.ok for one in verdicts)


@pytest.mark.parametrize("url", ["prometheus:9090", "http://127.0.0.1:9"])
def test_a_prometheus_that_cannot_be_asked_is_no_verdict(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong URL is an invalid run and not a failed one."""
    assert main(["--url", url, "--testid", "t"]) == 3
    assert "INVALID" in capsys.readouterr().err


def test_no_request_is_no_verdict() -> None:
    """A run that Prometheus never heard of is not judged."""
    with pytest.raises(NotJudged, match="no request of testid 't'"):
        judge(lambda *_: None, RUN, load_thresholds())


def test_the_manifest_leaves_judging_to_prometheus() -> None:
    """No runner judges its own part, all send native histograms, and the script is the archive that the documentation makes."""
    spec = yaml.safe_load((COMPONENT / "testrun.yaml").read_text())["spec"]
    environment = {one["name"]: one.get("value") for one in spec["runner"]["env"]}

    assert "--no-thresholds" in spec["arguments"]
    assert "--out experimental-prometheus-rw" in spec["arguments"]
    assert environment["K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM"] == "true"
    assert f"--from-file={spec['script']['configMap']['file']}" in (ROOT / "docs" / "load-testing.md").read_text()
