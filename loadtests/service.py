"""The service under test on embedded defaults: API and worker of this checkout on a free loopback port, in a folder of their own."""

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crew.loopback import free_port
from crew.settings import inherited_environment

START_TIMEOUT_S = 120


class ServiceNotReady(Exception):
    """The service did not come up; the message says why."""


@contextmanager
def embedded_service(log: Path, **variables: str) -> Iterator[str]:
    """Yield the base URL of a running service with a live worker (rules model, sample data, SQLite), and stop it afterwards.

    `variables` are settings of its environment beside or instead of those.

    Raises:
        ServiceNotReady: it ended or was not ready in time.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="stockcrew-loadtest-") as folder, log.open("wb") as output:
        environment = (
            inherited_environment(
                PORT=str(port),
                STOCKCREW_DATA_DIR=folder,
                STOCKCREW_MODEL="rules",
                STOCKCREW_MARKET_DATA="sample",
                STOCKCREW_WORKER_METRICS_PORT="0",
                STOCKCREW_LOG_LEVEL="WARNING",
            )
            | variables
        )
        command = [sys.executable, "-m", "crew.cli", "serve", "--with-worker"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _await_ready(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServiceNotReady(f"the service ended with exit code {process.returncode}; see {log}")
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=5) as answer:  # noqa: S310 - a loopback address of ours
                if json.load(answer)["status"] == "ready":
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise ServiceNotReady(f"the service, API and worker, was not ready after {START_TIMEOUT_S} s; see {log}")
