"""Bodies of batches."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from api.schemas.fields import Answered, Sent
from api.schemas.operations import ProblemBody
from crew.domain.analysis import Status
from crew.domain.batch import OnError, Outcome

LARGEST_BATCH = 100
_ITEM = {"type": "object", "description": "A body of `POST /v1/analyses` (CreateAnalysis). What is wrong with it is told in its place of the batch."}
Item = Annotated[dict[str, Any], WithJsonSchema(_ITEM)]


class CreateBatch(Sent):
    """Several analyses at once. Each item is judged by itself."""

    items: list[Item] = Field(min_length=1, max_length=LARGEST_BATCH, description="Bodies as `POST /v1/analyses` takes them.")
    on_error: OnError = Field(
        "continue", description="`stop`: after a refused item none is begun, and when an analysis fails those not yet ended are canceled."
    )


class BatchItemBody(Answered):
    """What became of one item: the analysis that answers it, or why there is none. `status` is null once the analysis is deleted."""

    index: int
    outcome: Outcome
    analysis_id: str | None
    status: Status | None
    problem: ProblemBody | None


class BatchCounts(Answered):
    """How many items are in each state; `refused` counts those that became no analysis."""

    total: int
    refused: int
    queued: int
    running: int
    succeeded: int
    failed: int
    canceled: int
    deleted: int


class BatchUrls(Answered):
    """Where the parts of a batch are."""

    self: str
    analyses: str
    cancel: str


_EXAMPLE: dict[str, Any] = {
    "id": "ba_aghk4lnbpj7rhfabk5gvk43pku",
    "status": "running",
    "on_error": "continue",
    "created_at": "2026-03-12T12:00:00Z",
    "cancel_requested_at": None,
    "counts": {"total": 2, "refused": 1, "queued": 1, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0, "deleted": 0},
    "items": [
        {"index": 0, "outcome": "created", "analysis_id": "an_aghk4lnbpj7rhfabk5gvk43pku", "status": "queued", "problem": None},
        {
            "index": 1,
            "outcome": "refused",
            "analysis_id": None,
            "status": None,
            "problem": {
                "type": "/problems/invalid_request",
                "title": "A value is wrong",
                "status": 422,
                "detail": "Input should be a valid string",
                "code": "invalid_request",
                "retryable": False,
                "errors": [{"pointer": "#/symbol", "code": "string_type", "detail": "Input should be a valid string"}],
            },
        },
    ],
    "urls": {
        "self": "/v1/batches/ba_aghk4lnbpj7rhfabk5gvk43pku",
        "analyses": "/v1/analyses?batch_id=ba_aghk4lnbpj7rhfabk5gvk43pku",
        "cancel": "/v1/batches/ba_aghk4lnbpj7rhfabk5gvk43pku/cancel",
    },
}


class BatchBody(Answered):
    """A batch: `running` until every analysis of it has ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    status: Literal["running", "finished"]
    on_error: OnError
    created_at: datetime
    cancel_requested_at: datetime | None
    counts: BatchCounts
    items: list[BatchItemBody]
    urls: BatchUrls
