"""The webhooks that came with the body of a request: told of one analysis, from its first event on."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from crew.domain.analysis import Event
from crew.domain.ids import new_id
from crew.domain.webhooks import Hook
from crew.errors import ResourceInUse
from crew.store.analyses import utc_now
from crew.store.connect import connected
from crew.store.moments import aware
from crew.store.notify import tell_hook
from crew.store.sealing import Seal
from crew.store.tables import analyses, events
from crew.store.webhook_tables import analysis_hooks, webhook_deliveries

MOST_PER_ANALYSIS = 20


class HookStore:
    """The hooks of all analyses. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        seal: keeps the tokens to send.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, seal: Seal, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock

    def attach(self, analysis_id: str, hooks: Sequence[Hook], *, tenant: str) -> None:
        """Tell `hooks` of everything the analysis has logged and will log. One that is attached already stays as it is.

        Raises:
            ResourceInUse: the analysis has as many as it may; none was attached.
        """
        with connected(self._engine) as connection:
            # Waits for an event that is being logged, and makes the next one wait: neither is missed nor told twice.
            connection.execute(sa.update(analyses).where(analyses.c.id == analysis_id).values(last_seq=analyses.c.last_seq))
            known = set(connection.execute(sa.select(analysis_hooks.c.fingerprint).where(analysis_hooks.c.analysis_id == analysis_id)).scalars())
            for hook in hooks:
                fingerprint = _fingerprint(hook)
                if fingerprint in known:
                    continue
                if len(known) >= MOST_PER_ANALYSIS:
                    raise ResourceInUse(f"The analysis has {MOST_PER_ANALYSIS} webhooks, which is the limit.")
                known.add(fingerprint)
                self._attach(connection, analysis_id, hook, tenant, fingerprint)

    def _attach(self, connection: sa.Connection, analysis_id: str, hook: Hook, tenant: str, fingerprint: str) -> None:
        id = new_id("ah")
        connection.execute(
            sa.insert(analysis_hooks).values(
                id=id,
                tenant=tenant,
                analysis_id=analysis_id,
                kind=hook.kind,
                url=hook.url,
                event_types=json.dumps(hook.event_types) if hook.event_types is not None else None,
                realtime=hook.realtime,
                authorization=self._seal.close(hook.authorization, context=id) if hook.authorization else None,
                meta=json.dumps(hook.meta) if hook.meta is not None else None,
                fingerprint=fingerprint,
                created_at=self._clock(),
            )
        )
        row = connection.execute(sa.select(analysis_hooks).where(analysis_hooks.c.id == id)).one()
        for logged in connection.execute(sa.select(events).where(events.c.analysis_id == analysis_id).order_by(events.c.seq)).all():
            event = Event(analysis_id=analysis_id, seq=logged.seq, type=logged.type, at=aware(logged.at), data=json.loads(logged.data))
            tell_hook(connection, row, event)

    def delete_old(self, before: datetime) -> int:
        """Delete hooks made before `before` that have nothing left to deliver; how many."""
        pending = sa.exists().where(webhook_deliveries.c.hook_id == analysis_hooks.c.id, webhook_deliveries.c.status == "pending")
        with connected(self._engine) as connection:
            return connection.execute(sa.delete(analysis_hooks).where(analysis_hooks.c.created_at < before, ~pending)).rowcount


def _fingerprint(hook: Hook) -> str:
    content = hook.model_dump(mode="json", exclude={"authorization"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
