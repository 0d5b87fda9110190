"""Batches, retries, deletions and the counting of use, on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from crew.domain.analysis import AnalysisRequest, Failure, Origin
from crew.domain.batch import Refusal, Wanted
from crew.domain.run import ModelCall
from crew.errors import AnalysisActive, Gone, NotFound, StoreUnavailable
from crew.jobs.client import JobClient
from crew.store.analyses import AnalysisStore
from crew.store.batches import BatchStore
from crew.store.engine import make_engine
from crew.store.tables import analyses, artifacts, batches, events
from crew.store.usage import UsageStore

if TYPE_CHECKING:
    from conftest import Service

AAPL = AnalysisRequest(symbol="AAPL")
FAILURE = Failure(code="stale_data", message="there is no price that old", retryable=False)


def wanted(*symbols: str) -> list[Wanted]:
    return [Wanted(request=AnalysisRequest(symbol=symbol)) for symbol in symbols]


@pytest.fixture
def store(service: "Service") -> AnalysisStore:
    return AnalysisStore(make_engine(service.settings))


def test_a_batch_tells_the_outcome_of_each_item(service: "Service") -> None:
    """New, joined, repeated and refused items each stand in their place, and the list shows the batch's analyses."""
    before = service.client.submit(AAPL).analysis.id
    refused = Wanted(request=None, refusal=Refusal(code="invalid_request", message="no ticker"))
    batch = service.client.batches.create([*wanted("MSFT", "AAPL", "MSFT"), refused], tenant="local", on_error="continue")

    assert [item.outcome for item in batch.items] == ["created", "joined", "joined", "refused"]
    assert batch.items[1].analysis_id == before
    assert batch.items[2].analysis_id == batch.items[0].analysis_id
    assert (batch.items[3].analysis_id, batch.items[3].refusal) == (None, refused.refusal)
    assert {item.id for item in service.client.list(batch_id=batch.id)} == {before, batch.items[0].analysis_id}
    assert service.client.get(str(batch.items[0].analysis_id)).origin.batch_id == batch.id
    with pytest.raises(NotFound):
        service.client.batches.get(batch.id, tenant="other")


def test_a_batch_that_stops_skips_what_follows_a_refusal(service: "Service") -> None:
    """With `stop` nothing behind the first refused item is begun."""
    refused = Wanted(request=None, refusal=Refusal(code="invalid_request", message="no ticker"))
    batch = service.client.batches.create([*wanted("MSFT"), refused, *wanted("AAPL", "NVDA")], tenant="local", on_error="stop")

    assert [item.outcome for item in batch.items] == ["created", "refused", "skipped", "skipped"]
    assert len(service.client.list()) == 1


def test_a_failure_stops_the_rest_of_a_batch_that_wants_it(service: "Service", store: AnalysisStore) -> None:
    """What waits is canceled and what runs is asked to stop, in the transaction of the failure; other batches go on."""
    other = service.client.batches.create(wanted("JPM"), tenant="local", on_error="continue")
    batch = service.client.batches.create(wanted("MSFT", "AAPL", "NVDA", "JPM"), tenant="local", on_error="stop")
    first, second, third, joined = (str(item.analysis_id) for item in batch.items)
    for id in (first, second):
        store.begin(id, total_tasks=4)
    store.finish(first, "failed", failure=FAILURE)

    now = {item.analysis_id: item.status for item in service.client.batches.get(batch.id, tenant="local").items}
    assert now == {first: "failed", second: "running", third: "canceled", joined: "queued"}
    assert service.client.get(second).cancel_requested_at is not None
    assert [event.type for event in service.client.events(third)] == ["analysis.queued", "analysis.canceled"]
    assert service.client.batches.get(other.id, tenant="local").items[0].status == "queued"


def test_a_failure_in_a_batch_that_continues_touches_nothing(service: "Service", store: AnalysisStore) -> None:
    """With `continue` the others go on."""
    batch = service.client.batches.create(wanted("MSFT", "AAPL"), tenant="local", on_error="continue")
    first, second = (str(item.analysis_id) for item in batch.items)
    store.begin(first, total_tasks=4)
    store.finish(first, "failed", failure=FAILURE)

    assert service.client.get(second).status == "queued"


