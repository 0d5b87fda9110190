"""Tickets that open one event stream once, for browsers whose EventSource can send no header. Only hashes are kept."""

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from crew.store.connect import connected
from crew.store.moments import aware
from crew.store.tables import stream_tickets

VALID = timedelta(seconds=60)
_PREFIX = "st_"


@dataclass(frozen=True)
class Ticket:
    """Whom a ticket stands for, and which analyses it shows."""

    tenant: str
    key_id: str | None
    analysis_ids: frozenset[str]


class TicketStore:
    """The tickets of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def issue(self, *, tenant: str, key_id: str | None, analysis_ids: Sequence[str]) -> tuple[str, datetime]:
        """A new ticket and when it ends. Tickets that were never used are cleared away on the way."""
        now = self._clock()
        text, ends = _PREFIX + secrets.token_urlsafe(32), now + VALID
        row = {"hash": _hash(text), "tenant": tenant, "key_id": key_id, "analysis_ids": json.dumps(list(analysis_ids)), "expires_at": ends}
        with connected(self._engine) as connection:
            connection.execute(sa.delete(stream_tickets).where(stream_tickets.c.expires_at < now))
            connection.execute(sa.insert(stream_tickets).values(row))
        return text, ends

    def redeem(self, text: str) -> Ticket | None:
        """What the ticket opens, and never again; None when it is unknown, used or too old."""
        table = stream_tickets.c
        taken = sa.delete(stream_tickets).where(table.hash == _hash(text)).returning(table.tenant, table.key_id, table.analysis_ids, table.expires_at)
        with connected(self._engine) as connection:
            row = connection.execute(taken).first()
        if row is None or aware(row.expires_at) <= self._clock():
            return None
        return Ticket(row.tenant, row.key_id, frozenset(json.loads(row.analysis_ids)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
