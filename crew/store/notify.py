"""Turns a logged event into deliveries, in the transaction that logs it: an event without its webhooks cannot be, nor the reverse."""

import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crew.domain.amp import concerns
from crew.domain.analysis import Event
from crew.domain.ids import new_id
from crew.domain.webhooks import concerns_endpoints
from crew.store.tables import analyses
from crew.store.webhook_tables import analysis_hooks, webhook_deliveries, webhook_endpoints

GATHER = timedelta(seconds=5)
_deliveries = webhook_deliveries.c
_endpoints = webhook_endpoints.c
# Built once: both are asked with nearly every event, and mostly find nothing.
_TENANTS_ENDPOINTS = (
    sa.select(_endpoints.id, _endpoints.tenant, _endpoints.event_types)
    .join(analyses, analyses.c.tenant == _endpoints.tenant)
    .where(analyses.c.id == sa.bindparam("of"), _endpoints.enabled.is_(sa.true()))
)
_HOOKS = sa.select(analysis_hooks).where(analysis_hooks.c.analysis_id == sa.bindparam("of"))


def fan_out(connection: sa.Connection, event: Event) -> None:
    """Add a delivery for every endpoint of the tenant and every hook of the analysis that wants to know of `event`."""
    if event.type == "analysis.queued":
        # Whoever posted the request has just been told; the hooks of a kickoff come after it.
        return
    if concerns_endpoints(event.type):
        for row in connection.execute(_TENANTS_ENDPOINTS, {"of": event.analysis_id}).all():
            if event.type in row.event_types.split():
                _insert(connection, event, tenant=row.tenant, target=row.id, endpoint_id=row.id)
    for hook in connection.execute(_HOOKS, {"of": event.analysis_id}).all():
        tell_hook(connection, hook, event)


def tell_hook(connection: sa.Connection, hook: sa.Row[Any], event: Event) -> None:
    """Add a delivery to the hook if it wants to know of `event`, or let it ride with one that is still being gathered."""
    wanted = json.loads(hook.event_types) if hook.event_types else None
    if not concerns(hook.kind, tuple(wanted) if wanted is not None else None, event.type, event.data):
        return
    values = {"tenant": hook.tenant, "target": hook.id, "hook_id": hook.id}
    if hook.kind != "analysis":
        # Left out there: an older release that reads the log knows no such kind.
        values["hook"] = hook.kind
    if hook.kind != "stream" or hook.realtime:
        _insert(connection, event, **values)
    elif not _joined(connection, hook.id, event):
        _insert(connection, event, after=GATHER, **values)


def _joined(connection: sa.Connection, hook_id: str, event: Event) -> bool:
    gathering = sa.and_(_deliveries.hook_id == hook_id, _deliveries.status == "pending", _deliveries.attempts == 0)
    untouched = sa.and_(_deliveries.claimed_by.is_(None), _deliveries.next_attempt_at > event.at, _deliveries.last_seq < event.seq)
    return bool(connection.execute(sa.update(webhook_deliveries).where(gathering, untouched).values(last_seq=event.seq)).rowcount)


def _insert(connection: sa.Connection, event: Event, *, after: timedelta = timedelta(), **values: str) -> None:
    known = sa.select(_deliveries.id).where(
        _deliveries.target == values["target"],
        _deliveries.analysis_id == event.analysis_id,
        _deliveries.first_seq <= event.seq,
        _deliveries.last_seq >= event.seq,
    )
    if connection.execute(known).first() is None:
        seqs = {"first_seq": event.seq, "last_seq": event.seq}
        connection.execute(
            sa.insert(webhook_deliveries).values(
                new_delivery(event.type, event.at, **values) | seqs | {"analysis_id": event.analysis_id} | _due(event, after)
            )
        )


def _due(event: Event, after: timedelta) -> dict[str, datetime]:
    return {"next_attempt_at": event.at + after}


def new_delivery(event_type: str, at: datetime, **values: str) -> dict[str, Any]:
    """The row of a delivery that is due at once."""
    return {
        "id": new_id("wd", at=at),
        "event_type": event_type,
        "status": "pending",
        "attempts": 0,
        "round_attempts": 0,
        "created_at": at,
        "next_attempt_at": at,
        **values,
    }
