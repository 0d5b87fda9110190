"""What is counted in rows and is not a key's: the queue and what one tenant may keep, exact whatever races, on SQLite and PostgreSQL."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from fakes.documents import document
from fakes.manual_time import ManualTime
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.domain.analysis import AnalysisRequest
from crew.domain.batch import Wanted
from crew.domain.document import DocumentText
from crew.errors import Overloaded, QuotaExceeded, ResourceInUse
from crew.jobs.client import JobClient
from crew.jobs.timetable import Timetable
from crew.settings import Settings
from crew.store import schedules, watchlists, webhooks
from crew.store.analyses import AnalysisStore
from crew.store.documents import DocumentStore
from crew.store.engine import make_engine
from crew.store.keys import KeyLimits, KeyStore
from crew.store.runs import RunStore
from crew.store.schedule_tables import schedules as schedule_table
from crew.store.schedule_tables import watchlists as watchlist_table
from crew.store.sealing import Seal
from crew.store.webhook_tables import webhook_endpoints

ROOM, THREADS, EACH = 9, 8, 8
NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


def crowd(settings: Settings, label: str) -> list[str]:
    """Many threads submit distinct requests, every fourth time as a batch of two; the outcome of each."""
    client = JobClient(settings, patience_s=60)

    def submit(number: int) -> list[str]:
        requests = [AnalysisRequest(symbol=f"{label}{number}{part}") for part in "AB"]
        try:
            if number % 4 == 0:
                batch = client.batches.create([Wanted(request=one) for one in requests], tenant="acme", on_error="continue")
                return [item.outcome for item in batch.items]
            return [client.submit(requests[0], tenant="acme").outcome]
        except Overloaded as error:
            return [error.code]

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = [outcome for found in pool.map(submit, range(EACH)) for outcome in found]
    client.close()
    return outcomes


def crowd_apart(settings: Settings, label: str, results: "multiprocessing.Queue[list[str]]") -> None:
    """The same in a process of its own."""
    results.put(crowd(settings, label))


@pytest.mark.timeout(180)
def test_exactly_as_many_wait_as_there_is_room_for(settings: Settings) -> None:
    """Two processes with eight threads each race for the queue, batches among them: it is never fuller than allowed, and all that fits is taken."""
    limited = settings.model_copy(update={"max_queued": ROOM})
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[str]] = context.Queue()
    processes = [context.Process(target=crowd_apart, args=(limited, label, results)) for label in ("P", "Q")]
    for process in processes:
        process.start()
    outcomes = results.get(timeout=120) + results.get(timeout=120)
    for process in processes:
        process.join(timeout=30)

    client = JobClient(settings)
    stored = client.list(tenant="acme", limit=100)
    client.close()
    assert (outcomes.count("created"), set(outcomes)) == (len(stored), {"created", "overloaded"})
    # The last place may stay free: a batch of two does not fit into it, and nobody else may have asked afterwards.
    assert len(stored) in {ROOM - 1, ROOM}


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings.model_copy(update={"max_queued": 2}))
    yield made
    of(made).jobs.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_a_full_queue_is_503_at_every_door(app: Flask, client: FlaskClient, settings: Settings) -> None:
    """Posts, retries, batches and AMP's kickoff say so and when to come back, keep nothing, and are accepted once a worker has begun one."""
    _, text = of(app).keys.issue("production", tenant="acme", name="k", scopes=["admin"])
    headers = {"Authorization": f"Bearer {text}"}
    first, _ = [client.post("/v1/analyses", json={"symbol": symbol}, headers=headers).get_json()["id"] for symbol in ("AAPL", "MSFT")]
    store = AnalysisStore(make_engine(settings))
    joined = client.post("/v1/analyses", json={"symbol": "MSFT"}, headers=headers)
    refused = [
        client.post("/v1/analyses", json={"symbol": "NVDA"}, headers={**headers, "Idempotency-Key": "k"}),
        client.post("/v1/batches", json={"items": [{"symbol": "NVDA"}]}, headers=headers),
    ]
    kicked = client.post("/kickoff", json={"inputs": {"symbol": "NVDA"}}, headers=headers)
    store.begin(first, total_tasks=4)
    again = client.post("/v1/analyses", json={"symbol": "NVDA"}, headers={**headers, "Idempotency-Key": "k"})
    store.finish(first, "failed")
    retried = client.post(f"/v1/analyses/{first}/retry", headers=headers)

    assert (joined.status_code, again.status_code) == (202, 202)
    for answer in (*refused, retried):
        assert (answer.status_code, answer.get_json()["code"], answer.get_json()["retryable"]) == (503, "overloaded", True)
        assert int(answer.headers["Retry-After"]) > 0
    assert (kicked.status_code, set(kicked.get_json())) == (503, {"error", "message"})
    assert kicked.headers["Retry-After"]
    assert len(client.get("/v1/analyses", headers=headers).get_json()["data"]) == 3