def test_canceling_a_batch_cancels_what_was_made_for_it(service: "Service") -> None:
    """Analyses that it joined go on; canceling again changes nothing."""
    joined = service.client.submit(AAPL).analysis.id
    batch = service.client.batches.create(wanted("MSFT", "AAPL", "NVDA"), tenant="local", on_error="continue")
    canceled = service.client.batches.cancel(batch.id, tenant="local")
    again = service.client.batches.cancel(batch.id, tenant="local")

    assert [item.status for item in canceled.items] == ["canceled", "queued", "canceled"]
    assert again.cancel_requested_at == canceled.cancel_requested_at is not None
    assert not canceled.is_finished
    service.client.cancel(joined)
    assert service.client.batches.get(batch.id, tenant="local").is_finished


def test_a_batch_is_stored_whole_or_not_at_all(service: "Service") -> None:
    """When the database fails in the middle nothing of the batch is left, neither rows nor jobs."""
    numbers = iter(range(10))

    def ids() -> str:
        number = next(numbers)
        if number == 3:
            raise StoreUnavailable("the database went away")
        return f"an_{number:026d}"

    client = JobClient(service.settings, ids=ids)
    with pytest.raises(StoreUnavailable):
        client.batches.create(wanted("MSFT", "AAPL", "NVDA", "JPM"), tenant="local", on_error="continue")
    client.close()

    engine = make_engine(service.settings)
    with engine.connect() as connection:
        counts = [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (analyses, events, batches)]
        prefix = "" if engine.dialect.name == "sqlite" else "dbos."
        jobs = connection.execute(sa.text(f"SELECT count(*) FROM {prefix}workflow_status WHERE name = 'analyse'")).scalar_one()
    engine.dispose()
    assert (counts, jobs) == ([0, 0, 0], 0)


def test_batches_made_at_once_join_each_other(service: "Service") -> None:
    """Four batches of the same symbols in different orders at the same time give one analysis of each, and none fails."""
    symbols = [f"S{number}" for number in range(12)]
    orders = [symbols, symbols[::-1], symbols[6:] + symbols[:6], symbols[3:] + symbols[:3]]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda order: service.client.batches.create(wanted(*order), tenant="local", on_error="continue"), orders))

    assert {item.outcome for batch in made for item in batch.items} == {"created", "joined"}
    assert len({item.analysis_id for batch in made for item in batch.items}) == len(symbols) == len(service.client.list(limit=100))


def test_a_deleted_analysis_leaves_nothing_but_a_trace(service: "Service", store: AnalysisStore) -> None:
    """Row, events, artifacts and the engine's job are gone; its address says so to its tenant only, and the batch still tells of it."""
    batch = service.client.batches.create(wanted("MSFT"), tenant="local", on_error="continue")
    id = str(batch.items[0].analysis_id)
    with pytest.raises(AnalysisActive):
        service.client.delete(id)
    store.begin(id, total_tasks=4)
    store.end_step(id, "compose", {}, left=("report", "{}"), is_task=False)
    store.finish(id, "succeeded", report_status="complete")
    service.client.delete(id)

    engine = make_engine(service.settings)
    with engine.connect() as connection:
        for table in (events, artifacts):
            assert connection.execute(sa.select(sa.func.count()).select_from(table).where(table.c.analysis_id == id)).scalar_one() == 0
        prefix = "" if engine.dialect.name == "sqlite" else "dbos."
        assert connection.execute(sa.text(f"SELECT count(*) FROM {prefix}workflow_status WHERE workflow_uuid = :id"), {"id": id}).scalar_one() == 0
    engine.dispose()
    with pytest.raises(Gone):
        service.client.get(id)
    with pytest.raises(NotFound):
        service.client.get(id, tenant="other")
    item = service.client.batches.get(batch.id, tenant="local").items[0]
    assert (item.analysis_id, item.status) == (id, None)
    assert service.client.submit(AnalysisRequest(symbol="MSFT")).outcome == "created"


def test_traces_and_batches_are_forgotten_in_the_end(service: "Service", store: AnalysisStore) -> None:
    """Retention removes traces of deleted analyses and batches without any; a batch with a live analysis stays."""
    empty = service.client.batches.create(wanted("MSFT"), tenant="local", on_error="continue")
    kept = service.client.batches.create(wanted("AAPL"), tenant="local", on_error="continue")
    id = str(empty.items[0].analysis_id)
    service.client.cancel(id)
    service.client.delete(id)
    later = datetime.now(UTC) + timedelta(seconds=5)
    with store.transaction() as connection:
        assert BatchStore(clock=lambda: later).delete_old(connection, later) == 1
    assert store.forget_deleted(later) == 1

    assert service.client.batches.get(kept.id, tenant="local").items
    for look in (lambda: service.client.batches.get(empty.id, tenant="local"), lambda: service.client.get(id)):
        with pytest.raises(NotFound):
            look()


