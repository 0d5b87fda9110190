"""A rolling restart of every process while k6 sends the load test's usual load through the proxy."""

import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crew.settings import inherited_environment
from deploy.simulation.processes import NotReady, await_that
from deploy.simulation.service import ROOT, Service
from deploy.simulation.verdict import Rolling
from loadtests.samples import Sample, read_samples

CONCURRENCY = 4
BATCH = 3
JOB_DEADLINE_S = 120
# What k6 has made before it sends load.
PREPARED = 6
# Runs whose starts lie this far apart ask for different analyses (loadtests/lib/work.js); the first one for the newest days.
FIRST_START, APART_S = 38 * 95, 95
JUDGED = ("checks", "deliberate_errors_answered")


@dataclass(frozen=True)
class Counts:
    """What one run of k6 saw, and the times of its first and last request."""

    requests: int
    failed: int
    failed_checks: int
    accepted: int
    first: float
    last: float


def count(samples: Iterable[Sample]) -> Counts:
    """What k6 saw. Accepted are analyses whose POST, or whose batch's, was answered with 202."""
    requests = failed = failed_checks = accepted = 0
    moments: list[float] = []
    for sample in samples:
        if sample.metric == "http_req_failed":
            moments.append(sample.at)
            requests += 1
            failed += bool(sample.value)
            if sample.tags.get("status") == "202":
                accepted += {"POST /v1/analyses": 1, "POST /v1/batches": BATCH}.get(sample.tags.get("name", ""), 0)
        elif (sample.metric in JUDGED and not sample.value) or (sample.metric == "job_failed" and sample.value):
            failed_checks += 1
    return Counts(requests, failed, failed_checks, accepted, min(moments, default=0.0), max(moments, default=0.0))


class _Load:
    """k6 with the load test's usual load, for a number of seconds at a time, and what it saw in all."""

    def __init__(self, service: Service, results: Path, *, seconds: int) -> None:
        self._service, self._results, self._seconds = service, results, seconds
        self._runs: list[subprocess.Popen[bytes]] = []
        self._until = 0.0

    def last_for(self, seconds: float) -> None:
        """See to it that load goes on for so long, with another run where this one would end before.

        Raises:
            NotReady: it could not be sent.
        """
        if time.time() + seconds < self._until:
            return
        self.await_end()
        self._start()

    def _start(self) -> None:
        number = len(self._runs) + 1
        command = [sys.executable, "-m", "loadtests.run", "--profile", "load", "--target", self._service.url, "--target-name", "simulation"]
        settings = {"DURATION": f"{self._seconds}s", "JOB_DEADLINE_S": JOB_DEADLINE_S, "STARTED_AT": FIRST_START + (number - 1) * APART_S}
        command += ["--results", str(self._folder(number))] + [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
        before = self._stored()
        run = self._service.processes.start(f"load-{number}", command, inherited_environment(PYTHONPATH=str(ROOT)))
        self._runs.append(run)
        await_that(lambda: self._stored() > before + PREPARED or run.poll() is not None, "load arrives", seconds=120)
        self._until = time.time() + self._seconds - 5

    def await_end(self) -> None:
        """Wait for the end of the run under way.

        Raises:
            NotReady: it says nothing about the service.
        """
        for number, run in enumerate(self._runs, 1):
            code = run.wait(timeout=self._seconds + 2 * JOB_DEADLINE_S)
            if code not in {0, 99}:  # 99 is a threshold, and those of time are not this simulation's matter
                raise NotReady(f"the load test ended with {code}; see {self._service.folder}/load-{number}.log")

    def counts(self) -> list[Counts]:
        """What each run saw."""
        return [count(read_samples(self._folder(number) / "output.json")) for number in range(1, len(self._runs) + 1)]

    def _folder(self, number: int) -> Path:
        return self._results / f"load-{number}"

    def _stored(self) -> int:
        return int(self._service.rows("SELECT count(*) AS n FROM analyses")[0].n)


def restart_everything(service: Service, results: Path, *, load_s: int) -> Rolling:
    """Send load, `load_s` seconds at a time, and meanwhile restart each API process and each worker, one after the other.

    Raises:
        NotReady: a process does not end or does not come back, or the load could not be sent.
    """
    load = _Load(service, results, seconds=load_s)
    began, longest, codes = time.time(), load_s / 5, []
    spans: list[tuple[float, float]] = []
    for member in (*service.apis, *service.workers):
        load.last_for(1.3 * longest)
        start = time.time()
        if member in service.apis:
            codes.append(service.restart_api(member))
        else:
            codes.append(service.restart_worker(member, concurrency=CONCURRENCY))
        spans.append((start, time.time()))
        longest = max(longest, time.time() - start)
        print(f"    [{time.time() - began:5.1f} s] {member.name} is back after {time.time() - start:.1f} s", flush=True)
    load.await_end()
    counts = load.counts()
    (row,) = service.rows("SELECT count(*) AS stored, count(*) FILTER (WHERE status = 'succeeded') AS succeeded FROM analyses")
    return Rolling(
        restarted=sum(any(one.first <= start and end <= one.last for one in counts) for start, end in spans),
        processes=len(service.apis) + len(service.workers),
        bad_exits=sum(code != 0 for code in codes),
        requests=sum(one.requests for one in counts),
        failed_requests=sum(one.failed for one in counts),
        failed_checks=sum(one.failed_checks for one in counts),
        accepted=sum(one.accepted for one in counts),
        stored=row.stored,
        succeeded=row.succeeded,
    )
