"""The query by which KEDA scales the workers, asked of a database that `stockcrew migrate` made."""

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

from crew.domain.analysis import AnalysisRequest, Failure
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine

if TYPE_CHECKING:
    from conftest import Service

SCALED = Path(__file__).resolve().parents[3] / "deploy/k8s/components/keda/scaledobject.yaml"
SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM")


@pytest.mark.postgres
def test_keda_counts_what_waits_and_runs(postgres_service: "Service") -> None:
    """Three wait and two run, one each has succeeded, failed and been canceled: five. An empty database: zero, and not nothing."""
    documents = yaml.safe_load_all(SCALED.read_text())
    (trigger,) = next(document for document in documents if document["kind"] == "ScaledObject")["spec"]["triggers"]

    def depth() -> object:
        with psycopg.connect(postgres_service.settings.database_url) as connection:
            (row,) = connection.execute(trigger["metadata"]["query"]).fetchall()
        (value,) = row
        return value

    assert depth() == 0
    client, store = postgres_service.client, AnalysisStore(make_engine(postgres_service.settings))
    ids = [client.submit(AnalysisRequest(symbol=symbol)).analysis.id for symbol in SYMBOLS]
    assert depth() == 8
    for id in ids[:4]:
        store.begin(id, total_tasks=4)
    store.finish(ids[0], "succeeded", report_status="complete")
    store.finish(ids[1], "failed", failure=Failure(code="stale_data", message="there is no price that old", retryable=False))
    client.cancel(ids[4])

    assert sorted(client.get(id).status for id in ids) == ["canceled", "failed", "queued", "queued", "queued", "running", "running", "succeeded"]
    assert depth() == 5
    assert float(trigger["metadata"]["targetQueryValue"]) > 0
