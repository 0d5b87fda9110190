"""The delivery log: what is to be delivered, who is delivering it, and how each attempt went.

A worker claims a delivery for a while by a guarded update. If it dies, the claim runs out and another worker sends the same
delivery again under the same id: every message arrives at least once.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crew.domain.webhooks import Attempt, Delivery, DeliveryStatus
from crew.errors import NotFound, ResourceInUse
from crew.store.analyses import utc_now
from crew.store.connect import connected
from crew.store.moments import aware, maybe_aware
from crew.store.pages import newest_first
from crew.store.webhook_tables import webhook_attempts, webhook_deliveries, webhook_endpoints
from crew.store.webhooks import fail_pending

# Before each attempt after the first: three days in all, as Standard Webhooks proposes.
PAUSES = tuple(
    timedelta(**span)
    for span in (
        {"seconds": 5},
        {"minutes": 5},
        {"minutes": 30},
        {"hours": 2},
        {"hours": 5},
        {"hours": 10},
        {"hours": 14},
        {"hours": 20},
        {"hours": 24},
    )
)
DISABLE_AFTER = timedelta(days=5)
GONE = 410
_PER_TARGET = 2
_LONGEST_TEXT = 200
_deliveries = webhook_deliveries.c
_endpoints = webhook_endpoints.c


_FREE = sa.and_(_deliveries.status == "pending", sa.or_(_deliveries.claimed_until.is_(None), _deliveries.claimed_until <= sa.bindparam("now")))
# Built once: every worker asks it several times a second.
_DUE = (
    sa.select(webhook_deliveries)
    .where(_FREE, _deliveries.next_attempt_at <= sa.bindparam("now"))
    .order_by(_deliveries.next_attempt_at, _deliveries.first_seq, _deliveries.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


class DeliveryStore:
    """The deliveries of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
        jitter: makes a pause a little longer, so that many that failed together do not come back together.
    """

    def __init__(
        self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now, jitter: Callable[[timedelta], timedelta] = lambda pause: pause
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._jitter = jitter

    def claim(self, worker: str, *, limit: int, lease: timedelta, busy: Collection[str] = ()) -> Sequence[sa.Row[Any]]:
        """Up to `limit` due deliveries for `worker` to make within the `lease`, few at once for one receiver, none for those that are `busy`."""
        now = self._clock()
        due = _DUE.where(_deliveries.target.not_in(list(busy))) if busy else _DUE
        claimed: list[sa.Row[Any]] = []
        per_target: dict[str, int] = {}
        with connected(self._engine) as connection:
            for row in connection.execute(due, {"now": now, "most": limit * 8}).all():
                if len(claimed) >= limit or per_target.get(row.target, 0) >= _PER_TARGET:
                    continue
                mine = sa.update(webhook_deliveries).where(_deliveries.id == row.id, _FREE, _deliveries.attempts == row.attempts)
                if connection.execute(mine.values(claimed_by=worker, claimed_until=now + lease), {"now": now}).rowcount:
                    claimed.append(connection.execute(sa.select(webhook_deliveries).where(_deliveries.id == row.id)).one())
                    per_target[row.target] = per_target.get(row.target, 0) + 1
        return claimed

    def release(self, worker: str | None = None) -> int:
        """Give up the claims of `worker`, or of everybody where there is only one; how many."""
        claimed = sa.and_(_deliveries.status == "pending", _deliveries.claimed_by.is_not(None))
        mine = claimed if worker is None else sa.and_(claimed, _deliveries.claimed_by == worker)
        with connected(self._engine) as connection:
            # The name stays, so that events no longer join what may have been sent.
            return connection.execute(sa.update(webhook_deliveries).where(mine).values(claimed_until=None)).rowcount

    def record(
        self, row: sa.Row[Any], *, status: int | None, error: str | None, milliseconds: int, retry_after: timedelta | None = None, final: bool = False
    ) -> bool:
        """Note how the attempt on a claimed delivery went; False when the claim was lost meanwhile, and nothing is noted.

        Args:
            row: the delivery as it was claimed.
            status: what the receiver answered.
            error: why it does not count as delivered; None when it does.
            milliseconds: how long it took.
            retry_after: how long the receiver asks to wait.
            final: whether no further attempt can help.
        """
        now = self._clock()
        number = row.attempts + 1
        mine = sa.and_(_deliveries.id == row.id, _deliveries.claimed_by == row.claimed_by, _deliveries.attempts == row.attempts)
        text = error[:_LONGEST_TEXT] if error else None
        values = {"attempts": number, "round_attempts": row.round_attempts + 1, "claimed_until": None, "last_status": status, "last_error": text}
        gone = final or status == GONE
        with connected(self._engine) as connection:
            outcome = self._outcome(row, now, error=error, retry_after=retry_after, gone=gone)
            pending = sa.and_(mine, _deliveries.status == "pending")
            if not connection.execute(sa.update(webhook_deliveries).where(pending).values(values | outcome)).rowcount:
                return False
            attempt = {"delivery_id": row.id, "number": number, "at": now, "status": status, "error": text, "milliseconds": milliseconds}
            connection.execute(sa.insert(webhook_attempts).values(attempt))
            if row.endpoint_id is not None:
                _note_health(connection, row.endpoint_id, now, failed=error is not None, gone=status == GONE)
        return True

    def _outcome(self, row: sa.Row[Any], now: datetime, *, error: str | None, retry_after: timedelta | None, gone: bool) -> dict[str, Any]:
        if error is None:
            return {"status": "delivered", "finished_at": now, "next_attempt_at": None}
        if gone or row.round_attempts >= len(PAUSES):
            return {"status": "failed", "finished_at": now, "next_attempt_at": None}
        pause = self._jitter(PAUSES[row.round_attempts])
        return {"next_attempt_at": now + max(pause, min(retry_after or pause, PAUSES[-1]))}

    def get(self, id: str, *, tenant: str) -> Delivery:
        """One delivery.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            return _delivery(_found(connection, id, tenant))

    def attempts(self, id: str) -> Sequence[Attempt]:
        """The attempts to make a delivery, oldest first."""
        attempts = webhook_attempts.c
        with connected(self._engine) as connection:
            rows = connection.execute(sa.select(webhook_attempts).where(attempts.delivery_id == id).order_by(attempts.number)).all()
        return [Attempt(number=row.number, at=aware(row.at), status=row.status, error=row.error, milliseconds=row.milliseconds) for row in rows]

    def list(
        self,
        *,
        tenant: str,
        limit: int,
        before: tuple[datetime, str] | None = None,
        endpoint_id: str | None = None,
        analysis_id: str | None = None,
        status: DeliveryStatus | None = None,
    ) -> Sequence[Delivery]:
        """Up to `limit` of the tenant's deliveries, newest first, older than `before` (creation time and id)."""
        query = sa.select(webhook_deliveries).where(_deliveries.tenant == tenant)
        for column, wanted in ((_deliveries.endpoint_id, endpoint_id), (_deliveries.analysis_id, analysis_id), (_deliveries.status, status)):
            if wanted is not None:
                query = query.where(column == wanted)
        with connected(self._engine) as connection:
            return [_delivery(row) for row in connection.execute(newest_first(query, webhook_deliveries, before=before, limit=limit))]

    def redeliver(self, id: str, *, tenant: str) -> Delivery:
        """Deliver again, now and with fresh patience, under the same id. What is being delivered anyway stays as it is.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceInUse: its endpoint is disabled.
        """
        now = self._clock()
        with connected(self._engine) as connection:
            row = _found(connection, id, tenant)
            enabled = sa.select(_endpoints.enabled).where(_endpoints.id == row.endpoint_id)
            if row.endpoint_id is not None and not connection.execute(enabled).scalar_one():
                raise ResourceInUse("The endpoint is disabled: enable it first.")
            idle = sa.or_(_deliveries.status != "pending", _deliveries.claimed_until.is_(None), _deliveries.claimed_until <= now)
            again = {"status": "pending", "round_attempts": 0, "next_attempt_at": now, "finished_at": None, "claimed_until": None}
            connection.execute(sa.update(webhook_deliveries).where(_deliveries.id == id, idle).values(again))
        return self.get(id, tenant=tenant)

    def counts(self) -> tuple[int, datetime | None]:
        """How many deliveries are due, and since when the oldest is."""
        due = sa.and_(_deliveries.status == "pending", _deliveries.next_attempt_at <= self._clock())
        with connected(self._engine) as connection:
            number, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(_deliveries.next_attempt_at)).where(due)).one()
        return int(number), maybe_aware(oldest)

    def delete_old(self, before: datetime) -> int:
        """Delete what ended before `before`, with its attempts; how many."""
        with connected(self._engine) as connection:
            return connection.execute(sa.delete(webhook_deliveries).where(_deliveries.finished_at < before)).rowcount


