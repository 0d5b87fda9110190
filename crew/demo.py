"""`make demo`: the real service on embedded defaults, one analysis posted over HTTP, its progress and its report."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from crew.loopback import free_port
from crew.settings import inherited_environment

FORMATS = {"json": "application/json", "md": "text/markdown", "html": "text/html"}
START_TIMEOUT_S = 60
RUN_TIMEOUT_S = 300


class DemoFailed(Exception):
    """The demo cannot go on; the message is the one sentence for the terminal."""


def run_demo(symbol: str, output: Path) -> None:
    """Start the service, analyse `symbol` with the rules model on the sample data, write the report into `output`, stop the service.

    Raises:
        DemoFailed: the service did not start, or the analysis failed.
    """
    _say("StockCrew demo: model `rules` (a rule-based writer, no language model) on the shipped `sample` data, no key, no network.")
    with tempfile.TemporaryDirectory(prefix="stockcrew-demo-") as folder:
        port = free_port()
        service = _start(port, Path(folder))
        try:
            base = f"http://127.0.0.1:{port}"
            _await_ready(base, service)
            _say(f"Service: {base} (gunicorn + Flask, one worker, SQLite)")
            report = _analyse(base, symbol)
            _write(base, report, symbol, output)
        finally:
            _stop(service)
    _say("Stopped everything that was started.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the demo talks to a terminal


def _start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    environment = inherited_environment(
        PORT=str(port),
        STOCKCREW_DATA_DIR=str(folder / "data"),
        STOCKCREW_MODEL="rules",
        STOCKCREW_MARKET_DATA="sample",
        STOCKCREW_WORKER_METRICS_PORT="0",
        STOCKCREW_LOG_LEVEL="WARNING",
        STOCKCREW_DRAIN_S="5",
    )
    command = [sys.executable, "-m", "crew.cli", "serve", "--with-worker"]
    return subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - a fixed command of ours


def _stop(service: subprocess.Popen[bytes]) -> None:
    if service.poll() is None:
        service.send_signal(signal.SIGTERM)
        try:
            service.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(service.pid, signal.SIGKILL)
            service.wait()


def _await_ready(base: str, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if service.poll() is not None:
            raise DemoFailed(f"the service ended with exit code {service.returncode} before it was ready; its messages are above")
        try:
            if requests.get(f"{base}/readyz", timeout=2).status_code == requests.codes.ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    raise DemoFailed(f"the service was not ready after {START_TIMEOUT_S} s")


def _problem(response: requests.Response) -> str:
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return f"HTTP {response.status_code}"
    detail = "; ".join(str(item["detail"]) for item in body.get("errors", [])) or body.get("detail") or body.get("title")
    return f"{detail} ({body.get('code')})"


def _analyse(base: str, symbol: str) -> str:
    response = requests.post(f"{base}/v1/analyses", json={"symbol": symbol, "force": True}, timeout=30)
    if not response.ok:
        raise DemoFailed(f"{symbol!r} was not accepted: {_problem(response)}")
    analysis = response.json()
    _say(f"POST /v1/analyses {{'symbol': '{symbol}'}} -> {response.status_code} {analysis['id']}")
    for kind, event in _events(base, analysis["id"]):
        _show(kind, event)
        if kind == "done":
            break
    final = requests.get(f"{base}/v1/analyses/{analysis['id']}", timeout=30).json()
    if final["status"] != "succeeded":
        raise DemoFailed(f"the analysis of {symbol} ended as {final['status']}: {(final.get('error') or {}).get('detail', 'no reason given')}")
    return str(analysis["id"])


def _events(base: str, analysis_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    stream = requests.get(
        f"{base}/v1/analyses/{analysis_id}/events", headers={"Accept": "text/event-stream"}, stream=True, timeout=(10, RUN_TIMEOUT_S)
    )
    kind = "message"
    for line in stream.iter_lines(decode_unicode=True):
        if line.startswith("event:"):
            kind = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield kind, json.loads(line.removeprefix("data:"))


def _show(kind: str, event: dict[str, Any]) -> None:
    data = event.get("data") or {}
    step = data.get("step", "")
    who = f" ({data['agent']})" if data.get("agent") else ""
    if kind == "step.started":
        _say(f"  … {step}{who}")
    elif kind == "step.finished":
        _say(f"  ✓ {step}{who} {data.get('milliseconds', 0) / 1000:.2f} s")
    elif kind in {"analysis.started", "analysis.succeeded", "analysis.failed", "analysis.canceled"}:
        _say(f"  {kind.removeprefix('analysis.')}")


def _write(base: str, analysis_id: str, symbol: str, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    for suffix, media_type in FORMATS.items():
        response = requests.get(f"{base}/v1/analyses/{analysis_id}/report", headers={"Accept": media_type}, timeout=30)
        if not response.ok:
            raise DemoFailed(f"the report could not be read as {media_type}: {_problem(response)}")
        (output / f"{symbol}.{suffix}").write_bytes(response.content)
        if suffix == "md":
            sys.stdout.write(response.content.decode() + "\n")
            sys.stdout.flush()
    _say(f"Report written: {', '.join(str(output / f'{symbol}.{suffix}') for suffix in FORMATS)}")
