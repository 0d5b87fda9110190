"""Bodies of health, version and errors."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Answered, Sent
from crew.domain.analysis import Status


class ProblemBody(BaseModel):
    """An error (RFC 9457). `code` is stable; further members may say more."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    instance: str | None = None
    request_id: str | None = None
    errors: list[dict[str, str]] | None = None


class CheckBody(Answered):
    """One thing the service depends on."""

    ok: bool
    detail: str


class WorkerBody(Answered):
    """One worker as its heartbeats show it."""

    name: str
    up_s: float
    silent_s: float


class ReadyDetail(Answered):
    """What runs here and how much there is to do, over all tenants. `streams_at_most` is for this process."""

    version: str
    database: str
    market_data: str
    model: str
    analyses: dict[Status, int]
    oldest_waiting_s: float
    workers: list[WorkerBody]
    streams_at_most: int


class ReadyBody(Answered):
    """Whether requests can be served: `ready`, `degraded` (served, but something waits) or `unavailable`.

    `detail` is there for an operator who asks for it and while the database can be used.
    """

    status: Literal["ready", "degraded", "unavailable"]
    checks: dict[str, CheckBody]
    detail: ReadyDetail | None = None


class ReadReadiness(Sent):
    """How much to say."""

    verbose: Literal["", "true", "false"] | None = Field(
        None, description="With it, or as `verbose=true`, the answer has detail and needs a key with the scope `admin`."
    )


class LandingBody(Answered):
    """What this service is and where to go from here."""

    name: str
    version: str
    description: str
    docs: str
    openapi: str
    problems: str
    analyses: str
    health: str
    readiness: str


class LiveBody(Answered):
    """The process answers."""

    status: Literal["ok"]


class VersionBody(Answered):
    """What runs here."""

    name: str
    version: str
    api: str


class ProblemKind(Answered):
    """One kind of error, explained."""

    code: str
    status: int
    title: str
    meaning: str
    retryable: bool