def _note_health(connection: sa.Connection, endpoint_id: str, now: datetime, *, failed: bool, gone: bool) -> None:
    """Remember since when an endpoint fails, and disable one that is gone or has failed for days."""
    this = sa.update(webhook_endpoints).where(_endpoints.id == endpoint_id)
    if not failed:
        connection.execute(this.where(_endpoints.failing_since.is_not(None)).values(failing_since=None))
        return
    connection.execute(this.where(_endpoints.failing_since.is_(None)).values(failing_since=now))
    tired = sa.true() if gone else _endpoints.failing_since < now - DISABLE_AFTER
    reason = "the receiver answered 410 Gone" if gone else f"every attempt failed for {DISABLE_AFTER.days} days"
    disabled = {"enabled": False, "disabled_reason": reason, "version": _endpoints.version + 1, "updated_at": now}
    if connection.execute(this.where(_endpoints.enabled.is_(sa.true()), tired).values(disabled)).rowcount:
        fail_pending(connection, endpoint_id, now)


def _found(connection: sa.Connection, id: str, tenant: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(webhook_deliveries).where(_deliveries.id == id, _deliveries.tenant == tenant)).first()
    if row is None:
        raise NotFound("There is no such delivery.")
    return row


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        tenant=row.tenant,
        endpoint_id=row.endpoint_id,
        hook=row.hook or ("analysis" if row.hook_id is not None else None),
        event_type=row.event_type,
        analysis_id=row.analysis_id,
        status=row.status,
        attempts=row.attempts,
        created_at=aware(row.created_at),
        next_attempt_at=maybe_aware(row.next_attempt_at),
        finished_at=maybe_aware(row.finished_at),
        last_status=row.last_status,
        last_error=row.last_error,
    )
