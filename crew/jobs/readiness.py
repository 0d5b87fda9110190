"""Whether jobs can be accepted and carried out: database, migrations, queue, workers; and how many there are."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from crew.domain.analysis import Status
from crew.domain.base import Value
from crew.errors import StoreUnavailable
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.heartbeats import live_workers
from crew.store.migrate import current_version, newest_version, serves


class Check(Value):
    """One dependency: whether it can be used, and a sentence on its state."""

    ok: bool
    detail: str


class Readiness(Value):
    """Every dependency by name. Without `worker` jobs are accepted and wait."""

    checks: dict[str, Check]

    @property
    def ok(self) -> bool:
        """Whether every check is well."""
        return all(check.ok for check in self.checks.values())


class JobCounts(Value):
    """How many analyses of all tenants are in each state, and for how many seconds the oldest one has been waiting."""

    by_status: dict[Status, int]
    oldest_waiting_s: float


class WorkerSeen(Value):
    """One worker as its heartbeats show it."""

    name: str
    up_s: float
    silent_s: float


class JobDetail(Value):
    """What an operator wants to know of the jobs beyond whether they can be accepted."""

    counts: JobCounts
    workers: tuple[WorkerSeen, ...]


def look(connect: Callable[[], sa.Engine], settings: Settings, clock: Callable[[], datetime]) -> Readiness:
    """Look at the database that `connect` gives. Never raises for what it finds."""
    needed = newest_version()
    checks = {"database": Check(ok=True, detail="SQLite" if settings.is_sqlite else "PostgreSQL")}
    try:
        engine = connect()
        version = current_version(engine)
        checks["migrations"] = Check(ok=serves(version), detail=f"at {version or 'none'}, needs {needed}")
        if version is None:
            return Readiness(checks=checks)
        waiting, oldest = AnalysisStore(engine, clock=clock).queue_state()
        workers = live_workers(engine, within_s=settings.dead_after_s)
    except StoreUnavailable as error:
        return Readiness(checks={"database": Check(ok=False, detail=error.message)})
    except sa.exc.SQLAlchemyError as error:
        return Readiness(checks={"database": Check(ok=False, detail=str(error).splitlines()[0])})
    age = f", the oldest for {(clock() - oldest).total_seconds():.0f} s" if oldest else ""
    checks["queue"] = Check(ok=True, detail=f"{waiting} waiting{age}")
    detail = f"{workers} alive" if workers else "no worker is alive: jobs wait until `stockcrew worker` runs"
    checks["worker"] = Check(ok=workers > 0, detail=detail)
    return Readiness(checks=checks)
