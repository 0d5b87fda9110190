"""Schedules as the worker keeps them, on SQLite and PostgreSQL, in time that the test moves."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fakes.manual_time import ManualTime

from crew.domain.analysis import AnalysisRequest
from crew.domain.schedules import Overlap, Schedule, ScheduleRun
from crew.jobs.client import JobClient
from crew.jobs.timetable import LEASE, Timetable
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine
from crew.store.runs import RunStore
from crew.store.schedule_tables import schedule_run_items
from crew.store.schedules import ScheduleStore
from crew.store.watchlists import WatchlistStore

TENANT = "acme"
NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


class World:
    """A database with schedules, in manual time. The test plays the worker that carries the analyses out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.time = ManualTime(NOW)
        self.engine = make_engine(settings, pool_size=10)
        self.analyses = AnalysisStore(self.engine, clock=self.time.now)
        self.watchlists = WatchlistStore(self.engine, clock=self.time.now)
        self.schedules = ScheduleStore(self.engine, clock=self.time.now)
        self.runs = RunStore(self.engine, clock=self.time.now)
        self.jobs = JobClient(settings, clock=self.time.now)
        self.timetables: list[Timetable] = []
        self.table = self.timetable("w1")

    def timetable(self, worker: str) -> Timetable:
        """The timetable of another worker."""
        made = Timetable(self.engine, self.settings, worker, clock=self.time.now)
        self.timetables.append(made)
        return made

    def schedule(self, overlap: Overlap = "skip", *, symbols: tuple[str, ...] = ("AAPL", "MSFT"), **more: Any) -> Schedule:
        """A schedule at every full hour."""
        watchlist = self.watchlists.create(tenant=TENANT, name="w", symbols=symbols)
        values = {"cron": "0 * * * *", "timezone": "UTC", "paused": False, "language": "en", "model": None, "created_by": None} | more
        return self.schedules.create(tenant=TENANT, watchlist_id=watchlist.id, overlap=overlap, **values)

    def tick(self, table: Timetable | None = None, **span: float) -> None:
        """Let time pass, and the timetable do all there is to do."""
        self.time.advance(**span)
        one = table or self.table
        for _ in range(20):
            if not one.round():
                one.round()
                return

    def all_runs(self, schedule: Schedule) -> list[ScheduleRun]:
        """The runs of a schedule, oldest first."""
        return sorted(self.runs.list(tenant=TENANT, schedule_id=schedule.id, limit=100), key=lambda run: (run.created_at, run.status != "skipped"))

    def begin_all(self) -> None:
        """Let every queued analysis begin."""
        for analysis in self.jobs.list(tenant=TENANT, limit=100, status="queued"):
            self.analyses.begin(analysis.id, total_tasks=4)

    def finish_all(self) -> None:
        """Let every analysis under way end as it was wished."""
        self.begin_all()
        for analysis in self.jobs.list(tenant=TENANT, limit=100, status="running"):
            self.analyses.finish(analysis.id, "canceled" if analysis.cancel_requested_at else "succeeded")

    def close(self) -> None:
        """Give back connections."""
        for table in self.timetables:
            table.stop()
        self.jobs.close()
        self.engine.dispose()


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    made = World(settings)
    yield made
    made.close()


def test_at_its_moment_each_symbol_becomes_an_analysis(world: World) -> None:
    """Nothing before, one analysis per symbol at the hour, in order, with the run recorded; the run ends with the last of them."""
    schedule = world.schedule(language="es", model="rules")
    world.tick(minutes=59)
    before = world.all_runs(schedule)
    world.tick(minutes=1)
    running = world.all_runs(schedule)[0]
    analyses = world.jobs.list(tenant=TENANT)
    world.finish_all()
    world.tick()
    ended = world.all_runs(schedule)[0]

    assert before == []
    assert (running.status, running.trigger, running.due_at) == ("running", "cron", NOW + timedelta(hours=1))
    assert [(item.symbol, item.outcome) for item in running.items] == [("AAPL", "created"), ("MSFT", "created")]
    assert {item.analysis_id for item in running.items} == {analysis.id for analysis in analyses}
    assert {(analysis.request.language, analysis.request.model) for analysis in analyses} == {("es", "rules")}
    assert (ended.status, ended.finished_at) == ("finished", world.time.now())
    assert world.schedules.get(schedule.id, tenant=TENANT).next_run_at == NOW + timedelta(hours=2)


