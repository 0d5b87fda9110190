"""results/summary.json: the run in numbers, computed from the raw samples, in a shape of our own (summary.schema.json)."""

import json
import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loadtests.samples import Sample, percentile
from loadtests.thresholds import Verdict, judge

SCHEMA_VERSION = "2"
THRESHOLDS_CROSSED = 99
STREAM = "GET /v1/analyses/:id/events (stream)"
LATENCY_METRICS = ("http_req_duration", "job_completion_time", "batch_completion_time", "sse_first_event", "dropped_iterations")


@dataclass(frozen=True)
class RunFacts:
    """What the samples do not tell: how the run was started and how it ended."""

    profile: str
    target: str
    k6_version: str
    k6_exit_code: int | None
    features: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass
class _Route:
    durations: list[float] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)


def describe_machine() -> dict[str, Any]:
    """Cores, memory in GiB, system and Python of the machine that sent the load."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {"cores": os.cpu_count(), "memory_gib": round(pages * size / 2**30, 1), "system": platform.platform(), "python": platform.python_version()}


def current_commit(folder: Path) -> str | None:
    """The commit checked out in `folder`, None outside a repository."""
    result = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return result.stdout.strip() or None


def _latency(durations: list[float], failures: list[float], seconds: float) -> dict[str, Any]:
    ordered = sorted(durations)
    statistics = {f"p{percent}_ms": round(percentile(ordered, percent), 3) if ordered else None for percent in (50, 95, 99)}
    return {
        "requests": len(ordered),
        "requests_per_s": round(len(ordered) / seconds, 3) if seconds else None,
        "mean_ms": round(sum(ordered) / len(ordered), 3) if ordered else None,
        **statistics,
        "max_ms": round(ordered[-1], 3) if ordered else None,
        "failure_rate": round(sum(failures) / len(failures), 6) if failures else None,
    }


def _share(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None


class _Gathered:
    """Samples sorted by what is reported: requests by route and by kind, everything else by metric."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.routes: dict[str, _Route] = defaultdict(_Route)
        self.kinds: dict[str, _Route] = defaultdict(_Route)
        self.values: dict[str, list[float]] = defaultdict(list)
        for sample in samples:
            self._add(sample)
        for values in self.values.values():
            values.sort()

    def _add(self, sample: Sample) -> None:
        if sample.metric not in {"http_req_duration", "http_req_failed"}:
            self.values[sample.metric].append(sample.value)
            return
        kind, timed = sample.tags.get("kind", ""), sample.metric == "http_req_duration"
        stores = [self.kinds[kind]] if kind == "deliberate" else [self.kinds[kind], self.routes[sample.tags.get("name", "")]]
        for store in stores:
            (store.durations if timed else store.failures).append(sample.value)

    def percentile(self, metric: str, percent: float) -> float | None:
        values = self.values[metric]
        return round(percentile(values, percent), 3) if values else None


def summarise(
    samples: Iterable[Sample], facts: RunFacts, *, thresholds: dict[str, list[str]], machine: dict[str, Any], commit: str | None
) -> dict[str, Any]:
    """Sum up a run as the object that summary.json holds; see summary.schema.json for every field and unit."""
    collected = list(samples)
    moments = [sample.at for sample in collected]
    seconds = max(moments) - min(moments) if moments else 0.0
    verdicts, gathered = judge(collected, thresholds), _Gathered(collected)
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": facts.profile,
        "target": facts.target,
        "features": list(facts.features),
        "started_at": min(moments) if moments else None,
        "duration_s": round(seconds, 3),
        "machine": machine,
        "commit": commit,
        "k6": {"version": facts.k6_version, "exit_code": facts.k6_exit_code},
        **_measured(gathered, seconds),
        "thresholds": [asdict(verdict) for verdict in verdicts],
        "outcome": outcome(verdicts, facts, has_samples=bool(collected)),
        "messages": list(facts.messages),
    }


def _measured(gathered: _Gathered, seconds: float) -> dict[str, Any]:
    api, values = gathered.kinds["api"], gathered.values
    return {
        "api": _latency(api.durations, api.failures, seconds),
        "routes": {name: _latency(route.durations, route.failures, seconds) for name, route in sorted(gathered.routes.items()) if name},
        "jobs": {
            "completed": len(values["job_completion_time"]),
            "failure_rate": _share(values["job_failed"]),
            "completion_p50_ms": gathered.percentile("job_completion_time", 50),
            "completion_p95_ms": gathered.percentile("job_completion_time", 95),
        },
        "batches": {"completed": len(values["batch_completion_time"]), "completion_p95_ms": gathered.percentile("batch_completion_time", 95)},
        "streams": {"opened": len(gathered.routes[STREAM].durations), "first_event_p95_ms": gathered.percentile("sse_first_event", 95)},
        "deliberate_errors": {"sent": len(values["deliberate_errors_answered"]), "answered_rate": _share(values["deliberate_errors_answered"])},
        "checks_rate": _share(values["checks"]),
        "dropped_iterations": int(sum(values["dropped_iterations"])),
    }


def outcome(verdicts: list[Verdict], facts: RunFacts, *, has_samples: bool) -> str:
    """`ok`, `latency`, `errors` or `invalid`. Only a run that k6 ended itself (0 or 99) with samples can be judged."""
    if facts.k6_exit_code not in {0, THRESHOLDS_CROSSED} or not has_samples or facts.messages:
        return "invalid"
    crossed = [verdict for verdict in verdicts if not verdict.ok]
    if not crossed:
        return "ok" if facts.k6_exit_code == 0 else "invalid"
    slow = all(verdict.metric.split("{")[0] in LATENCY_METRICS and verdict.value is not None for verdict in crossed)
    return "latency" if slow else "errors"


def write_summary(summary: dict[str, Any], path: Path) -> None:
    """Write atomically: a reader sees the old file or the whole new one."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
