"""Answers kept under an Idempotency-Key, so that a request sent again is not carried out again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from crew.store.analyses import utc_now
from crew.store.connect import connected
from crew.store.tables import idempotency_keys

KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(seconds=60)


@dataclass(frozen=True)
class KeptAnswer:
    """The answer to the first request under a key."""

    status: int
    location: str | None
    body: bytes


@dataclass(frozen=True)
class Begun:
    """What was found under a key: nothing (`fresh`), the `same` request answered, still `in_flight`, or `another` request."""

    state: Literal["fresh", "same", "in_flight", "another"]
    answer: KeptAnswer | None = None


class IdempotencyStore:
    """Keys of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def begin(self, tenant: str, key: str, fingerprint: str) -> Begun:
        """Claim `key` for the request with `fingerprint`, or say what is under it already.

        A claim without an answer is given up after a minute: its process has died.
        """
        now = self._clock()
        claim = {"tenant": tenant, "key": key, "fingerprint": fingerprint, "created_at": now}
        table = idempotency_keys
        old = sa.or_(table.c.created_at < now - KEPT, sa.and_(table.c.status.is_(None), table.c.created_at < now - GIVEN_UP))
        try:
            with connected(self._engine) as connection:
                connection.execute(sa.delete(table).where(table.c.tenant == tenant, table.c.key == key, old))
                connection.execute(sa.insert(table).values(claim))
        except IntegrityError:
            return self._found(tenant, key, fingerprint)
        return Begun("fresh")

    def _found(self, tenant: str, key: str, fingerprint: str) -> Begun:
        table = idempotency_keys
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(table).where(table.c.tenant == tenant, table.c.key == key)).first()
        if row is None:
            return Begun("in_flight")
        if row.fingerprint != fingerprint:
            return Begun("another")
        if row.status is None:
            return Begun("in_flight")
        return Begun("same", KeptAnswer(row.status, row.location, row.body.encode()))

    def keep(self, tenant: str, key: str, answer: KeptAnswer) -> None:
        """Keep the answer under the claimed key."""
        table = idempotency_keys
        with connected(self._engine) as connection:
            kept = sa.update(table).where(table.c.tenant == tenant, table.c.key == key)
            connection.execute(kept.values(status=answer.status, location=answer.location, body=answer.body.decode()))

    def release(self, tenant: str, key: str) -> None:
        """Give the claim up: the request was refused or failed, and may be sent again."""
        table = idempotency_keys
        with connected(self._engine) as connection:
            connection.execute(sa.delete(table).where(table.c.tenant == tenant, table.c.key == key, table.c.status.is_(None)))

    def delete_old(self) -> int:
        """Delete what is no longer kept; how many."""
        with connected(self._engine) as connection:
            return connection.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.created_at < self._clock() - KEPT)).rowcount
