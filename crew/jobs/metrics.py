"""Prometheus metrics of the worker, served on a port of their own."""

from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from crew.agents.names import provider_of
from crew.domain.analysis import Status
from crew.domain.run import ModelCall
from crew.errors import ConfigurationError, MarketDataRateLimited, MarketDataUnavailable
from crew.settings import Settings

_MARKET_CODES = frozenset(kind.code for kind in (MarketDataUnavailable, MarketDataRateLimited))

log = structlog.get_logger(__name__)
_STEP_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class WorkerMetrics:
    """What one worker does, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.running = Gauge("stockcrew_worker_analyses_running", "Analyses this worker is carrying out", registry=registry)
        self.waiting = Gauge("stockcrew_queue_depth", "Analyses that wait for a worker", registry=registry)
        self.oldest = Gauge("stockcrew_queue_oldest_seconds", "Seconds the oldest waiting analysis has waited", registry=registry)
        self.last_beat = Gauge("stockcrew_worker_last_heartbeat_timestamp_seconds", "When this worker last reached the database", registry=registry)
        self.taken_over = Counter("stockcrew_jobs_taken_over", "Analyses taken over from workers that are gone", registry=registry)
        self._ended = Counter("stockcrew_analyses_ended", "Analyses ended by this worker", ("status",), registry=registry)
        self._seconds = Histogram("stockcrew_step_duration_seconds", "Time of one step", ("step",), registry=registry, buckets=_STEP_SECONDS)
        self._failed = Counter("stockcrew_step_failures", "Steps that failed, by error code", ("step", "code"), registry=registry)
        self._calls = Counter("stockcrew_model_calls", "Model calls", ("agent", "model", "outcome"), registry=registry)
        self._tokens = Counter("stockcrew_model_tokens", "Tokens of model calls", ("model", "kind"), registry=registry)
        self._provider_errors = Counter(
            "stockcrew_provider_errors", "Failures of outside services, by error code", ("provider", "code"), registry=registry
        )
        self._sentences = Counter("stockcrew_withheld_sentences", "Sentences of drafts that were left out of reports", registry=registry)
        self._cost = Counter("stockcrew_model_cost_usd", "Known cost of model calls in US dollars", ("model",), registry=registry)

    def step_ended(self, step: str, seconds: float) -> None:
        """A step left its result."""
        self._seconds.labels(step).observe(seconds)

    def step_failed(self, step: str, code: str) -> None:
        """A step failed, or was canceled (code `canceled`)."""
        self._failed.labels(step, code).inc()
        if code in _MARKET_CODES:
            self._provider_errors.labels("market_data", code).inc()

    def analysis_ended(self, status: Status) -> None:
        """An analysis ended."""
        self._ended.labels(status).inc()

    def withheld(self, sentences: int) -> None:
        """A report was written without so many sentences of its drafts."""
        self._sentences.inc(sentences)

    def model_called(self, call: ModelCall) -> None:
        """A model was called."""
        self._calls.labels(call.agent, call.model, call.outcome).inc()
        if call.outcome == "error":
            self._provider_errors.labels(provider_of(call.model), "call_failed").inc()
        for kind, tokens in (("prompt", call.prompt_tokens), ("completion", call.completion_tokens), ("cached", call.cached_tokens)):
            self._tokens.labels(call.model, kind).inc(tokens)
        self._cost.labels(call.model).inc(call.cost_usd or 0.0)

    def serve(self, settings: Settings) -> WSGIServer | None:
        """Serve `/metrics` from a thread; None when the port is 0, or taken while `local`, where it is only said.

        Raises:
            ConfigurationError: the port is taken.
        """
        port = settings.worker_metrics_port
        if port == 0:
            return None
        try:
            server, _ = start_http_server(port, addr=settings.host, registry=self.registry)
        except OSError as error:
            problem = f"the worker's metrics cannot be served on {settings.host} port {port} ({error.strerror}): set STOCKCREW_WORKER_METRICS_PORT"
            if settings.env != "local":
                raise ConfigurationError(problem) from None
            log.warning("metrics_not_served", problem=problem)
            return None
        return server
