"""Bodies, queries and headers of analyses."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from api.schemas.fields import Answered, DeadlineSeconds, DocumentIdText, KeyedHeaders, ListQuery, PageSize, Sent, SymbolText, WaitHeaders
from api.schemas.labels import BatchId, Labels, Moment, ScheduleId
from api.schemas.webhooks import UrlText
from crew.domain.analysis import FOCUSES, AnalysisRequest, Depth, Focus, Language, Status
from crew.domain.document import MAX_ATTACHED


class CreateAnalysis(Sent):
    """What to analyse."""

    symbol: SymbolText = Field(description="Ticker as Yahoo Finance spells it; lower case is accepted.")
    as_of: date | None = Field(None, description="Analyse as of this day: nothing later is used. By default the newest data.")
    language: Language = Field("en", description="Language of the report. The `rules` model writes en and pt-BR, and says so where it cannot.")
    metadata: Labels = Field(default_factory=dict, description="Up to 20 texts of your own, kept with the analysis and given back with it.")
    model: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",
        description="`rules` or a model string; by default the configured one.",
    )
    max_cost_usd: float | None = Field(
        None, gt=0, le=1000, allow_inf_nan=False, description="Cap in US dollars, kept before each model call; by default the configured one."
    )
    force: bool = Field(False, description="Start anew even when a fresh finished analysis of the same request exists.")
    documents: list[DocumentIdText] = Field(
        [],
        max_length=MAX_ATTACHED,
        description="Ids of attached documents for the crew to read and quote, each once.",
        json_schema_extra={"uniqueItems": True},
    )

    depth: Depth = Field(
        "standard", description="How much work the crew puts in: `quick` is short and looks nothing up, `deep` looks further and mends more."
    )
    focus: list[Focus] = Field(
        [],
        max_length=len(FOCUSES),
        description="Subjects to treat first and most, each once: sections of the report by their id. Their order does not matter.",
        json_schema_extra={"uniqueItems": True},
    )
    deadline_s: DeadlineSeconds | None = Field(
        None,
        description="Seconds from now after which it fails, queued or running; the service's own limit on the time it runs holds as well.",
    )
    webhook_url: UrlText | None = Field(
        None,
        description="Told when this analysis starts and ends, as webhook endpoints are, signed by the secret of `GET /v1/webhook-secret`. "
        "A public https address; redirects are not followed.",
    )

    @field_validator("documents", "focus")
    @classmethod
    def _each_once(cls, named: list[str]) -> list[str]:
        if len(set(named)) != len(named):
            raise ValueError("each may be named once")
        return named

    def to_request(self) -> AnalysisRequest:
        """The same as the crew's own request."""
        return AnalysisRequest(
            symbol=self.symbol,
            as_of=self.as_of,
            language=self.language,
            model=self.model,
            max_cost_usd=self.max_cost_usd,
            force=self.force,
            documents=tuple(self.documents),
            depth=self.depth,
            focus=tuple(self.focus),
            deadline_s=self.deadline_s,
        )


class CreateHeaders(KeyedHeaders, WaitHeaders):
    """Headers of creating an analysis."""


class CancelAnalysis(Sent):
    """Why an analysis is canceled; for the log only."""

    reason: str | None = Field(None, max_length=200)


class ListAnalyses(ListQuery):
    """Which analyses to list."""

    limit: PageSize = Field(20, description="Analyses per page; more than 100 counts as 100.")
    status: Status | None = Field(None, description="Only analyses in this state.")
    symbol: SymbolText | None = Field(None, description="Only analyses of this ticker.")
    batch_id: BatchId | None = Field(None, description="Only analyses that answer items of this batch.")
    schedule_id: ScheduleId | None = Field(None, description="Only analyses that runs of this schedule started.")
    created_after: Moment | None = Field(None, description="Only analyses created later than this moment.")


class FailureBody(Answered):
    """Why an analysis failed, with the members of a problem."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool


class ProgressBody(Answered):
    """How far the crew is."""

    completed_tasks: int
    total_tasks: int
    current_task: str | None


class UsageOfAnalysis(Answered):
    """What the model calls used so far; `unpriced_calls` are not in `cost_usd`, because no price of theirs is known."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced_calls: int


class Urls(Answered):
    """Where the parts of an analysis are."""

    self: str
    events: str
    report: str
    sources: str
    cancel: str
    retry: str


_ID = "an_aghk4lnbpj7rhfabk5gvk43pku"
_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "status": "running",
    "symbol": "AAPL",
    "as_of": None,
    "language": "en",
    "model": None,
    "documents": [],
    "max_cost_usd": None,
    "depth": "standard",
    "focus": ["valuation"],
    "deadline_s": 600,
    "config_version": "5f1b7a0c3d2e4f60718293a4b5c6d7e8f9a0b1c2d3e4f5061728394a5b6c7d8e",
    "created_at": "2026-03-12T12:00:00Z",
    "started_at": "2026-03-12T12:00:01Z",
    "finished_at": None,
    "cancel_requested_at": None,
    "progress": {"completed_tasks": 1, "total_tasks": 4, "current_task": "fundamentals"},
    "report_status": None,
    "error": None,
    "usage": {"prompt_tokens": 5210, "completion_tokens": 804, "cost_usd": 0.002911, "unpriced_calls": 0},
    "deadline_at": "2026-03-12T12:10:00Z",
    "expires_at": None,
    "retried_from": None,
    "batch_id": None,
    "metadata": {"desk": "emea"},
    "urls": {
        "self": f"/v1/analyses/{_ID}",
        "events": f"/v1/analyses/{_ID}/events",
        "report": f"/v1/analyses/{_ID}/report",
        "sources": f"/v1/analyses/{_ID}/sources",
        "cancel": f"/v1/analyses/{_ID}/cancel",
        "retry": f"/v1/analyses/{_ID}/retry",
    },
}


class AnalysisBody(Answered):
    """One analysis. It fails at `deadline_at` when it has not ended before, and is deleted at `expires_at` when nobody deletes it sooner.

    `config_version` changes with the crew's files, the models, the market data and the code: two analyses of one version ran alike.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    status: Status
    symbol: str
    as_of: date | None
    language: str
    model: str | None
    documents: list[str]
    max_cost_usd: float | None
    depth: Depth
    focus: list[Focus]
    deadline_s: int | None
    config_version: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    progress: ProgressBody
    report_status: Literal["complete", "partial"] | None
    error: FailureBody | None
    usage: UsageOfAnalysis
    deadline_at: datetime | None
    expires_at: datetime | None
    retried_from: str | None
    batch_id: str | None
    metadata: dict[str, str]
    urls: Urls


class AnalysisPage(Answered):
    """One page of analyses, newest first. `next_cursor` null means that there are no more."""

    data: list[AnalysisBody]
    next_cursor: str | None
