"""Schemathesis over the live server: what the OpenAPI document says and what the service does are the same."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from fakes.waiting import is_up, until

from api.contract import operations_of
from api.paths import SNAPSHOT
from api.routes import RESOURCES
from crew.loopback import free_port

ROOT = Path(__file__).resolve().parents[2]
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
CONFIG = HOOKS.with_name("schemathesis.toml")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The real server over real jobs on an SQLite file, with event streams that end soon."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STOCKCREW_")},
        "PORT": str(port),
        "STOCKCREW_DATA_DIR": str(tmp_path),
        "STOCKCREW_STREAM_MAX_S": "0.2",
        "STOCKCREW_LOG_LEVEL": "WARNING",
        "STOCKCREW_SECURITY_CONTACT": "mailto:security@example.com",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "fakes.live_server"], env=environment, cwd=ROOT) as process:
        try:
            until(lambda: process.poll() is not None or is_up(url), within_s=90, pause_s=0.1)
            assert process.poll() is None
            yield url
        finally:
            process.terminate()
            process.wait(timeout=15)


@pytest.mark.timeout(600)
def test_a_thousand_requests_find_no_difference(server: str, tmp_path: Path) -> None:
    """With every check and phase on, more than a thousand generated requests on every operation give no failure and no answer of 500."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", str(SNAPSHOT), "--url", server]
    command += ["--checks", "all", "--max-examples", "12"]
    options = ["--phases", "examples,coverage,fuzzing,stateful", "--request-timeout", "20", "--continue-on-failure", "--seed", "20260312"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    run = subprocess.run([*command, *options], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=560)

    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    counted = {name: int(number) for name, number in re.findall(r"(Selected|Tested): (\d+)", run.stdout)}
    generated, passed = (int(number) for number in re.search(r"(\d+) generated, (\d+) passed", run.stdout).groups())  # type: ignore[union-attr]
    assert counted["Tested"] == counted["Selected"] == len(list(operations_of(RESOURCES)))
    assert generated >= 1000
    assert passed == generated
    metrics = requests.get(f"{server}/metrics", timeout=60).text
    answered = re.findall(r'stockcrew_http_requests_total\{.*status="(\d+)"\} ([\d.]+)', metrics)
    assert sum(float(count) for _, count in answered) >= generated
    assert {"200", "201", "202", "204", "404", "405", "409", "415", "422"} <= {status for status, _ in answered}
    assert "500" not in {status for status, _ in answered}
