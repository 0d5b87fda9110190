"""The real crew on a loopback model provider, its worker killed while a model call is in flight."""

import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import subject_of, write

from crew.domain.analysis import AnalysisRequest
from crew.settings import inherited_environment

if TYPE_CHECKING:
    from conftest import Service

SUBJECTS = {"fundamentals", "research", "technicals", "report"}


class Holding:
    """The obedient writer, except that the first request on `subject` waits until `go_on` is set."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self.held, self.go_on = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def __call__(self, request: ModelRequest) -> Reply:
        with self._lock:
            first = subject_of(request.text) == self._subject and not self.held.is_set()
            if first:
                self.held.set()
        if first:
            self.go_on.wait(60)
        return write(request)


def _start(service: "Service", provider: ModelProvider) -> "subprocess.Popen[str]":
    variables = {"OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": "sk-test", "STOCKCREW_MODEL": "openai/gpt-4o-mini"}
    environment = inherited_environment(**(service.variables | variables))
    with service.output(len(service.workers)).open("w") as sink:
        worker = subprocess.Popen([sys.executable, "-m", "crew.cli", "worker"], env=environment, stdout=sink, stderr=sink, text=True)
    service.workers.append(worker)
    return worker


@pytest.mark.parametrize(("cut", "before"), [("fundamentals", {"research", "technicals"}), ("report", {"research", "fundamentals", "technicals"})])
def test_no_finished_task_is_paid_again_after_kill_9(sqlite_service: "Service", cut: str, before: set[str]) -> None:
    """A worker killed during a model call costs that one call: the provider counts no other one again, and the receipt shows it."""
    service = sqlite_service
    script = Holding(cut)
    with ModelProvider(script) as provider:

        def paid() -> Counter[str]:
            return Counter(subject_of(request.text) for request in list(provider.requests))

        id = service.client.submit(AnalysisRequest(symbol="AAPL")).analysis.id
        first = _start(service, provider)
        service.wait_for(script.held.is_set, seconds=60)
        service.await_end_of(*before)
        first.kill()
        first.wait()
        script.go_on.set()
        at_the_kill = paid()
        _start(service, provider)
        assert service.finished(id, seconds=60).status == "succeeded"
        in_all = paid()

    assert set(in_all) == SUBJECTS
    assert {task: in_all[task] for task in before} == {task: at_the_kill[task] for task in before}
    receipt = service.client.report(id).provenance.model_calls
    assert next(call.outcome for call in receipt if call.task == cut) == "interrupted"
    assert Counter(call.task for call in receipt) == in_all
