"""An analysis as its users see it: the request, its state, its events."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from crew.domain.base import Value
from crew.domain.document import MAX_ATTACHED, DocumentId
from crew.domain.instrument import Symbol

Status = Literal["queued", "running", "succeeded", "failed", "canceled"]
LONGEST_DEADLINE_S = 86_400
TERMINAL: frozenset[Status] = frozenset({"succeeded", "failed", "canceled"})
Language = Literal["en", "pt-BR", "es"]
Depth = Literal["quick", "standard", "deep"]
# The report's subjects by the id of their section; a test keeps them equal to those of the drafts.
Focus = Literal[
    "business",
    "events",
    "catalysts",
    "risks",
    "growth",
    "profitability",
    "balance_sheet",
    "cash_flow",
    "valuation",
    "trend",
    "momentum",
    "volatility",
    "levels",
]
FOCUSES: tuple[Focus, ...] = get_args(Focus)
EventType = Literal[
    "analysis.queued",
    "analysis.started",
    "analysis.estimated",
    "step.started",
    "step.finished",
    "model.called",
    "analysis.succeeded",
    "analysis.failed",
    "analysis.canceled",
]


def _in_order(focus: tuple[Focus, ...]) -> tuple[Focus, ...]:
    """The same wishes in another order are the same request."""
    return tuple(known for known in FOCUSES if known in focus)


class AnalysisRequest(Value):
    """What to analyse. `as_of` None means the newest data the provider has; `model` and `max_cost_usd` None mean the configured ones.

    `documents` are ids of attached documents; their order numbers them. `depth` is how much work the crew puts in, `focus` are the
    subjects to treat first and most. `deadline_s` seconds after it was made the analysis is given up, None leaves the configured limit alone.
    """

    symbol: Symbol
    as_of: date | None = None
    language: Language = "en"
    model: str | None = Field(default=None, max_length=200)
    max_cost_usd: float | None = Field(default=None, gt=0, le=1000)
    force: bool = False
    documents: tuple[DocumentId, ...] = Field(default=(), max_length=MAX_ATTACHED)
    depth: Depth = "standard"
    focus: Annotated[tuple[Focus, ...], AfterValidator(_in_order)] = ()
    deadline_s: int | None = Field(default=None, ge=1, le=LONGEST_DEADLINE_S)


class Origin(Value):
    """Where an analysis comes from: the API key that asked, the batch it is part of, the analysis it repeats, the client's own labels."""

    key_id: str | None = None
    batch_id: str | None = None
    retried_from: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class Usage(Value):
    """What the model calls of an analysis used so far. `unpriced_calls` are not in `cost_usd`: their price is unknown."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0


class Progress(Value):
    """Finished and total tasks of the crew, and the step that runs now."""

    completed_tasks: int = 0
    total_tasks: int = 0
    current_step: str | None = None


class Failure(Value):
    """Why an analysis failed: a stable code from the error table, one sentence, and whether another try can help."""

    code: str
    message: str
    retryable: bool


class Analysis(Value):
    """One analysis. Times are UTC. `tenant` never leaves the service. `config_version` is the hash of the configuration it was asked of."""

    id: str
    tenant: str
    request: AnalysisRequest
    status: Status
    progress: Progress
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    failure: Failure | None = None
    report_status: Literal["complete", "partial"] | None = None
    origin: Origin = Origin()
    usage: Usage = Usage()
    last_seq: int = 0
    config_version: str | None = None

    def deadline(self, limit_s: float) -> datetime | None:
        """When it is out of time: by the service's limit, which counts from its start, or by its own, which counts from its making."""
        own = [] if self.request.deadline_s is None else [self.created_at + timedelta(seconds=self.request.deadline_s)]
        return min([*own, *([] if self.started_at is None else [self.started_at + timedelta(seconds=limit_s)])], default=None)

    @property
    def is_terminal(self) -> bool:
        """Whether the analysis has ended one way or another."""
        return self.status in TERMINAL


class Event(Value):
    """One entry of an analysis's append-only log. `seq` counts from 1 without gaps."""

    analysis_id: str
    seq: int
    type: EventType
    at: datetime
    data: dict[str, Any] = Field(default_factory=dict)
