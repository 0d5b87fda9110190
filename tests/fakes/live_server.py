"""Runs the real server over real jobs on an SQLite file: `python -m fakes.live_server`, with a finished, a failed and a running analysis in it."""

import sys

from fakes.reports import small_report

from api.server import serve
from crew.domain.analysis import AnalysisRequest, Failure
from crew.domain.batch import Refusal, Wanted
from crew.domain.run import ModelCall
from crew.jobs.batches import BatchClient
from crew.jobs.client import JobClient
from crew.jobs.migrate import migrate
from crew.settings import Settings, load_settings
from crew.store.analyses import AnalysisStore, utc_now
from crew.store.batches import BatchStore
from crew.store.engine import make_engine

RUNNING = "an_" + "a" * 26
FINISHED = "an_aghk4lnbpj7rhfabk5gvk43pku"  # the id that the OpenAPI document gives as an example
BATCH = "ba_aghk4lnbpj7rhfabk5gvk43pku"
FAILED = "an_" + "b" * 26


def prepare(settings: Settings) -> None:
    """Migrate, and seed what no worker is there to make."""
    migrate(settings)
    engine = make_engine(settings)
    store = AnalysisStore(engine)
    for id, symbol in ((RUNNING, "AAPL"), (FINISHED, "MSFT"), (FAILED, "NVDA")):
        with store.transaction() as connection:
            store.insert(connection, id, AnalysisRequest(symbol=symbol), tenant="local", total_tasks=4, request_id=None)
        store.begin(id, total_tasks=4)
        call = ModelCall(task="report", agent="reporter", model="rules", prompt_tokens=10, completion_tokens=5, milliseconds=2, cost_usd=0.0)
        store.log(id, "model.called", call.model_dump(mode="json"))
    report = small_report(FINISHED, "MSFT")
    store.end_step(FINISHED, "compose", {}, left=("report", report.model_dump_json()), is_task=False)
    store.finish(FINISHED, "succeeded", report_status=report.status)
    store.finish(FAILED, "failed", failure=Failure(code="stale_data", message="there is no price that old", retryable=False))
    engine.dispose()
    client = JobClient(settings)
    wanted = [Wanted(request=AnalysisRequest(symbol="JPM")), Wanted(request=None, refusal=Refusal(code="invalid_request", message="no ticker"))]
    BatchClient(client, BatchStore(clock=utc_now), ids=lambda: BATCH).create(wanted, tenant="local", on_error="continue")
    client.close()


if __name__ == "__main__":
    sys.exit(serve(load_settings(), prepare=prepare))