def test_a_retry_joins_a_retry(service: "Service") -> None:
    """However many retry an ended analysis at once, one new analysis is made, and it names the first."""
    first = service.client.submit(AAPL, origin=Origin(labels={"desk": "emea"})).analysis.id
    with pytest.raises(AnalysisActive):
        service.client.retry(first)
    service.client.cancel(first)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: service.client.retry(first), range(16)))

    assert len({submission.analysis.id for submission in made}) == 1
    assert [submission.outcome for submission in made].count("created") == 1
    assert made[0].analysis.origin == Origin(retried_from=first, labels={"desk": "emea"})


def call(model: str, cost: float | None, outcome: str = "ok") -> dict[str, object]:
    made = ModelCall(
        task="report", agent="reporter", model=model, prompt_tokens=100, completion_tokens=10, cached_tokens=5, milliseconds=1, cost_usd=cost
    )
    return made.model_dump(mode="json") | {"outcome": outcome}


def test_use_is_counted_exactly_with_each_call(service: "Service") -> None:
    """Calls logged by many threads add up to the billionth of a dollar, by tenant, key, day and model, and outlive the analysis."""
    noon = datetime.now(UTC).replace(hour=12)
    client, store = JobClient(service.settings, clock=lambda: noon), AnalysisStore(make_engine(service.settings), clock=lambda: noon)
    mine = client.submit(AAPL, tenant="a", origin=Origin(key_id="key_1")).analysis.id
    theirs = client.submit(AAPL, tenant="b").analysis.id
    store.begin(mine, total_tasks=4)
    store.begin(theirs, total_tasks=4)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: store.log(mine, "model.called", call("m/one", 0.000000001)), range(40)))
    store.log(mine, "model.called", call("m/two", None, "error"))
    store.log(theirs, "model.called", call("m/one", 0.5))
    use = client.get(mine, tenant="a").usage
    store.finish(mine, "succeeded")
    client.delete(mine, tenant="a")
    client.close()

    assert (use.prompt_tokens, use.completion_tokens, use.cost_usd, use.unpriced_calls) == (4100, 410, 0.00000004, 1)
    today = noon.date()
    usage = UsageStore(make_engine(service.settings), clock=lambda: noon)
    one, two = usage.days(tenant="a", first=today - timedelta(days=1), last=today)
    assert (one.model, one.calls, one.failed_calls, one.prompt_tokens, one.cached_tokens, one.cost_usd) == ("m/one", 40, 0, 4000, 200, 0.00000004)
    assert (two.model, two.calls, two.failed_calls, two.unpriced_calls, two.cost_usd) == ("m/two", 1, 1, 1, 0.0)
    assert usage.days(tenant="a", first=date(2020, 1, 1), last=date(2020, 1, 2)) == []
    key = usage.of_key(tenant="a", key_id="key_1")
    assert (key.analyses_last_hour, key.concurrent_analyses, key.usd_today) == (1, 0, 0.00000004)
    assert usage.of_key(tenant="a", key_id="key_2").analyses_last_hour == 0
    everybody = usage.of_key(tenant="b", key_id=None)
    assert (everybody.analyses_last_hour, everybody.concurrent_analyses, everybody.usd_today) == (1, 1, 0.5)


def test_a_call_after_the_end_is_neither_logged_nor_counted(service: "Service", store: AnalysisStore) -> None:
    """What a step that lost its race still reports changes no sum."""
    id = service.client.submit(AAPL).analysis.id
    service.client.cancel(id)

    assert not store.log(id, "model.called", call("m/one", 1.0))
    assert service.client.get(id).usage.cost_usd == 0


def test_a_worker_carries_on_beside_deletions(sqlite_service: "Service") -> None:
    """Analyses canceled while they wait can be deleted at once; the worker that comes later finds nothing of them and does the rest."""
    service = sqlite_service
    gone = [service.client.submit(AnalysisRequest(symbol=symbol)).analysis.id for symbol in ("MSFT", "NVDA")]
    for id in gone:
        service.client.cancel(id)
        service.client.delete(id)
    kept = service.client.submit(AAPL).analysis.id
    worker = service.start_worker()

    assert service.finished(kept).status == "succeeded"
    assert [item.id for item in service.client.list()] == [kept]
    service.client.delete(kept)
    assert worker.poll() is None
    assert service.client.list() == []
