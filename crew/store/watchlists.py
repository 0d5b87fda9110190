"""Watchlists in the database."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crew.domain.ids import new_id
from crew.domain.schedules import Watchlist
from crew.errors import NotFound, ResourceChanged, ResourceInUse
from crew.store.analyses import utc_now
from crew.store.connect import connected, one_at_a_time
from crew.store.moments import aware
from crew.store.pages import newest_first
from crew.store.schedule_tables import schedules, watchlists

MOST_PER_TENANT = 1000
_lists = watchlists.c


class WatchlistStore:
    """The watchlists of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def create(self, *, tenant: str, name: str, symbols: Sequence[str]) -> Watchlist:
        """A new watchlist.

        Raises:
            ResourceInUse: the tenant has as many as it may.
        """
        now, id = self._clock(), new_id("wl")
        row = {"id": id, "tenant": tenant, "name": name, "symbols": json.dumps(symbols), "version": 1, "created_at": now, "updated_at": now}
        with connected(self._engine) as connection:
            one_at_a_time(connection, f"watchlists:{tenant}")
            connection.execute(sa.insert(watchlists).values(row))
            number = connection.execute(sa.select(sa.func.count()).where(_lists.tenant == tenant)).scalar_one()
            if number > MOST_PER_TENANT:
                raise ResourceInUse(f"There are {MOST_PER_TENANT} watchlists, which is the limit: delete one first.")
        return self.get(id, tenant=tenant)

    def get(self, id: str, *, tenant: str) -> Watchlist:
        """One watchlist.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            return _watchlist(found_watchlist(connection, id, tenant))

    def list(self, *, tenant: str, limit: int, before: tuple[datetime, str] | None = None) -> Sequence[Watchlist]:
        """Up to `limit` of the tenant's watchlists, newest first, older than `before` (creation time and id)."""
        query = sa.select(watchlists).where(_lists.tenant == tenant)
        with connected(self._engine) as connection:
            return [_watchlist(row) for row in connection.execute(newest_first(query, watchlists, before=before, limit=limit))]

    def change(self, id: str, *, tenant: str, version: int, changes: dict[str, Any]) -> Watchlist:
        """Change name or symbols.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceChanged: it is no longer at `version`.
        """
        values = dict(changes)
        if "symbols" in values:
            values["symbols"] = json.dumps(values["symbols"])
        with connected(self._engine) as connection:
            found_watchlist(connection, id, tenant)
            change = sa.update(watchlists).where(_lists.id == id, _lists.version == version)
            if not connection.execute(change.values(values | {"version": version + 1, "updated_at": self._clock()})).rowcount:
                raise ResourceChanged("The watchlist has changed.")
        return self.get(id, tenant=tenant)

    def delete(self, id: str, *, tenant: str, version: int) -> None:
        """Delete a watchlist that no schedule uses.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceChanged: it is no longer at `version`.
            ResourceInUse: a schedule uses it.
        """
        in_use = ResourceInUse("A schedule uses the watchlist: delete the schedule first.")
        try:
            with connected(self._engine) as connection:
                found_watchlist(connection, id, tenant)
                if connection.execute(sa.select(schedules.c.id).where(schedules.c.watchlist_id == id)).first() is not None:
                    raise in_use
                if not connection.execute(sa.delete(watchlists).where(_lists.id == id, _lists.version == version)).rowcount:
                    raise ResourceChanged("The watchlist has changed.")
        except sa.exc.IntegrityError:
            # A schedule came between the look and the deletion.
            raise in_use from None


def found_watchlist(connection: sa.Connection, id: str, tenant: str) -> sa.Row[Any]:
    """The row of a tenant's watchlist.

    Raises:
        NotFound: there is none, or it belongs to another tenant.
    """
    row = connection.execute(sa.select(watchlists).where(_lists.id == id, _lists.tenant == tenant)).first()
    if row is None:
        raise NotFound("There is no such watchlist.")
    return row


def _watchlist(row: sa.Row[Any]) -> Watchlist:
    return Watchlist(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        symbols=tuple(json.loads(row.symbols)),
        version=row.version,
        created_at=aware(row.created_at),
        updated_at=aware(row.updated_at),
    )