def test_a_schedule_waits_for_room(settings: Settings) -> None:
    """What the queue has no room for stays planned, and is submitted by the next round that finds some."""
    limited = settings.model_copy(update={"max_queued": 1})
    engine, time = make_engine(settings), ManualTime(NOW)
    run_id = due_run(engine, time, created_by=None)
    table, runs, store = Timetable(engine, limited, "w", clock=time.now), RunStore(engine, clock=time.now), AnalysisStore(engine, clock=time.now)
    with pytest.raises(Overloaded):
        table.round()
    waiting = [item.outcome for item in runs.get(run_id, tenant="acme").items]
    for analysis_id in runs.running_of(runs.get(run_id, tenant="acme").schedule_id):
        store.begin(analysis_id, total_tasks=4)
    table.round()
    done = [item.outcome for item in runs.get(run_id, tenant="acme").items]
    table.stop()

    assert (waiting, done) == (["created", "planned"], ["created", "created"])


def test_a_schedule_is_under_the_limits_of_its_key(settings: Settings) -> None:
    """What a schedule starts counts for the key that made it, and what goes beyond its limit is refused with the reason."""
    engine, time = make_engine(settings), ManualTime(NOW)
    key, _ = KeyStore(engine).issue("production", tenant="acme", name="k", scopes=["admin"], limits=KeyLimits(concurrent_analyses=1))
    run_id = due_run(engine, time, created_by=key.id)
    table = Timetable(engine, settings, "w", clock=time.now)
    table.round()
    table.stop()
    items = RunStore(engine, clock=time.now).get(run_id, tenant="acme").items

    assert [item.outcome for item in items] == ["created", "failed"]
    assert "1 analyses queued or running" in (items[1].problem or "")


def due_run(engine: sa.Engine, time: ManualTime, *, created_by: str | None) -> str:
    """A run of two symbols that a timetable finds."""
    watchlist = watchlists.WatchlistStore(engine, clock=time.now).create(tenant="acme", name="w", symbols=["AAPL", "MSFT"])
    store = schedules.ScheduleStore(engine, clock=time.now)
    asked = {"cron": "0 6 * * *", "timezone": "UTC", "overlap": "skip", "paused": True, "language": "en", "model": None}
    made = store.create(tenant="acme", watchlist_id=watchlist.id, created_by=created_by, **asked)  # type: ignore[arg-type]
    return store.run_now(made.id, tenant="acme")


def another(number: int) -> DocumentText:
    """A document of the tenant's with an id of its own."""
    made = document("Net sales rose.")
    id = f"do_{''.join(chr(97 + int(digit)) for digit in f'{number:026d}')}"
    return made.model_copy(update={"document": made.document.model_copy(update={"id": id, "tenant": "acme"})})


def makers(engine: sa.Engine) -> dict[str, tuple[sa.Table, int, Callable[[int], object]]]:
    """What one tenant may keep a number of: its table, how many it may, and how one is made."""
    lists, hooks = watchlists.WatchlistStore(engine), webhooks.EndpointStore(engine, Seal(lambda: b"x" * 32))
    plans, papers = schedules.ScheduleStore(engine), DocumentStore(engine)
    watchlist = lists.create(tenant="other", name="w", symbols=["AAPL"]).id
    with engine.begin() as connection:
        connection.execute(sa.update(watchlist_table).values(tenant="acme"))
    asked = {"watchlist_id": watchlist, "cron": "0 6 * * *", "timezone": "UTC", "overlap": "skip", "paused": True, "language": "en", "model": None}
    return {
        "watchlists": (watchlist_table, watchlists.MOST_PER_TENANT, lambda _: lists.create(tenant="acme", name="w", symbols=["AAPL"])),
        "endpoints": (
            webhook_endpoints,
            webhooks.MOST_PER_TENANT,
            lambda _: hooks.create(tenant="acme", url="https://example.com/", description="", event_types=["analysis.succeeded"]),
        ),
        "schedules": (schedule_table, schedules.MOST_PER_TENANT, lambda _: plans.create(tenant="acme", created_by=None, **asked)),  # type: ignore[arg-type]
        "documents": (sa.table("documents"), 5, lambda number: papers.add(another(number), most=5)),
    }


@pytest.mark.parametrize("kind", ["watchlists", "endpoints", "schedules", "documents"])
def test_nobody_keeps_more_than_allowed(settings: Settings, kind: str) -> None:
    """Of eight that are made at once when there is room for two, two are kept."""
    engine = make_engine(settings, pool_size=THREADS)
    table, most, make = makers(engine)[kind]
    with engine.connect() as connection:
        there = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    if kind in {"watchlists", "schedules"}:
        make(0)
        with engine.begin() as connection:
            row = connection.execute(sa.select(table).order_by(table.c.created_at.desc())).mappings().first()
            connection.execute(sa.insert(table), [{**row, "id": f"xx_{number}"} for number in range(most - there - 3)])
    else:
        for number in range(most - there - 2):
            make(number)

    def try_one(number: int) -> bool:
        try:
            make(100 + number)
        except (ResourceInUse, QuotaExceeded):
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(try_one, range(THREADS)))
    with engine.connect() as connection:
        kept = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    engine.dispose()

    assert (made.count(True), kept) == (2, most)
