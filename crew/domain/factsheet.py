"""The fact sheet: every figure of one instrument on one day, and what follows from them by rule."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from crew.domain.base import Value
from crew.domain.document import AttachedDocument
from crew.domain.evidence import Evidence, Gap
from crew.domain.instrument import Instrument
from crew.domain.run import ModelCall

Rating = Literal["strong_buy", "buy", "hold", "sell", "strong_sell", "not_rated"]
Pillar = Literal["value", "quality", "growth", "momentum", "safety"]
Severity = Literal["info", "warning", "serious"]


class RuleResult(Value):
    """One scorecard rule applied: what it says, what it saw, and what it gave. `points` is None where a figure is missing."""

    name: str
    statement: str
    evidence: tuple[str, ...]
    points: float | None
    maximum: float


class PillarScore(Value):
    """One pillar's score from 0 to 100, or None when too few of its rules could be applied."""

    pillar: Pillar
    score: float | None
    rules: tuple[RuleResult, ...]


class Scorecard(Value):
    """The pillars, the weighted total (0 to 100) and the rule by which the rating follows from it."""

    pillars: tuple[PillarScore, ...]
    total: float | None
    rating: Rating
    rating_rule: str


class QualityFlag(Value):
    """Something a reader must know about the data first: stale prices, a gap, an identity that does not hold."""

    code: str
    severity: Severity
    message: str
    evidence: tuple[str, ...] = ()


class DataQuality(Value):
    """How complete and how fresh the data is. `coverage` is the share in percent of applicable figures that could be computed."""

    coverage: float = Field(ge=0, le=100)
    figures: int
    missing: int
    oldest: date | None
    newest: date | None
    flags: tuple[QualityFlag, ...] = ()


class Scenario(Value):
    """One valuation scenario: its drivers and result are evidence ids; probabilities of all scenarios sum to 100."""

    name: Literal["bear", "base", "bull"]
    probability: float
    drivers: tuple[str, ...]
    per_share: str


class SensitivityGrid(Value):
    """Value per share by discount rate (rows) and terminal growth (columns), both in percent. A cell that the model cannot give is None."""

    rows: tuple[float, ...]
    columns: tuple[float, ...]
    cells: tuple[tuple[float | None, ...], ...]
    currency: str


class Valuation(Value):
    """The valuation's structure; the figures themselves are evidence."""

    scenarios: tuple[Scenario, ...] = ()
    sensitivity: SensitivityGrid | None = None
    checks: tuple[QualityFlag, ...] = ()


class ChartSeries(Value):
    """A series drawn in the report. `values` align with `dates`; None is a gap."""

    id: str
    label: str
    unit: str
    dates: tuple[date, ...]
    values: tuple[float | None, ...]


class FactSheet(Value):
    """Everything known about `instrument` at `as_of`. Evidence is ordered and its ids are unique.

    `retrieval_calls` are the embedding calls that finding the attached documents' passages took.
    """

    instrument: Instrument
    as_of: date
    provider: str
    snapshot_hash: str
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    scorecard: Scorecard
    valuation: Valuation
    data_quality: DataQuality
    charts: tuple[ChartSeries, ...] = ()
    documents: tuple[AttachedDocument, ...] = ()
    retrieval_calls: tuple[ModelCall, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Evidence]:
        """Evidence by id."""
        return {item.id: item for item in self.evidence}

    def with_evidence(self, further: Iterable[Evidence]) -> "FactSheet":
        """The same sheet with `further` evidence behind its own; what it has already stays as it is."""
        new = {item.id: item for item in further if item.id not in self.by_id}
        if not new:
            return self
        return self.model_copy(update={"evidence": (*self.evidence, *new.values())})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "FactSheet":
        """A copy with the fields of `update`, and without the cached look-up, which may fit them no longer."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("by_id", None)
        return copied
