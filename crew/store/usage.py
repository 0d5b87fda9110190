"""What model calls used, counted with each call in the transaction that logs it, and what is left of a key's limits."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from crew.domain.base import Value
from crew.domain.run import ModelCall
from crew.store.connect import connected
from crew.store.tables import analyses, deleted_analyses, usage_days

NANOS = 1_000_000_000
_COUNTS = ("calls", "failed_calls", "unpriced_calls", "prompt_tokens", "completion_tokens", "cached_tokens", "cost_nanousd")
_LIVE = ("queued", "running")
_SUMS = (
    sa.update(analyses)
    .where(analyses.c.id == sa.bindparam("of"))
    .values(
        prompt_tokens=analyses.c.prompt_tokens + sa.bindparam("prompt"),
        completion_tokens=analyses.c.completion_tokens + sa.bindparam("completion"),
        cost_nanousd=analyses.c.cost_nanousd + sa.bindparam("nanos"),
        unpriced_calls=analyses.c.unpriced_calls + sa.bindparam("unpriced"),
    )
    .returning(analyses.c.tenant, analyses.c.key_id)
)


class DayUsage(Value):
    """What one model was used for on one day of UTC. `unpriced_calls` are not in `cost_usd`: their price is unknown."""

    day: date
    model: str
    calls: int
    failed_calls: int
    unpriced_calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float


class KeyUse(Value):
    """What one key, or without a key its tenant, uses of its limits now.

    `usd_reserved` is what the analyses that are queued or running may still cost under their caps.
    """

    analyses_last_hour: int
    concurrent_analyses: int
    usd_today: float
    usd_reserved: float = 0.0


def count_call(connection: sa.Connection, id: str, call: ModelCall, *, day: date) -> None:
    """Add `call` to the sums of the analysis and of its tenant's and key's day."""
    nanos = 0 if call.cost_usd is None else round(call.cost_usd * NANOS)
    unpriced = int(call.cost_usd is None)
    added = {"prompt": call.prompt_tokens, "completion": call.completion_tokens, "nanos": nanos, "unpriced": unpriced}
    owner = connection.execute(_SUMS, {"of": id, **added}).one()
    counts = {
        "calls": 1,
        "failed_calls": int(call.outcome == "error"),
        "unpriced_calls": unpriced,
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cached_tokens": call.cached_tokens,
        "cost_nanousd": nanos,
    }
    row = {"tenant": owner.tenant, "key_id": owner.key_id or "", "day": day, "model": call.model[:200], **counts}
    connection.execute(_add_to_day(connection.dialect.name), row)


@cache
def _add_to_day(dialect: str) -> sa.Insert:
    # Workers count. The API, which only reads these tables, need not load what the other database wants.
    from sqlalchemy.dialects import postgresql, sqlite  # noqa: PLC0415

    add: postgresql.Insert | sqlite.Insert = (sqlite if dialect == "sqlite" else postgresql).insert(usage_days)
    summed = {name: usage_days.c[name] + add.excluded[name] for name in _COUNTS}
    return add.on_conflict_do_update(index_elements=["tenant", "key_id", "day", "model"], set_=summed)


class UsageStore:
    """Reads what was used. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def days(self, *, tenant: str, first: date, last: date) -> Sequence[DayUsage]:
        """The tenant's use by day and model from `first` to `last`, oldest first; days and models without calls are left out."""
        table = usage_days.c
        sums = [sa.func.sum(table[name]).label(name) for name in _COUNTS]
        query = sa.select(table.day, table.model, *sums).where(table.tenant == tenant, table.day.between(first, last))
        with connected(self._engine) as connection:
            return [_day(row) for row in connection.execute(query.group_by(table.day, table.model).order_by(table.day, table.model))]

    def market_data(self, *, tenant: str) -> tuple[int, int]:
        """Of the tenant's analyses of the last day that have ended: how many there are, and how many failed for want of market data."""
        table = analyses.c
        # The code as the stored JSON has it; a symbol that does not exist is no failure of the provider.
        failed = sa.func.coalesce(sa.func.sum(sa.case((table.failure.like('%"code":"market\\_data\\_%', escape="\\"), 1), else_=0)), 0)
        recent = sa.and_(table.tenant == tenant, table.created_at > self._clock() - timedelta(days=1), table.status.in_(["succeeded", "failed"]))
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(sa.func.count(), failed).select_from(analyses).where(recent)).one()
        return int(row[0]), int(row[1])

    def of_key(self, *, tenant: str, key_id: str | None) -> KeyUse:
        """What the key uses now; without a key, what the whole tenant does. Deleted analyses count."""
        with connected(self._engine) as connection:
            return key_use(connection, tenant=tenant, key_id=key_id, now=self._clock())


def key_use(connection: sa.Connection, *, tenant: str, key_id: str | None, now: datetime) -> KeyUse:
    """What the key uses as the transaction of `connection` sees it; without a key, what the whole tenant does. Deleted analyses count."""
    today, hour_ago = now.astimezone(UTC).date(), now - timedelta(hours=1)
    made = sum(
        connection.execute(
            sa.select(sa.func.count()).select_from(table).where(_whose(table, tenant, key_id), table.c.created_at > hour_ago)
        ).scalar_one()
        for table in (analyses, deleted_analyses)
    )
    still = sa.case((analyses.c.cap_nanousd > analyses.c.cost_nanousd, analyses.c.cap_nanousd - analyses.c.cost_nanousd), else_=0)
    live = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(still), 0)).where(_whose(analyses, tenant, key_id), analyses.c.status.in_(_LIVE))
    concurrent, reserved = connection.execute(live).one()
    spent = sa.select(sa.func.coalesce(sa.func.sum(usage_days.c.cost_nanousd), 0)).where(
        _whose(usage_days, tenant, key_id), usage_days.c.day == today
    )
    usd_today = int(connection.execute(spent).scalar_one()) / NANOS
    return KeyUse(analyses_last_hour=made, concurrent_analyses=concurrent, usd_today=usd_today, usd_reserved=int(reserved) / NANOS)


def _whose(table: sa.Table, tenant: str, key_id: str | None) -> sa.ColumnElement[bool]:
    return table.c.tenant == tenant if key_id is None else sa.and_(table.c.tenant == tenant, table.c.key_id == key_id)


def _day(row: sa.Row[Any]) -> DayUsage:
    counts = {name: int(getattr(row, name)) for name in _COUNTS if name != "cost_nanousd"}
    return DayUsage(day=row.day, model=row.model, cost_usd=int(row.cost_nanousd) / NANOS, **counts)
