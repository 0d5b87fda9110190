"""Repeated reads of one analysis, on SQLite and PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from crew.domain.analysis import AnalysisRequest, Origin
from crew.errors import Gone, NotFound
from crew.jobs.client import JobClient
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from crew.store.tables import analyses

if TYPE_CHECKING:
    from conftest import Service


def test_a_repeated_read_is_what_the_database_has(service: "Service") -> None:
    """What is read on the driver equals what SQLAlchemy reads; an unchanged row gives the same value, any change by anybody a new one."""
    reader, writer = service.client, JobClient(service.settings)
    origin = Origin(key_id="key_1", labels={"desk": "emea"})
    made = writer.submit(AnalysisRequest(symbol="AAPL", max_cost_usd=0.5), tenant="t", request_id="r", origin=origin).analysis
    engine = make_engine(service.settings)
    store = AnalysisStore(engine)

    first = reader.get(made.id, tenant="t")
    assert first == made == store.get(made.id)
    assert first.created_at.tzinfo is not None
    assert reader.get(made.id, tenant="t") is first
    assert [event.type for event in reader.events(made.id, tenant="t")] == ["analysis.queued"]

    store.begin(made.id, total_tasks=4)
    assert reader.get(made.id, tenant="t") == store.get(made.id) != first
    assert reader.status(made.id, tenant="t") == "running"
    with engine.begin() as connection:
        connection.execute(sa.update(analyses).values(current_step="research"))
    assert reader.get(made.id, tenant="t").progress.current_step == "research"
    for read in (reader.get, reader.status):
        with pytest.raises(NotFound):
            read(made.id, tenant="another")

    store.finish(made.id, "canceled")
    writer.delete(made.id, tenant="t")
    for read in (reader.get, reader.status):
        with pytest.raises(Gone):
            read(made.id, tenant="t")
    writer.close()
    engine.dispose()


def test_threads_that_submit_at_once_all_get_through(service: "Service") -> None:
    """Distinct requests of many threads at the same moment are all stored, each with its first event and its job."""
    together = threading.Barrier(12)

    def submit(number: int) -> str:
        together.wait(20)
        return service.client.submit(AnalysisRequest(symbol=f"X{number}")).analysis.id

    with ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(submit, range(12)))

    assert len(set(ids)) == 12
    assert all([event.seq for event in service.client.events(id)] == [1] for id in ids)
