"""Shows that the service scales and can be restarted: `python -m deploy.simulation [--results FOLDER]`, or `make simulate`.

Real processes on loopback: PostgreSQL, two processes of the API behind nginx, workers, a model server of fixed latency. Prints what was
promised and what was measured. Exit codes: 0 every promise is kept, 1 one is broken or a part does not come up, 143 ended by a signal.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from deploy.simulation import rolling, scaling, takeover
from deploy.simulation.processes import NotReady, Processes
from deploy.simulation.service import DRAIN_S, Service, postgres
from deploy.simulation.verdict import Line, judge_rolling, judge_scaling, judge_takeover, table

LATENCY_S = 2.0
SHORTEST_LOAD_S, LONGEST_LOAD_S = 60, 150


def load_seconds(api_start_s: float, workers_start_s: float) -> int:
    """How long one run of load is to last so that one is enough for two API processes and three workers, by how long they took to start at first."""
    expected = 2 * (api_start_s + 3) + 3 * (workers_start_s + DRAIN_S + 2)
    return round(min(LONGEST_LOAD_S, max(SHORTEST_LOAD_S, 1.5 * expected)))


def simulate(service: Service, results: Path) -> list[Line]:
    """All scenarios, one after the other.

    Raises:
        NotReady: a part does not come up or analyses do not end.
    """
    service.set_latency(LATENCY_S)
    service.migrate()
    began = time.monotonic()
    service.start_apis(2)
    api_up = time.monotonic()
    service.start_workers(3, concurrency=rolling.CONCURRENCY)
    load_s = load_seconds(api_up - began, time.monotonic() - api_up)
    _say(f"rolling restart of 2 API processes and 3 workers under load, {load_s} s at a time")
    lines = list(judge_rolling(rolling.restart_everything(service, results, load_s=load_s)))
    service.stop_workers()
    service.start_workers(3, concurrency=takeover.CONCURRENCY)
    _say("kill -9 of one of 3 workers")
    lines += judge_takeover(takeover.kill_one(service))
    service.stop_workers(but=1)
    _say("1 worker, then 2")
    lines += judge_scaling(scaling.double(service))
    return lines


_began = time.monotonic()


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _began:5.0f} s] {text}", flush=True)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature signal wants
    raise SystemExit(128 + number)


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description="Rolling restart, a killed worker and twice the workers, with real processes.")
    parser.add_argument("--results", type=Path, default=Path("results/simulation"), help="folder for logs and k6's output")
    options = parser.parse_args()
    if shutil.which("nginx") is None:
        print("simulation: nginx is missing: install the package nginx", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, _end)
    results = options.results.resolve()
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    try:
        with tempfile.TemporaryDirectory(prefix="stockcrew-simulation-") as folder:
            Path(folder).chmod(0o755)  # PostgreSQL's own user looks into it
            with postgres(Path(folder) / "postgres") as url, Processes(results) as processes:
                lines = simulate(Service(processes, results, url), results)
    except NotReady as error:
        print(f"simulation: {error}", file=sys.stderr)
        return 1
    _say("verdict")
    print(table(lines))
    return 0 if all(line.kept for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
