"""API keys in the database: who they belong to, what they may do, and only the hash of their secret."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BeforeValidator, Field

from crew.domain.base import Value, whole
from crew.domain.ids import new_id
from crew.errors import NotFound
from crew.store.analyses import utc_now
from crew.store.connect import connected
from crew.store.keytext import make_key, read_key
from crew.store.moments import aware, maybe_aware
from crew.store.tables import api_keys

Scope = Literal["read", "run", "admin"]
Count = Annotated[int, Field(ge=1, le=10**9), BeforeValidator(whole)]
_TOUCH_AFTER = timedelta(minutes=1)


class KeyLimits(Value):
    """What one key may use; None means without limit."""

    requests_per_minute: Count | None = None
    analyses_per_hour: Count | None = None
    concurrent_analyses: Count | None = None
    streams: Count | None = None
    usd_per_day: float | None = Field(None, gt=0, le=10**9)


class ApiKey(Value):
    """One key. `lookup` is the public part by which it is found; the secret is not kept."""

    id: str
    tenant: str
    name: str
    lookup: str
    scopes: tuple[Scope, ...]
    limits: KeyLimits
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class KeyStore:
    """The keys of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        engine: the database.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def issue(
        self, env: str, *, tenant: str, name: str, scopes: Sequence[Scope], limits: KeyLimits | None = None, expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Make and keep a key; the second value is its text, which cannot be had again."""
        made = make_key(env)
        key = ApiKey(
            id=new_id("key"),
            tenant=tenant,
            name=name,
            lookup=made.lookup,
            scopes=tuple(scopes),
            limits=limits or KeyLimits(),
            created_at=self._clock(),
            expires_at=expires_at,
        )
        self.add(key, secret_hash=made.hash)
        return key, made.text

    def adopt(self, text: str, *, tenant: str, name: str, scopes: Sequence[Scope]) -> bool:
        """Keep a key that was made elsewhere; False when it is kept already, and then it stays as it is, revoked or not.

        Raises:
            ValueError: the text is no key, or its public part belongs to another one.
        """
        made = read_key(text)
        if made is None:
            raise ValueError("it does not read like an API key")
        kept = self.find(made.lookup)
        if kept is not None:
            if not made.matches(kept[1]):
                raise ValueError("another key has its public part")
            return False
        key = ApiKey(
            id=new_id("key"), tenant=tenant, name=name, lookup=made.lookup, scopes=tuple(scopes), limits=KeyLimits(), created_at=self._clock()
        )
        self.add(key, secret_hash=made.hash)
        return True

    def rotate(self, id: str, env: str, *, tenant: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """A new key like this one, which itself ends after `overlap`, so that both work while the new one is rolled out.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        old = self.get(id, tenant=tenant)
        made = self.issue(env, tenant=tenant, name=old.name, scopes=old.scopes, limits=old.limits, expires_at=old.expires_at)
        self.end(id, tenant=tenant, at=self._clock() + overlap)
        return made

    def add(self, key: ApiKey, *, secret_hash: str) -> None:
        """Keep a new key."""
        values = key.model_dump(exclude={"scopes", "limits"}) | {
            "scopes": " ".join(key.scopes),
            "limits": key.limits.model_dump_json(),
            "secret_hash": secret_hash,
        }
        with connected(self._engine) as connection:
            connection.execute(sa.insert(api_keys).values(values))

    def find(self, lookup: str) -> tuple[ApiKey, str] | None:
        """The key with that public part and the hash of its secret."""
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(api_keys).where(api_keys.c.lookup == lookup)).first()
        return None if row is None else (_key(row), row.secret_hash)

    def get(self, id: str, *, tenant: str) -> ApiKey:
        """One key.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(api_keys).where(api_keys.c.id == id, api_keys.c.tenant == tenant)).first()
        if row is None:
            raise NotFound("There is no such key.")
        return _key(row)

    def list(self, *, tenant: str | None = None) -> list[ApiKey]:
        """The tenant's keys, or everybody's, oldest first."""
        query = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        with connected(self._engine) as connection:
            return [_key(row) for row in connection.execute(query if tenant is None else query.where(api_keys.c.tenant == tenant))]

    def end(self, id: str, *, tenant: str, at: datetime) -> None:
        """Let the key end at `at`: now to revoke it, later to rotate it. A key that ends sooner stays so.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        key = self.get(id, tenant=tenant)
        now = self._clock()
        values: dict[str, Any] = {"expires_at": min(at, key.expires_at) if key.expires_at else at}
        if at <= now and key.revoked_at is None:
            values["revoked_at"] = now
        with connected(self._engine) as connection:
            connection.execute(sa.update(api_keys).where(api_keys.c.id == id).values(values))

    def touch(self, key: ApiKey) -> None:
        """Note that the key was used, at most once a minute."""
        now = self._clock()
        if key.last_used_at is not None and now - key.last_used_at < _TOUCH_AFTER:
            return
        with connected(self._engine) as connection:
            connection.execute(sa.update(api_keys).where(api_keys.c.id == key.id).values(last_used_at=now))


def _key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        lookup=row.lookup,
        scopes=tuple(row.scopes.split()),
        limits=KeyLimits.model_validate_json(row.limits),
        created_at=aware(row.created_at),
        expires_at=maybe_aware(row.expires_at),
        revoked_at=maybe_aware(row.revoked_at),
        last_used_at=maybe_aware(row.last_used_at),
    )
