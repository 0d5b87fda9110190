"""What the crew costs on a simulated model server, beside constants measured elsewhere: `python -m tests.bench.bench_crew`.

The server gives the first token after 50 ms and then 1,000 tokens a second, counts tokens with OpenAI's newest tokenizer
(o200k_base), and runs in a process of its own. One job, then 16 at once in one process, then 200 for memory, and all three
again through the job store and a worker.
Exits 1 when a figure misses its target.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
AT_ONCE, FOR_MEMORY, WARM_UP = 16, 200, 3
# TradingAgents' default run on one ticker against a server of the same kind; constants, not measured here.
REFERENCE = {"calls": 17, "prompt tokens": 71_000, "completion tokens": 9_900, "seconds": 12.3, "calls in flight": 1}
SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM")

Figure = tuple[str, float, float, str]


@contextmanager
def simulator() -> Iterator[str]:
    """The simulated server's address."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "fakes.model_simulator"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


class Bench:
    """The crew in this process, as a worker has it, against the server at `url`."""

    def __init__(self, url: str, folder: Path) -> None:
        os.environ["OPENAI_API_KEY"] = "none"
        from crew.jobs.pipeline import CrewPipeline
        from crew.settings import Settings

        self._url = url
        self.settings = Settings.model_validate(
            {"market_data": "sample", "data_dir": folder, "model": "openai/gpt-4.1-mini", "model_base_url": f"{url}/v1", "log_level": "ERROR"}
        )
        self.pipeline = CrewPipeline(self.settings)
        self.data_s = 0.0  # CPU time that went into market data and figures, in which no framework has a part
        for name in ("collect", "compute"):
            setattr(self.pipeline, name, self._timed(getattr(self.pipeline, name)))
        self.pipeline.warm()
        from crew.logs import configure

        configure(self.settings)

    def _timed(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return step(*arguments, **named)
            finally:
                self.data_s += time.thread_time() - began

        return timed

    def job(self, symbol: str) -> Any:
        """One analysis from beginning to end."""
        from crew.domain.analysis import AnalysisRequest
        from crew.jobs.inline import analyze

        return analyze(AnalysisRequest(symbol=symbol), self.settings, pipeline=self.pipeline)

    def counts(self) -> dict[str, Any]:
        """What the server has served since the last `reset`."""
        with urllib.request.urlopen(f"{self._url}/counts") as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def reset(self) -> None:
        """Let the server count anew."""
        urllib.request.urlopen(urllib.request.Request(f"{self._url}/reset", method="POST")).close()


def critical_path(seconds: list[list[Any]]) -> float:
    """The model's own latency along the longest way: the slowest task of the first level, then the report."""
    by_task: dict[str, float] = {}
    for task, took in seconds:
        by_task[task] = by_task.get(task, 0.0) + took
    report = by_task.pop("report")
    return max(by_task.values()) + report


def is_mixed_up(report: Any, symbol: str) -> bool:
    """Whether anything of the report is another company's, or not as the server wrote it."""
    calls = report.provenance.model_calls
    return report.symbol != symbol or report.status != "complete" or {call.outcome for call in calls} != {"ok"} or report.provenance.repair_rounds > 0


def one_job(bench: Bench) -> tuple[list[Figure], float]:
    """A single analysis, the best of five, and how long it takes."""
    runs = []
    for _ in range(5):
        bench.reset()
        bench.data_s = 0.0
        cpu, began = time.process_time(), time.perf_counter()
        report = bench.job("AAPL")
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        assert not is_mixed_up(report, "AAPL"), report.withheld
        runs.append((wall, cpu, bench.data_s, bench.counts()))
    wall, _, _, seen = min(runs, key=lambda run: run[0])
    _, cpu, data_s, _ = min(runs, key=lambda run: run[1])
    path = critical_path(seen["seconds"])
    print(f"one analysis: {wall:.2f} s, of which the model's critical path {path:.2f} s; {seen['completion_tokens']} completion tokens")
    print(f"CPU per call with market data and figures: {1000 * cpu / seen['calls']:.1f} ms")
    figures = [
        ("calls", seen["calls"], 5, "calls"),
        ("prompt tokens (o200k_base)", seen["prompt_tokens"], 14_000, "prompt tokens"),
        ("completion tokens", seen["completion_tokens"], REFERENCE["completion tokens"], "completion tokens"),
        ("seconds", wall, REFERENCE["seconds"], "seconds"),
        ("calls in flight (at least)", -seen["most_in_flight"], -3, "calls in flight"),
        ("wall time / the model's critical path", wall / path, 1.25, ""),
        ("milliseconds of CPU per call, but for market data and figures", 1000 * (cpu - data_s) / seen["calls"], 40, ""),
    ]
    return figures, wall


def many_jobs(bench: Bench, alone_s: float) -> list[Figure]:
    """Sixteen analyses at once in this one process."""
    symbols = [SYMBOLS[number % len(SYMBOLS)] for number in range(AT_ONCE)]
    bench.reset()
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reports = list(pool.map(bench.job, symbols))
    wall, seen = time.perf_counter() - began, bench.counts()
    totals = [report.provenance.totals for report in reports]
    stated = (sum(total.prompt_tokens for total in totals), sum(total.completion_tokens for total in totals), sum(total.calls for total in totals))
    return [
        (f"{AT_ONCE} at once: wall time / one alone", wall / alone_s, 3, ""),
        (f"{AT_ONCE} at once: reports mixed up", sum(map(is_mixed_up, reports, symbols)), 0, ""),
        (
            f"{AT_ONCE} at once: tokens and calls off the server's count",
            sum(abs(one - other) for one, other in zip(stated, (seen["prompt_tokens"], seen["completion_tokens"], seen["calls"]), strict=True)),
            0,
            "",
        ),
    ]


def memory(bench: Bench) -> list[Figure]:
    """Growth over many analyses, counted from the moment at which every cache has been filled once."""
    process = psutil.Process()

    def job(number: int) -> None:
        # The report goes where a worker's goes: nowhere that lasts in this process.
        bench.job(SYMBOLS[number % len(SYMBOLS)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(job, range(WARM_UP * len(SYMBOLS))))
        gc.collect()
        before = process.memory_info().rss
        list(pool.map(job, range(FOR_MEMORY)))
        gc.collect()
    return [(f"memory grown over {FOR_MEMORY} analyses: MB", (process.memory_info().rss - before) / 2**20, 30, "")]


def durable(bench: Bench, folder: Path) -> list[Figure]:
    """The same through the job store and a worker process of its own, from the start of the workflow to its end."""
    from crew.domain.analysis import AnalysisRequest
    from crew.jobs.client import JobClient
    from crew.jobs.migrate import migrate
    from crew.settings import inherited_environment

    settings = bench.settings.model_copy(update={"data_dir": folder})
    migrate(settings)
    client = JobClient(settings)
    environment = inherited_environment(
        STOCKCREW_DATA_DIR=str(folder),
        STOCKCREW_MARKET_DATA="sample",
        STOCKCREW_MODEL=settings.model,
        STOCKCREW_MODEL_BASE_URL=str(settings.model_base_url),
        STOCKCREW_WORKER_CONCURRENCY=str(AT_ONCE),
        STOCKCREW_WORKER_METRICS_PORT="0",
        STOCKCREW_LOG_LEVEL="ERROR",
    )
    with subprocess.Popen([sys.executable, "-m", "crew.cli", "worker"], env=environment, stdout=subprocess.DEVNULL) as worker:
        try:

            def seconds(count: int) -> float:
                # A cap of its own keeps requests on the same symbol apart.
                requests = [AnalysisRequest(symbol=SYMBOLS[number % len(SYMBOLS)], force=True, max_cost_usd=1 + number) for number in range(count)]
                ids = [client.submit(request).analysis.id for request in requests]
                for id in ids:  # one after the other, since looks at all of them would take time from what is measured
                    while not client.get(id).is_terminal:
                        time.sleep(0.02)
                ended = [client.get(id) for id in ids]
                assert all(one.status == "succeeded" for one in ended), [one.failure for one in ended]
                return (max(one.finished_at for one in ended) - min(one.started_at for one in ended)).total_seconds()

            seconds(1)
            alone = min(seconds(1) for _ in range(3))
            bench.reset()
            alone = min(alone, seconds(1))
            path = critical_path(bench.counts()["seconds"])
            seconds(WARM_UP * len(SYMBOLS))
            process = psutil.Process(worker.pid)
            at_once, used, bytes_before = min(seconds(AT_ONCE) for _ in range(3)), cpu_s(process), process.memory_info().rss
            bench.reset()
            for _ in range(FOR_MEMORY // AT_ONCE):
                seconds(AT_ONCE)
            seconds(FOR_MEMORY % AT_ONCE)
            per_call = 1000 * (cpu_s(process) - used) / bench.counts()["calls"]
            print(f"worker, for information: {per_call:.0f} ms of CPU per call, with market data, figures, durable writes and the report")
            return [
                ("worker: wall time from the start / critical path", alone / path, 1.25, ""),
                (f"worker: {AT_ONCE} at once: wall time / one alone", at_once / alone, 3, ""),
                (f"worker: memory grown over {FOR_MEMORY} analyses: MB", (process.memory_info().rss - bytes_before) / 2**20, 30, ""),
            ]
        finally:
            worker.terminate()
            client.close()


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process so far, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> int:
    """Print the figures; 1 when one misses its target."""
    with simulator() as url, tempfile.TemporaryDirectory() as folder:
        bench = Bench(url, Path(folder))
        bench.job("MSFT")
        figures, alone = one_job(bench)
        figures += many_jobs(bench, alone)
        figures += memory(bench)
        figures += durable(bench, Path(folder) / "durable")
    missed = 0
    for name, value, limit, reference in figures:
        is_missed = value > limit
        missed += is_missed
        beside = f"   TradingAgents (constant): {REFERENCE[reference]:,}" if reference else ""
        print(f"{name:<52} {abs(value):>10,.2f}  (target {abs(limit):,g}){'  MISSED' if is_missed else ''}{beside}")
    print(f"threads left: {threading.active_count()}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
