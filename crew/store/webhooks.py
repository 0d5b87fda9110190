"""Webhook endpoints in the database. Their secrets are sealed, shown when made, and opened by the worker to sign."""

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crew.domain.ids import new_id
from crew.domain.webhooks import TEST_EVENT, EndpointEvent, WebhookEndpoint
from crew.errors import NotFound, ResourceChanged, ResourceInUse
from crew.store.analyses import utc_now
from crew.store.connect import connected, one_at_a_time
from crew.store.moments import aware, maybe_aware
from crew.store.notify import new_delivery
from crew.store.pages import newest_first
from crew.store.sealing import Seal
from crew.store.webhook_tables import webhook_deliveries, webhook_endpoints

MOST_PER_TENANT = 20
_SECRET_BYTES = 32
_endpoints = webhook_endpoints.c
DISABLED = "the endpoint is disabled"


def new_secret(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A secret as Standard Webhooks spells it."""
    return "whsec_" + base64.b64encode(random_bytes(_SECRET_BYTES)).decode()


def signing_secrets(seal: Seal, row: sa.Row[Any], *, context: str, now: datetime) -> list[str]:
    """The secret of `row`, and behind it the one before while that signs as well.

    Raises:
        ConfigurationError: one was sealed with another key.
    """
    sealed = [row.secret]
    if row.previous_secret is not None and aware(row.previous_secret_until) > now:
        sealed.append(row.previous_secret)
    return [seal.open(text, context=context) for text in sealed]


class EndpointStore:
    """The webhook endpoints of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        seal: keeps the secrets.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, seal: Seal, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock

    def create(self, *, tenant: str, url: str, description: str, event_types: Sequence[EndpointEvent]) -> tuple[WebhookEndpoint, str]:
        """A new endpoint, and its secret, which is shown this once.

        Raises:
            ResourceInUse: the tenant has as many as it may.
        """
        now, id, secret = self._clock(), new_id("we"), new_secret()
        values = {"url": url, "description": description, "event_types": " ".join(event_types), "enabled": True, "version": 1}
        row = {"id": id, "tenant": tenant, "secret": self._seal.close(secret, context=id), "created_at": now, "updated_at": now} | values
        with connected(self._engine) as connection:
            one_at_a_time(connection, f"webhook-endpoints:{tenant}")
            connection.execute(sa.insert(webhook_endpoints).values(row))
            number = connection.execute(sa.select(sa.func.count()).where(_endpoints.tenant == tenant)).scalar_one()
            if number > MOST_PER_TENANT:
                raise ResourceInUse(f"There are {MOST_PER_TENANT} webhook endpoints, which is the limit: delete one first.")
        return self.get(id, tenant=tenant), secret

    def get(self, id: str, *, tenant: str) -> WebhookEndpoint:
        """One endpoint.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            return _endpoint(_found(connection, id, tenant))

    def list(self, *, tenant: str, limit: int, before: tuple[datetime, str] | None = None) -> Sequence[WebhookEndpoint]:
        """Up to `limit` of the tenant's endpoints, newest first, older than `before` (creation time and id)."""
        query = sa.select(webhook_endpoints).where(_endpoints.tenant == tenant)
        with connected(self._engine) as connection:
            rows = connection.execute(newest_first(query, webhook_endpoints, before=before, limit=limit))
            return [_endpoint(row) for row in rows]

    def change(self, id: str, *, tenant: str, version: int, changes: dict[str, Any]) -> WebhookEndpoint:
        """Change columns. Enabling forgets why it was disabled; disabling fails what has not been delivered.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceChanged: it is no longer at `version`.
        """
        values = dict(changes)
        if "event_types" in values:
            values["event_types"] = " ".join(values["event_types"])
        if values.get("enabled") is True:
            values |= {"disabled_reason": None, "failing_since": None}
        elif values.get("enabled") is False:
            values["disabled_reason"] = "disabled by request"
        with connected(self._engine) as connection:
            _found(connection, id, tenant)
            _changed(connection, id, version, values | {"updated_at": self._clock()})
            if values.get("enabled") is False:
                fail_pending(connection, id, self._clock())
        return self.get(id, tenant=tenant)

    def delete(self, id: str, *, tenant: str, version: int) -> None:
        """Delete the endpoint with its deliveries.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceChanged: it is no longer at `version`.
        """
        with connected(self._engine) as connection:
            _found(connection, id, tenant)
            if not connection.execute(sa.delete(webhook_endpoints).where(_endpoints.id == id, _endpoints.version == version)).rowcount:
                raise ResourceChanged("The endpoint has changed.")

    def rotate(self, id: str, *, tenant: str, overlap: timedelta) -> tuple[WebhookEndpoint, str]:
        """Give the endpoint a new secret, shown this once; the one before signs as well for the `overlap`.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        secret, now = new_secret(), self._clock()
        with connected(self._engine) as connection:
            _found(connection, id, tenant)
            previous = {"previous_secret": _endpoints.secret, "previous_secret_until": now + overlap}
            values = {"secret": self._seal.close(secret, context=id), "version": _endpoints.version + 1, "updated_at": now}
            connection.execute(sa.update(webhook_endpoints).where(_endpoints.id == id).values(previous | values))
        return self.get(id, tenant=tenant), secret

    def test(self, id: str, *, tenant: str) -> str:
        """Send the endpoint a test message; the id of the delivery.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            ResourceInUse: it is disabled.
        """
        with connected(self._engine) as connection:
            if not _found(connection, id, tenant).enabled:
                raise ResourceInUse("The endpoint is disabled: enable it first.")
            row = new_delivery(TEST_EVENT, self._clock(), tenant=tenant, target=id, endpoint_id=id)
            connection.execute(sa.insert(webhook_deliveries).values(row))
            return str(row["id"])


def fail_pending(connection: sa.Connection, endpoint_id: str, now: datetime) -> None:
    """Give up what was to be delivered to an endpoint that has been disabled."""
    pending = sa.update(webhook_deliveries).where(webhook_deliveries.c.endpoint_id == endpoint_id, webhook_deliveries.c.status == "pending")
    connection.execute(
        pending.values(status="failed", finished_at=now, next_attempt_at=None, last_error=DISABLED, claimed_by=None, claimed_until=None)
    )


def _found(connection: sa.Connection, id: str, tenant: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(webhook_endpoints).where(_endpoints.id == id, _endpoints.tenant == tenant)).first()
    if row is None:
        raise NotFound("There is no such webhook endpoint.")
    return row


def _changed(connection: sa.Connection, id: str, version: int, values: dict[str, Any]) -> None:
    change = sa.update(webhook_endpoints).where(_endpoints.id == id, _endpoints.version == version)
    if not connection.execute(change.values(values | {"version": version + 1})).rowcount:
        raise ResourceChanged("The endpoint has changed.")


def _endpoint(row: sa.Row[Any]) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=row.id,
        tenant=row.tenant,
        url=row.url,
        description=row.description,
        event_types=tuple(row.event_types.split()),
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        failing_since=maybe_aware(row.failing_since),
        previous_secret_until=maybe_aware(row.previous_secret_until),
        version=row.version,
        created_at=aware(row.created_at),
        updated_at=aware(row.updated_at),
    )
