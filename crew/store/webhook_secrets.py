"""What signs the webhooks of single analyses: one secret for each tenant, sealed, made when it is first needed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from crew.domain.webhooks import SigningSecret
from crew.errors import ConfigurationError
from crew.store.analyses import utc_now
from crew.store.connect import connected
from crew.store.moments import aware
from crew.store.sealing import Seal
from crew.store.webhook_tables import webhook_secrets
from crew.store.webhooks import new_secret, signing_secrets

_secrets = webhook_secrets.c


class SecretStore:
    """The signing secrets of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        seal: keeps the secrets.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, seal: Seal, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock

    def get(self, tenant: str) -> SigningSecret:
        """The tenant's secret, made now if there is none yet.

        Raises:
            ConfigurationError: it was sealed with another key.
        """
        return self._opened(self._made(tenant))

    def rotate(self, tenant: str, *, overlap: timedelta) -> SigningSecret:
        """Give the tenant a new secret; the one before signs as well for the `overlap`, unless it was sealed with another key."""
        present = self._made(tenant)
        kept = {"previous_secret": present.secret, "previous_secret_until": self._clock() + overlap}
        try:
            self._seal.open(present.secret, context=_context(tenant))
        except ConfigurationError:
            kept = {"previous_secret": None, "previous_secret_until": None}
        change = sa.update(webhook_secrets).where(_secrets.tenant == tenant)
        with connected(self._engine) as connection:
            connection.execute(change.values(**kept, **self._fresh(tenant)))
        return self.get(tenant)

    def signing(self, tenant: str) -> list[str]:
        """The secrets that sign now, the newest first.

        Raises:
            ConfigurationError: one was sealed with another key.
        """
        found = self.get(tenant)
        return [found.secret, *([found.previous] if found.previous is not None else [])]

    def _fresh(self, tenant: str) -> dict[str, Any]:
        return {"secret": self._seal.close(new_secret(), context=_context(tenant)), "created_at": self._clock()}

    def _made(self, tenant: str) -> sa.Row[Any]:
        """The tenant's row, added now if there is none yet."""
        row = self._row(tenant)
        if row is None:
            try:
                with connected(self._engine) as connection:
                    connection.execute(sa.insert(webhook_secrets).values(tenant=tenant, **self._fresh(tenant)))
            except IntegrityError:
                pass  # another process has just added it
            row = self._row(tenant)
        if row is None:
            raise RuntimeError("the signing secret was deleted while it was read")
        return row

    def _row(self, tenant: str) -> sa.Row[Any] | None:
        with connected(self._engine) as connection:
            return connection.execute(sa.select(webhook_secrets).where(_secrets.tenant == tenant)).first()

    def _opened(self, row: sa.Row[Any]) -> SigningSecret:
        secret, *before = signing_secrets(self._seal, row, context=_context(row.tenant), now=self._clock())
        return SigningSecret(
            secret=secret,
            created_at=aware(row.created_at),
            previous=before[0] if before else None,
            previous_until=aware(row.previous_secret_until) if before else None,
        )


def _context(tenant: str) -> str:
    return f"webhook-secret:{tenant}"
