"""What an analysis leaves in logs, metrics and traces, from the request through the queue to each step."""

import gzip
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from crew.domain.analysis import AnalysisRequest, Origin
from crew.domain.run import ModelCall
from crew.loopback import free_port
from crew.settings import Settings
from crew.telemetry import Tracing, configured_tracing, set_traceparent

if TYPE_CHECKING:
    from conftest import Service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Collector:
    """An OTLP collector on loopback that keeps the spans it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                sent = ExportTraceServiceRequest.FromString(body)
                collector.spans += [span for resource in sent.resource_spans for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def logged(service: "Service", number: int = 0) -> list[dict[str, object]]:
    """The JSON lines of a worker."""
    return [json.loads(line) for line in service.output(number).read_text().splitlines() if line.startswith("{")]


@pytest.mark.timeout(240)
def test_one_analysis_in_logs_metrics_and_traces(sqlite_service: "Service", collector: Collector) -> None:
    """Worker lines carry request, owner and analysis; the trace reaches from the request to the steps; the metrics count it."""
    service, port = sqlite_service, free_port()
    set_traceparent(PARENT)
    made = service.client.submit(AnalysisRequest(symbol="AAPL"), tenant="acme", request_id="req-1", origin=Origin(key_id="key_1")).analysis
    set_traceparent(None)
    worker = service.start_real_worker(
        STOCKCREW_LOG_LEVEL="INFO", STOCKCREW_OTEL_ENDPOINT=collector.url, STOCKCREW_WORKER_METRICS_PORT=str(port), STOCKCREW_ENV="local"
    )
    service.wait_for(lambda: service.client.get(made.id, tenant="acme").is_terminal, seconds=90)

    def metrics_now() -> str:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text

    # Counted once the end is in the database, so that it may be read a moment too early.
    service.wait_for(lambda: 'stockcrew_analyses_ended_total{status="succeeded"} 1.0' in metrics_now())
    metrics = metrics_now()
    worker.terminate()
    worker.wait(timeout=40)

    about = [line for line in logged(service) if line.get("event") in {"analysis_begun", "analysis_ended"}]
    assert [line["event"] for line in about] == ["analysis_begun", "analysis_ended"]
    for line in about:
        assert (line["analysis_id"], line["request_id"], line["tenant"], line["key_id"]) == (made.id, "req-1", "acme", "key_1")
    spans = {span.name: span for span in collector.spans}
    assert worker.returncode == 0, service.output(0).read_text()[-2000:]
    assert {"queue", "step plan", "step collect", "step compute", "step compose"} <= set(spans)
    assert any(name.startswith("chat ") for name in spans)
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    steps = {span.span_id: span.name for span in collector.spans if span.name.startswith("step ")}
    for span in collector.spans:
        parent = steps.get(span.parent_span_id) if span.name.startswith("chat ") else span.parent_span_id.hex()
        assert parent if span.name.startswith("chat ") else parent in {"00f067aa0ba902b7", spans["step plan"].span_id.hex()}, span.name
    assert re.search(r'stockcrew_model_calls_total{.*outcome="ok"} [1-9]', metrics)
    assert re.search(r"^stockcrew_withheld_sentences_total \d", metrics, re.MULTILINE)


def test_a_failed_step_names_the_analysis_and_its_request(sqlite_service: "Service") -> None:
    """The line about a failure says whose it is, so that one search finds it from the answer's request id."""
    made = sqlite_service.client.submit(AnalysisRequest(symbol="AAPL"), request_id="req-9").analysis
    sqlite_service.start_worker(failing="research")
    sqlite_service.finished(made.id)

    lines = [line for line in logged(sqlite_service) if str(line.get("event", "")).startswith("step_")]
    assert lines
    assert {(line["analysis_id"], line["request_id"]) for line in lines} == {(made.id, "req-9")}


def test_a_model_call_is_a_span_with_its_numbers() -> None:
    """Its attributes are those of the GenAI conventions, and it took as long as the call."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    provider, kept = sdk.TracerProvider(), memory.InMemorySpanExporter()
    provider.add_span_processor(export.SimpleSpanProcessor(kept))
    call = ModelCall(
        task="t", agent="analyst", model="openai/gpt-5-mini", prompt_tokens=7, completion_tokens=3, milliseconds=250, cost_usd=0.5, outcome="error"
    )
    tracing = Tracing(provider)
    with tracing.span("step t", PARENT, {}):
        tracing.model_called(call, PARENT)

    chat, step = kept.get_finished_spans()
    assert (chat.parent.span_id, format(chat.context.trace_id, "032x")) == (step.context.span_id, TRACE)
    assert (chat.attributes["gen_ai.usage.input_tokens"], chat.attributes["gen_ai.usage.output_tokens"]) == (7, 3)
    assert (chat.attributes["stockcrew.cost_usd"], chat.status.status_code.name) == (0.5, "ERROR")
    assert chat.end_time - chat.start_time == 250_000_000


BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opentelemetry":
            raise ImportError(name)
sys.meta_path.insert(0, Missing())
from pathlib import Path
from crew.errors import ConfigurationError
from crew.settings import Settings
from crew.telemetry import configured_tracing
from api.app import create_app
from crew.store.engine import make_engine
from crew.store.migrate import upgrade
settings = Settings(data_dir=Path(sys.argv[1]))
upgrade(make_engine(settings))
print(create_app(settings).test_client().get("/livez", headers={"traceparent": sys.argv[2]}).headers["traceparent"])
try:
    configured_tracing(settings.model_copy(update={"otel_endpoint": "http://127.0.0.1:1"}), service="x")
except ConfigurationError as error:
    print(error.message)
"""


def test_without_the_extra_nothing_breaks(tmp_path: Path) -> None:
    """The API runs and passes traces on; only who asks for an export is told what to install."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", BLOCKED, str(tmp_path), PARENT], capture_output=True, text=True, check=True, cwd=root)
    passed_on, message = done.stdout.splitlines()[-2:]

    assert passed_on.split("-")[1] == TRACE
    assert "stockcrew[otel]" in message


def test_no_endpoint_loads_nothing(tmp_path: Path) -> None:
    """By default there is no tracing."""
    check: Callable[[], bool] = lambda: configured_tracing(Settings(data_dir=tmp_path), service="x").is_on  # noqa: E731 - one look

    assert not check()