def test_each_run_is_a_new_analysis(world: World) -> None:
    """A scheduled run never answers with the report of the run before, however fresh."""
    schedule = world.schedule(symbols=("AAPL",), cron="*/10 * * * *")
    for _ in range(3):
        world.tick(minutes=10)
        world.finish_all()
    world.tick()

    assert [[item.outcome for item in run.items] for run in world.all_runs(schedule)] == [["created"]] * 3
    assert len(world.jobs.list(tenant=TENANT)) == 3


def test_what_is_under_way_already_is_joined(world: World) -> None:
    """A symbol that somebody is having analysed joins that analysis, as behind every other door."""
    mine = world.jobs.submit(AnalysisRequest(symbol="AAPL"), tenant=TENANT).analysis.id
    schedule = world.schedule()
    world.tick(hours=1)

    assert [(item.symbol, item.outcome) for item in world.all_runs(schedule)[0].items] == [("AAPL", "joined"), ("MSFT", "created")]
    assert world.all_runs(schedule)[0].items[0].analysis_id == mine


def test_moments_missed_while_no_worker_ran_give_one_run(world: World) -> None:
    """After half a day without a worker there is one run, for the oldest moment, and the next at its usual time."""
    schedule = world.schedule()
    world.tick(hours=12, minutes=30)

    assert [run.due_at for run in world.all_runs(schedule)] == [NOW + timedelta(hours=1)]
    assert world.schedules.get(schedule.id, tenant=TENANT).next_run_at == NOW + timedelta(hours=13)


def test_many_workers_fire_a_moment_once(world: World) -> None:
    """Timetables of several workers at the same moment make one run and one analysis per symbol."""
    schedules = [world.schedule(symbols=(f"S{number}", f"T{number}")) for number in range(4)]
    tables = [world.timetable(f"w{number}") for number in range(2, 5)]
    world.time.advance(hours=1)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(6):
            list(pool.map(lambda table: table.round(), [world.table, *tables]))
    world.tick()

    assert [len(world.all_runs(schedule)) for schedule in schedules] == [1] * 4
    assert [item.outcome for schedule in schedules for item in world.all_runs(schedule)[0].items] == ["created"] * 8
    assert len(world.jobs.list(tenant=TENANT)) == 8


def test_skip_leaves_out_what_would_overlap(world: World) -> None:
    """While a run is under way the next moments are recorded as skipped, with the reason; after it they run again."""
    schedule = world.schedule("skip")
    world.tick(hours=1)
    world.begin_all()
    world.tick(hours=1)
    world.finish_all()
    world.tick(hours=1)

    assert [run.status for run in world.all_runs(schedule)] == ["finished", "skipped", "running"]
    assert world.all_runs(schedule)[1].reason == "the run before was still under way"
    assert len(world.jobs.list(tenant=TENANT)) == 4


def test_queue_lets_one_run_wait(world: World) -> None:
    """The next run begins when the one before has ended; more than one does not wait."""
    schedule = world.schedule("queue")
    world.tick(hours=1)
    world.begin_all()
    world.tick(hours=1)
    world.tick(hours=1)
    waiting = [run.status for run in world.all_runs(schedule)]
    world.finish_all()
    world.tick()
    world.tick()
    after = [run.status for run in world.all_runs(schedule)]

    assert waiting == ["running", "queued", "skipped"]
    assert after == ["finished", "running", "skipped"]
    assert [item.outcome for item in world.all_runs(schedule)[1].items] == ["created", "created"]


def test_cancel_running_makes_room(world: World) -> None:
    """The run before is canceled with the analyses it created, not with those it joined, and the new one begins when they have stopped."""
    mine = world.jobs.submit(AnalysisRequest(symbol="AAPL"), tenant=TENANT).analysis.id
    schedule = world.schedule("cancel_running")
    world.tick(hours=1)
    world.begin_all()
    world.tick(hours=1)
    asked = {analysis.request.symbol: analysis.cancel_requested_at for analysis in world.jobs.list(tenant=TENANT)}
    between = [run.status for run in world.all_runs(schedule)]
    world.finish_all()
    world.tick()
    world.tick()
    first, second = world.all_runs(schedule)

    assert (asked["AAPL"], asked["MSFT"]) == (None, world.time.now())
    assert between == ["running", "queued"]
    assert (first.status, first.reason) == ("canceled", "a newer run took its place")
    assert (second.status, [item.outcome for item in second.items]) == ("running", ["created", "created"])
    assert world.jobs.get(mine, tenant=TENANT).status == "succeeded"


