"""Load-test summaries and baselines with known figures."""

from collections.abc import Collection, Sequence
from typing import Any

from loadtests.baseline import record
from loadtests.samples import Sample
from loadtests.summary import RunFacts, summarise

MACHINE = {"cores": 2, "memory_gib": 24.0, "system": "test", "python": "3.11"}


_TIMES = ("http_req_duration", "sse_first_event", "job_completion_time", "batch_completion_time", "dropped_iterations")


def is_slowness(crossed: Collection[str]) -> bool:
    """Whether something is crossed, and nothing but times: then the machine may have been busy, and a good server deserves another run."""
    return bool(crossed) and all(one.startswith(_TIMES) for one in crossed)


def crossings(summary: dict[str, Any]) -> set[str]:
    """The thresholds that did not hold."""
    return {f"{one['metric']}: {one['expression']}" for one in summary["thresholds"] if not one["ok"]}


def requests(*durations: float, failed: int = 0, name: str = "GET /x") -> list[Sample]:
    """Samples of api requests of these durations in ms, one a second, the first `failed` of them failed."""
    tags = {"name": name, "kind": "api"}
    timed = [Sample("http_req_duration", value, 1000.0 + number, tags) for number, value in enumerate(durations)]
    return timed + [Sample("http_req_failed", float(number < failed), 1000.0 + number, tags) for number in range(len(durations))]


def summary(*, scale: float = 1.0, failure_rate: float = 0.0, profile: str = "smoke") -> dict[str, Any]:
    """The summary of a run on route `GET /x`: mean 125 ms times `scale`, one job of 2 s times `scale`."""
    samples = requests(*(100 * scale * share for share in (0.5, 1.0, 1.5, 2.0)))
    samples += [
        Sample("job_completion_time", 2000 * scale, 1001, {}),
        Sample("job_failed", failure_rate, 1001, {}),
        Sample("sse_first_event", 10, 1001, {}),
    ]
    return summarise(samples, RunFacts(profile, "http://t", "1.1.0", 0), thresholds={}, machine=MACHINE, commit="c0ffee")


def baseline(runs: Sequence[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The baseline that three such runs make."""
    return record("local", runs or [summary(), summary(), summary()])
