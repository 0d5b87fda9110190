"""The report: verified prose, the figures it cites, and the record of how it came about."""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

from pydantic import Field

from crew.domain.analysis import Depth, Focus
from crew.domain.base import Value
from crew.domain.document import AttachedDocument
from crew.domain.draft import Claim, CrewView, Tripwire
from crew.domain.evidence import Evidence, Gap
from crew.domain.factsheet import ChartSeries, DataQuality, Rating, Scorecard, Valuation
from crew.domain.instrument import Instrument
from crew.domain.run import ModelCall, Violation


class Paragraph(Value):
    """One paragraph with its citations still in place as [[id]]; renderers put the values in.

    An item may name the `evidence` it reports and the `tripwire` that would say it has come true.
    """

    text: str
    style: Literal["prose", "item"] = "prose"
    evidence: tuple[str, ...] = ()
    tripwire: Tripwire | None = None


class Section(Value):
    """One section: `id` stable, `title` for the reader, `task` and `agent` that wrote it (None where code did).

    Consecutive sections with the same `group` stand under that heading; without one a section stands alone.
    """

    id: str
    title: str
    group: str | None = None
    task: str | None
    agent: str | None
    paragraphs: tuple[Paragraph, ...]


class ReportClaim(Value):
    """A verified claim and the task that made it."""

    task: str
    claim: Claim


class Recommendation(Value):
    """The computed rating, the rule that gave it, and beside it the crew's own view. `dissent` says whether they differ."""

    rating: Rating
    rule: str
    crew_view: CrewView | None
    dissent: bool


class Figures(Value):
    """How many figures the fact sheet has, how many the prose cites, how many sentences or claims were withheld."""

    total: int
    bound: int
    withheld: int


class Totals(Value):
    """Sums over all model calls. `cost_usd` is None when any call has no known price."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    milliseconds: int
    cost_usd: float | None


class ReceiptLine(Value):
    """What one model did for one agent on one task, and what that cost. `cost_usd` is None when no price is known."""

    agent: str
    task: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    milliseconds: int
    cost_usd: float | None


class Provenance(Value):
    """Who wrote the report from what. `writer` says in plain words what the model is.

    `duration_ms` is the time from the start of the analysis until its report stood, `prices_as_of` the day of the price table.
    """

    model_calls: tuple[ModelCall, ...]
    totals: Totals
    figures: Figures
    models: dict[str, str]
    writer: str
    data_source: str
    repair_rounds: int
    config_hash: str
    snapshot_hash: str
    code_version: str
    notes: tuple[str, ...] = ()
    receipt: tuple[ReceiptLine, ...] = ()
    prices_as_of: str | None = None
    duration_ms: int | None = None


def _is(usual: object) -> Callable[[Any], bool]:
    return lambda value: bool(value == usual)


class Report(Value):
    """The whole report. `status` is partial when anything was withheld.

    `depth` and `focus` are what was asked for. The usual is not written out, so that a report of the usual kind is the same to a release that
    knows neither.
    """

    id: str
    status: Literal["complete", "partial"]
    symbol: str
    as_of: date
    language: str
    instrument: Instrument
    data_quality: DataQuality
    sections: tuple[Section, ...]
    claims: tuple[ReportClaim, ...]
    scorecard: Scorecard
    recommendation: Recommendation
    valuation: Valuation
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...] = ()
    charts: tuple[ChartSeries, ...] = ()
    documents: tuple[AttachedDocument, ...] = ()
    depth: Depth = Field("standard", exclude_if=_is("standard"))
    focus: tuple[Focus, ...] = Field((), exclude_if=_is(()))
    withheld: tuple[Violation, ...]
    provenance: Provenance
    disclosures: tuple[str, ...]

    def lasting(self, milliseconds: int) -> "Report":
        """The report with the time that it took."""
        return self.model_copy(update={"provenance": self.provenance.model_copy(update={"duration_ms": milliseconds})})

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return self.model_dump(mode="json")
