"""Bodies of API keys."""

from datetime import datetime

from pydantic import AwareDatetime, Field

from api.schemas.fields import Answered, Seconds, Sent
from crew.store.keys import KeyLimits, Scope


class CreateKey(Sent):
    """A new API key."""

    name: str = Field(min_length=1, max_length=100, description="What it is for.")
    scopes: list[Scope] = Field(min_length=1, max_length=3, description="What it may do; `admin` includes the others.")
    expires_at: AwareDatetime | None = Field(None, description="When it ends; by default never.")
    limits: KeyLimits | None = Field(None, description="What it may use; by default the service's limits.")


class RotateKey(Sent):
    """How long the old key goes on working."""

    overlap_s: Seconds = Field(86_400, description="Seconds during which both keys work.")


class KeyBody(Answered):
    """One API key, without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    limits: KeyLimits
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyBody(KeyBody):
    """A key that was just made. `secret` is shown this once."""

    secret: str


class KeyPage(Answered):
    """The tenant's keys, oldest first."""

    data: list[KeyBody]
