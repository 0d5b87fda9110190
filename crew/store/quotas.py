"""The limits of API keys that are counted in rows, checked in the transaction that adds an analysis: exact for any number of processes."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from crew.errors import Overloaded, QuotaExceeded
from crew.settings import Settings
from crew.store.connect import one_at_a_time
from crew.store.keys import KeyLimits
from crew.store.moments import aware
from crew.store.tables import analyses, api_keys, deleted_analyses
from crew.store.usage import NANOS, key_use

_LIMITS = sa.select(api_keys.c.limits).where(api_keys.c.id == sa.bindparam("id"))
HOUR = timedelta(hours=1)
DAY_S = 86_400
# Nobody knows when an analysis ends: soon enough to be worth asking again, late enough not to be a burden.
_SOME_TIME_S = 10.0


def with_defaults(limits: KeyLimits, settings: Settings) -> KeyLimits:
    """The limits in force: the key's own, and the configured ones where it has none."""
    configured = {
        "requests_per_minute": settings.requests_per_minute,
        "analyses_per_hour": settings.analyses_per_hour,
        "concurrent_analyses": settings.concurrent_analyses,
        "streams": settings.streams_per_key,
        "usd_per_day": settings.usd_per_day,
    }
    own = limits.model_dump(exclude_none=True)
    return KeyLimits.model_validate(configured | own)


class Quotas:
    """Admits analyses under the limits of their key.

    Args:
        settings: the limits of keys without limits of their own.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self, connection: sa.Connection, key_id: str | None) -> KeyLimits | None:
        """The limits of the key, for `check`; None where nothing is limited. Call it before the analysis is added.

        On PostgreSQL the key's row stays locked until the transaction ends, so that no other counts in between; on SQLite the whole
        database is, from the first write on.
        """
        if key_id is None:
            return None
        stored = connection.execute(_LIMITS, {"id": key_id}).scalar_one_or_none()
        limits = with_defaults(KeyLimits.model_validate_json(stored) if stored else KeyLimits(), self._settings)
        if limits.analyses_per_hour is None and limits.concurrent_analyses is None and limits.usd_per_day is None:
            return None
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(api_keys.c.id).where(api_keys.c.id == key_id).with_for_update(key_share=True))
        return limits

    def check(self, connection: sa.Connection, limits: KeyLimits, *, tenant: str, key_id: str, now: datetime, costs: bool) -> None:
        """Refuse the analysis that this transaction has added if it is one too many; `costs` says whether it can cost money.

        Raises:
            QuotaExceeded: a limit is reached; undo the transaction.
        """
        used = key_use(connection, tenant=tenant, key_id=key_id, now=now)
        if limits.concurrent_analyses is not None and used.concurrent_analyses > limits.concurrent_analyses:
            text = f"This key may have {limits.concurrent_analyses} analyses queued or running at once: wait until one has ended."
            raise QuotaExceeded(text, policy="concurrent-analyses", limit=limits.concurrent_analyses, retry_after_s=_SOME_TIME_S)
        if limits.analyses_per_hour is not None and used.analyses_last_hour > limits.analyses_per_hour:
            text = f"This key may start {limits.analyses_per_hour} analyses an hour."
            wait = _until_one_is_an_hour_old(connection, tenant, key_id, now)
            raise QuotaExceeded(text, policy="analyses", limit=limits.analyses_per_hour, window_s=3600, retry_after_s=wait)
        if limits.usd_per_day is not None and costs and used.usd_today + used.usd_reserved > limits.usd_per_day:
            raise _too_dear(limits.usd_per_day, used.usd_today, used.usd_reserved, now)


def _until_one_is_an_hour_old(connection: sa.Connection, tenant: str, key_id: str, now: datetime) -> float:
    oldest = [
        aware(moment)
        for table in (analyses, deleted_analyses)
        for moment in connection.execute(
            sa.select(sa.func.min(table.c.created_at)).where(
                table.c.tenant == tenant, table.c.key_id == key_id, table.c.created_at > now - HOUR, table.c.created_at < now
            )
        ).scalars()
        if moment is not None
    ]
    return max(1.0, (min(oldest) + HOUR - now).total_seconds()) if oldest else HOUR.total_seconds()


def _too_dear(limit: float, spent: float, reserved: float, now: datetime) -> QuotaExceeded:
    moment = now.astimezone(UTC)
    tomorrow = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    text = (
        f"This key may spend {limit:g} US dollars a day (UTC): {spent:.4f} are spent, and {reserved:.4f} would be set aside for what is"
        " queued and running with this one, each up to its cap. Wait, or lower `max_cost_usd`."
    )
    # What is set aside comes back as analyses end; what is spent, at midnight only.
    wait = _SOME_TIME_S if spent < limit else (tomorrow - moment).total_seconds()
    return QuotaExceeded(text, policy="spending", limit=round(limit * 100), window_s=DAY_S, unit="usd-cents", retry_after_s=wait)


def require_room(connection: sa.Connection, *, most: int) -> None:
    """Refuse what this transaction has queued if more than `most` analyses would wait then. It is the last thing to ask before the end:
    transactions that queue wait here for each other, and must wait for nothing else afterwards.

    Raises:
        Overloaded: there is no room; undo the transaction.
    """
    one_at_a_time(connection, "queue")
    waiting = sa.select(sa.literal(1)).select_from(analyses).where(analyses.c.status == "queued").limit(most + 1).subquery()
    if connection.execute(sa.select(sa.func.count()).select_from(waiting)).scalar_one() > most:
        raise Overloaded(f"{most:,} analyses wait, which is the limit (STOCKCREW_MAX_QUEUED): try again later.", retry_after_s=_SOME_TIME_S)


def nanos(usd: float) -> int:
    """US dollars as whole billionths."""
    return round(usd * NANOS)
