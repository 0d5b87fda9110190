"""A stream that outlives its server: the real gunicorn is stopped and killed while events go on, and the client misses and repeats nothing."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests
from fakes.waiting import until

from crew.domain.analysis import AnalysisRequest
from crew.jobs.client import JobClient
from crew.jobs.migrate import migrate
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine

STRETCHES, EVENTS = 3, 50


class Reader:
    """Follows a stream as a browser's EventSource does: reconnects with the last id until it is told to stop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[tuple[str, str, int]] = []
        self.streams: list[int] = []
        self.refused: list[str] = []
        self.was_told_to_stop = False
        self.last_id = ""
        self.thread = threading.Thread(target=self.follow, daemon=True)

    def follow(self) -> None:
        gives_up_at = time.monotonic() + 400
        while time.monotonic() < gives_up_at and not self.was_told_to_stop:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last_id} if self.last_id else {})
            try:
                with requests.get(self.url, headers=headers, stream=True, timeout=(2, 20)) as response:
                    if response.status_code == 204:
                        self.was_told_to_stop = True
                    elif response.status_code == 503:
                        self.refused.append(response.json()["code"])
                    else:
                        self.streams.append(response.status_code)
                        self.read(response)
            except requests.RequestException:
                time.sleep(0.05)

    def read(self, response: requests.Response) -> None:
        fields: dict[str, str] = {}
        for line in response.iter_lines(chunk_size=1, decode_unicode=True):
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "data" in fields:
                self.last_id = fields["id"]
                self.seen.append((fields["id"], fields["event"], json.loads(fields["data"])["seq"]))
            if not line:
                fields = {}


def kill(pid: int) -> None:
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)


@pytest.mark.timeout(600)
def test_a_stream_goes_on_over_a_stopped_and_a_killed_server(start_server: Callable[..., object], tmp_path: Path) -> None:
    """Every event arrives once and in order, then done, then 204, though the server was stopped once and killed once on the way."""
    settings = Settings(data_dir=tmp_path / "data")
    migrate(settings)
    jobs, store = JobClient(settings), AnalysisStore(make_engine(settings))
    id = jobs.submit(AnalysisRequest(symbol="AAPL")).analysis.id
    store.begin(id, total_tasks=4)
    served = start_server("api.server")
    port = served.url.rsplit(":", 1)[1]
    reader = Reader(f"{served.url}/v1/analyses/{id}/events")
    reader.thread.start()
    may_go_on = [threading.Event() for _ in range(STRETCHES)]

    def work() -> None:
        """A stretch of events while each server is up, the last of them when it has gone, and the end."""
        for stretch, begins in enumerate(may_go_on):
            assert begins.wait(200)
            for number in range(EVENTS):
                store.log(id, "step.finished", {"step": f"s{stretch}-{number}"})
                time.sleep(0.02)
        store.finish(id, "succeeded", report_status="complete")

    def follow(stretch: int) -> None:
        before = len(reader.seen)
        may_go_on[stretch].set()
        until(lambda: len(reader.seen) > before + 20, within_s=60)

    worker = threading.Thread(target=work)
    worker.start()
    follow(0)
    served.process.terminate()
    assert served.process.wait(timeout=15) == 0
    served = start_server("api.server", PORT=port)
    follow(1)
    kill(served.process.pid)
    served.process.wait(timeout=15)
    start_server("api.server", PORT=port)
    follow(2)
    worker.join(timeout=60)
    reader.thread.join(timeout=60)
    jobs.close()

    logged = [seq for _, kind, seq in reader.seen if kind not in {"snapshot", "done"}]
    assert logged == list(range(1, STRETCHES * EVENTS + 4))
    assert all(last_id == str(seq) for last_id, _, seq in reader.seen)
    # The reader may find the stopping server once more, or more often on a busy machine: each such stream tells what there is and ends. When
    # it was slow to ask as well, it was told that the server stops.
    assert len(reader.streams) >= STRETCHES
    assert set(reader.streams) == {200}
    assert set(reader.refused) <= {"shutting_down"}
    assert [kind for _, kind, _ in reader.seen].count("snapshot") == len(reader.streams)
    assert reader.seen[-1][1] == "done"
    assert reader.was_told_to_stop
