"""Traces by OpenTelemetry, where they are wanted and its packages are installed; without either nothing happens and nothing is loaded."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from crew import __version__
from crew.domain.run import ModelCall
from crew.errors import ConfigurationError
from crew.settings import Settings

Attributes = Mapping[str, str | int | float]
_NS = 1_000_000_000
_PATIENCE_MS = 5000
_TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_traceparent() -> str | None:
    """The W3C trace context of the request that is being answered, None outside of one."""
    return _TRACEPARENT.get()


def set_traceparent(traceparent: str | None) -> None:
    """Let what is stored from here on in this context belong to that trace."""
    _TRACEPARENT.set(traceparent)


def configured_tracing(settings: Settings, *, service: str) -> "Tracing":
    """Spans go to the configured OTLP address; nowhere when there is none.

    Call it in the process that makes the spans: the exporter's thread does not survive a fork.

    Raises:
        ConfigurationError: an address is set, and the packages that the extra `otel` names are missing.
    """
    if settings.otel_endpoint is None:
        return Tracing(None)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an optional extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("STOCKCREW_OTEL_ENDPOINT needs the extra `otel`: pip install 'stockcrew[otel]', or unset it") from None
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{settings.otel_endpoint.rstrip('/')}/v1/traces", timeout=5)))
    return Tracing(provider)


class Tracing:
    """Makes spans.

    Args:
        provider: OpenTelemetry's tracer provider; None makes none.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("stockcrew", __version__) if provider is not None else None

    @property
    def is_on(self) -> bool:
        """Whether spans go anywhere."""
        return self._tracer is not None

    def begin(self, name: str, traceparent: str | None, *, kind: str = "SERVER") -> Any:
        """A span that is under way, continuing `traceparent`; None when there is no tracing. End it with `end`."""
        if self._tracer is None:
            return None
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        return self._tracer.start_span(name, context=_parent(traceparent), kind=SpanKind[kind])

    @staticmethod
    def ids(span: Any) -> tuple[str, str, str]:
        """Trace id, span id and flags of a span that `begin` made, as a `traceparent` has them."""
        context = span.get_span_context()
        return f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{int(context.trace_flags):02x}"

    @contextlib.contextmanager
    def span(self, name: str, traceparent: str | None, attributes: Attributes) -> Iterator[None]:
        """A span around the block, under `traceparent`; spans that the block makes are under it."""
        if self._tracer is None:
            yield
            return
        with self._tracer.start_as_current_span(name, context=_parent(traceparent), attributes=attributes, record_exception=False):
            yield

    def waited(self, name: str, traceparent: str | None, *, since: datetime, attributes: Attributes) -> None:
        """A span from `since` until now."""
        if self._tracer is not None:
            start = int(since.timestamp() * _NS)
            self._tracer.start_span(name, context=_parent(traceparent), start_time=start, attributes=attributes).end()

    def model_called(self, call: ModelCall, traceparent: str | None) -> None:
        """The span of a model call that has just ended, under the step that made it."""
        if self._tracer is None:
            return
        from opentelemetry import trace  # noqa: PLC0415

        now = time.time_ns()
        inside = trace.get_current_span().get_span_context().is_valid
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": call.model.split("/", 1)[0],
            "gen_ai.request.model": call.model,
            "gen_ai.agent.name": call.agent,
            "gen_ai.usage.input_tokens": call.prompt_tokens,
            "gen_ai.usage.output_tokens": call.completion_tokens,
            "stockcrew.task": call.task,
            "stockcrew.outcome": call.outcome,
        }
        if call.cost_usd is not None:
            attributes["stockcrew.cost_usd"] = call.cost_usd
        context = None if inside else _parent(traceparent)
        span = self._tracer.start_span(
            f"chat {call.model}", context=context, start_time=now - call.milliseconds * 1_000_000, kind=trace.SpanKind.CLIENT, attributes=attributes
        )
        if call.outcome != "ok":
            span.set_status(trace.StatusCode.ERROR)
        span.end(end_time=now)

    def close(self) -> None:
        """Send what has not been sent."""
        if self._provider is not None:
            self._provider.force_flush(_PATIENCE_MS)
            self._provider.shutdown()


def _parent(traceparent: str | None) -> Any:
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent} if traceparent else {}, context=Context())
