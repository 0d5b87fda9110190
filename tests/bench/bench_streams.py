"""What open event streams cost: `python -m tests.bench.bench_streams [--streams 200] [--threads 256]`.

Opens streams on an analysis that waits, over the real jobs on SQLite with a key, and measures how quickly the process answers beside them,
how quickly an event reaches all of them, its memory, and how long it takes to stop. Exits 1 when a figure misses its target.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import requests

from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from tests.bench.bench_api import Figure, migrated_key, production, running

PROBES = 300
HURRY_S = 3.0


class Listener:
    """One open stream, read in a thread of its own: when its last line came, and whether it has ended."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.response = requests.get(url, headers={**headers, "Accept": "text/event-stream"}, stream=True, timeout=(30, 60))
        self.response.raise_for_status()
        self.heard: dict[str, float] = {}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            for line in self.response.iter_lines(chunk_size=1, decode_unicode=True):
                if line.startswith("event: "):
                    self.heard[line.removeprefix("event: ")] = time.perf_counter()
        except requests.RequestException:
            return


def beside(url: str, headers: dict[str, str]) -> list[float]:
    """Milliseconds of each of many requests on one connection, a little apart."""
    taken = []
    with requests.Session() as session:
        session.headers.update(headers)
        for _ in range(PROBES):
            began = time.perf_counter()
            session.get(url, timeout=30).raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(0.01)
    return taken


def quantile(values: Sequence[float], percent: int) -> float:
    """The `percent`-th percentile."""
    return statistics.quantiles(values, n=100)[percent - 1]


def memory_of(process: psutil.Process) -> float:
    """Megabytes of the serving process."""
    return float(max(child.memory_info().rss for child in process.children()) / 2**20)


def measure(folder: Path, streams: int, threads: int) -> list[Figure]:
    """Open the streams, measure beside them, send one event to all, stop the process."""
    bearer = {"Authorization": f"Bearer {migrated_key(folder)}"}
    variables = {**production(folder), "STOCKCREW_THREADS": str(threads), "STOCKCREW_LOG_LEVEL": "WARNING"}
    with running("api.server", wait_for="/livez", **variables) as (url, process):
        alone = beside(f"{url}/livez", {})
        made = requests.post(f"{url}/v1/analyses", json={"symbol": "AAPL"}, headers=bearer, timeout=30).json()
        before = memory_of(process)
        listeners = [Listener(url + made["urls"]["events"], bearer) for _ in range(streams)]
        time.sleep(3)
        live, state = beside(f"{url}/livez", {}), beside(url + made["urls"]["self"], bearer)
        began = time.perf_counter()
        AnalysisStore(make_engine(Settings.model_validate({"data_dir": folder}))).begin(made["id"], total_tasks=4)
        time.sleep(3)
        late = [listener.heard.get("analysis.started", began + 99) - began for listener in listeners]
        added = memory_of(process) - before
        began = time.perf_counter()
        process.terminate()
        psutil.wait_procs([process], timeout=30)
        stopped = time.perf_counter() - began
    return [
        ("livez alone, p99 ms", quantile(alone, 99), "<", 50),
        (f"livez beside {streams} streams, p50 ms", quantile(live, 50), "<", 50),
        (f"livez beside {streams} streams, p99 ms", quantile(live, 99), "<", 50),
        (f"GET analysis beside {streams} streams, p99 ms", quantile(state, 99), "<", 100),
        ("an event reaches the last stream, s", max(late), "<", 2),
        (f"memory added by {streams} streams, MB", added, "<", 40),
        (f"stop with {streams} streams open, s", stopped, "<", HURRY_S),
    ]


def main() -> int:
    """Measure and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--threads", type=int, default=256)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stockcrew-bench-"))
    try:
        figures = measure(folder, options.streams, options.threads)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    missed = 0
    for name, value, relation, target in figures:
        good = value < target if relation == "<" else value > target
        missed += not good
        sys.stdout.write(f"{'ok  ' if good else 'MISS'}  {name:<50} {value:>10.2f}  ({relation} {target:g})\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
