"""The run over time: samples gathered into equal slices for the charts."""

from collections.abc import Iterable
from dataclasses import dataclass

from loadtests.samples import Sample, percentile


@dataclass(frozen=True)
class Slice:
    """One slice of time: seconds since the start of the run, requests per second, latency in ms, failed share."""

    at_s: float
    requests_per_s: float
    p50_ms: float | None
    p95_ms: float | None
    failure_rate: float | None


def slices(samples: Iterable[Sample], *, count: int = 90) -> list[Slice]:
    """Cut the run's api requests into at most `count` slices of at least one second each. No samples give no slices."""
    durations = [(sample.at, sample.value) for sample in samples if sample.metric == "http_req_duration" and sample.tags.get("kind") == "api"]
    failures = [(sample.at, sample.value) for sample in samples if sample.metric == "http_req_failed" and sample.tags.get("kind") == "api"]
    if not durations:
        return []
    start, end = min(at for at, _ in durations), max(at for at, _ in durations)
    width = max(1.0, (end - start) / count)
    number = int((end - start) // width) + 1
    timed: list[list[float]] = [[] for _ in range(number)]
    failed: list[list[float]] = [[] for _ in range(number)]
    for target, points in ((timed, durations), (failed, failures)):
        for at, value in points:
            target[min(number - 1, max(0, int((at - start) // width)))].append(value)
    return [_slice(index, width, sorted(timed[index]), failed[index]) for index in range(number)]


def _slice(index: int, width: float, timed: list[float], failed: list[float]) -> Slice:
    return Slice(
        at_s=index * width,
        requests_per_s=len(timed) / width,
        p50_ms=percentile(timed, 50) if timed else None,
        p95_ms=percentile(timed, 95) if timed else None,
        failure_rate=sum(failed) / len(failed) if failed else None,
    )