def test_a_paused_schedule_does_not_fire_but_runs_by_hand(world: World) -> None:
    """Paused it makes no runs of its own and makes none up afterwards; a run by hand is carried out."""
    schedule = world.schedule(paused=True)
    world.tick(hours=5)
    by_hand = world.schedules.run_now(schedule.id, tenant=TENANT)
    world.tick()
    run = world.runs.get(by_hand, tenant=TENANT)
    world.finish_all()
    world.schedules.change(schedule.id, tenant=TENANT, version=1, changes={"paused": False})
    world.tick(minutes=30)

    assert (run.status, run.trigger, len(run.items)) == ("running", "manual", 2)
    assert len(world.all_runs(schedule)) == 1
    world.tick(minutes=30)
    assert [item.trigger for item in world.all_runs(schedule)] == ["manual", "cron"]


def test_a_run_takes_the_watchlist_as_it_is_then(world: World) -> None:
    """A changed watchlist counts from the next run on."""
    schedule = world.schedule()
    world.tick(hours=1)
    world.finish_all()
    world.watchlists.change(schedule.watchlist_id, tenant=TENANT, version=1, changes={"symbols": ["NVDA"]})
    world.tick(hours=1)

    assert [[item.symbol for item in run.items] for run in world.all_runs(schedule)] == [["AAPL", "MSFT"], ["NVDA"]]


def test_a_worker_that_dies_between_submission_and_note_costs_nothing(world: World) -> None:
    """The next worker finds the analysis under the id that was chosen before, and submits only what is missing."""
    schedule = world.schedule(symbols=("AAPL", "MSFT", "NVDA"))
    world.tick(hours=1)
    run = world.all_runs(schedule)[0]
    items = schedule_run_items.c
    with world.engine.begin() as connection:
        lost = sa.update(schedule_run_items).where(items.run_id == run.id, items.position < 2).values(outcome="planned")
        connection.execute(lost)
    world.tick(world.timetable("w2"), seconds=1)
    too_early = [item.outcome for item in world.all_runs(schedule)[0].items]
    world.tick(world.timetable("w3"), seconds=LEASE.total_seconds())

    assert too_early == ["planned", "planned", "created"]
    assert world.all_runs(schedule)[0].items == run.items
    assert len(world.jobs.list(tenant=TENANT)) == 3


def test_a_deleted_schedule_leaves_its_analyses(world: World) -> None:
    """Analyses that were started go on; nothing fires any more."""
    schedule = world.schedule()
    world.tick(hours=1)
    world.schedules.delete(schedule.id, tenant=TENANT, version=1)
    world.tick(hours=1)

    assert len(world.jobs.list(tenant=TENANT)) == 2
    assert world.all_runs(schedule) == []


def test_the_record_of_runs_is_kept_for_a_time(world: World) -> None:
    """Ended runs are deleted after the retention, those under way are not."""
    schedule = world.schedule()
    world.tick(hours=1)
    world.finish_all()
    world.tick(hours=1)
    deleted = world.runs.delete_old(world.time.now() + timedelta(seconds=1))

    assert deleted == 1
    assert [run.status for run in world.all_runs(schedule)] == ["running"]


def test_over_the_end_of_summer_time_it_fires_once(world: World) -> None:
    """A daily schedule at a time that the clocks repeat runs once on that day, and at the right moments around it."""
    schedule = world.schedule(symbols=("AAPL",), cron="30 1 * * *", timezone="America/New_York")
    world.time.advance(seconds=(datetime(2026, 10, 31, 12, tzinfo=UTC) - NOW).total_seconds())
    world.schedules.change(schedule.id, tenant=TENANT, version=1, changes={"paused": False})
    for _ in range(48):
        world.tick(hours=1)
        world.finish_all()

    assert [run.due_at for run in world.all_runs(schedule)] == [datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 2, 6, 30, tzinfo=UTC)]
