"""Several analyses asked for at once, and what became of each."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from crew.domain.analysis import TERMINAL, AnalysisRequest, Status
from crew.domain.base import Value

OnError = Literal["continue", "stop"]
Outcome = Literal["created", "joined", "reused", "refused", "skipped"]


class Refusal(Value):
    """Why an item became no analysis: a stable code from the error table, one sentence, and the single wrong values."""

    code: str
    message: str
    errors: tuple[dict[str, Any], ...] = ()


class Wanted(Value):
    """One item of a new batch: what to analyse with the client's labels, or why it cannot be."""

    request: AnalysisRequest | None
    labels: dict[str, str] = Field(default_factory=dict)
    refusal: Refusal | None = None


class BatchItem(Value):
    """One item: the analysis that answers it and that one's state (None once it is deleted), or why there is none."""

    index: int
    outcome: Outcome
    analysis_id: str | None = None
    status: Status | None = None
    refusal: Refusal | None = None


class Batch(Value):
    """A batch with its items in the order they were sent."""

    id: str
    tenant: str
    on_error: OnError
    created_at: datetime
    cancel_requested_at: datetime | None = None
    items: tuple[BatchItem, ...]

    @property
    def is_finished(self) -> bool:
        """Whether every analysis of it has ended."""
        return all(item.status is None or item.status in TERMINAL for item in self.items)
