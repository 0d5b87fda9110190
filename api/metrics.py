"""Prometheus metrics of the door: requests by route, their duration, what is in flight, open event streams."""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values

# Where the processes of this server keep their values for each other; None in a single process, whose values stay in its memory.
_shared: Path | None = None
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class HttpMetrics:
    """The metrics of one application, in a registry of its own so that several applications can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("stockcrew_http_requests", "Requests answered", ("route", "method", "status"), registry=self.registry)
        self._seconds = Histogram(
            "stockcrew_http_request_duration_seconds",
            "Time to answer, event streams left out",
            ("route", "method"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.in_flight = Gauge("stockcrew_http_requests_in_flight", "Requests being answered", registry=self.registry, multiprocess_mode="livesum")
        self.streams = Gauge("stockcrew_sse_streams", "Open event streams", registry=self.registry, multiprocess_mode="livesum")
        # Asking the library for the same labels again and again takes longer than counting.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}
        self.submitted = Counter("stockcrew_analyses_submitted", "Submissions by outcome", ("outcome",), registry=self.registry)

    def observe(self, *, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count one answer; `seconds` is None for an event stream, whose duration says nothing."""
        counter = self._counters.get((route, method, status))
        if counter is None:
            counter = self._counters[route, method, status] = self._requests.labels(route, method, str(status))
        counter.inc()
        if seconds is None:
            return
        histogram = self._histograms.get((route, method))
        if histogram is None:
            histogram = self._histograms[route, method] = self._seconds.labels(route, method)
        histogram.observe(seconds)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes: of all processes of this server where there are several."""
        if _shared is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together, path=str(_shared))  # type: ignore[no-untyped-call]
        return generate_latest(together)


def share(folder: Path) -> None:
    """Let all processes that this one will fork keep their metrics in the empty `folder`, so that each can tell of all. Call it once, before."""
    global _shared  # noqa: PLW0603 - the library has one such switch for the process as well
    _shared = folder
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # where the library looks for it
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def forget_process(pid: int) -> None:
    """A process has ended: what it had in flight is over, what it counted stays."""
    if _shared is not None:
        multiprocess.mark_process_dead(pid, path=str(_shared))  # type: ignore[no-untyped-call]
