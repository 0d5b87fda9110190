"""What a model writes: typed drafts whose prose cites evidence as [[id]] and never states a figure itself.

A field of type `Prose` is verified sentence by sentence, a `Claim` against the evidence it cites. Every schema that
tasks.yaml may name is in `SCHEMAS`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CITATION = r"\[\[([^\[\]]+)\]\]"

Prose = Annotated[
    str, Field(description="Plain sentences. Every figure is a citation [[evidence.id]]; no digit outside a citation.", max_length=4000)
]


class DraftPart(BaseModel):
    """A part of a draft. Unknown fields are errors, so that a model's slip is seen and repaired."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tripwire(DraftPart):
    """The observation that would prove a claim wrong: an evidence id compared with a threshold in that evidence's own unit."""

    evidence: str
    operator: Literal["<", "<=", ">", ">="]
    threshold: float


class Claim(DraftPart):
    """One argument as data. `direction` is checked against the sign of the evidence; `strength` runs from 1 to 5."""

    text: Prose
    side: Literal["bull", "bear"]
    evidence: list[str] = Field(min_length=1, max_length=6)
    direction: Literal["up", "down", "flat"]
    wrong_if: Tripwire
    strength: int = Field(ge=1, le=5)


class DatedEvent(DraftPart):
    """Something that happened, tied to the text or date evidence that reports it."""

    text: Prose
    evidence: list[str] = Field(min_length=1, max_length=4)


class Risk(DraftPart):
    """A risk and the observation that says it has come true."""

    text: Prose
    tripwire: Tripwire


class Draft(DraftPart):
    """The base of every task's draft."""


class ResearchDraft(Draft):
    """What the company does and what happened to it."""

    business: list[Prose] = Field(min_length=1, max_length=3)
    events: list[DatedEvent] = Field(default_factory=list, max_length=8)
    catalysts: list[Prose] = Field(default_factory=list, max_length=5)
    risks: list[Risk] = Field(default_factory=list, max_length=5)


class FundamentalsDraft(Draft):
    """The company's figures read: one field per subject, then the arguments on both sides."""

    growth: Prose
    profitability: Prose
    balance_sheet: Prose
    cash_flow: Prose
    valuation: Prose
    claims: list[Claim] = Field(default_factory=list, max_length=8)


class TechnicalsDraft(Draft):
    """The price's figures read: one field per subject, then the arguments on both sides."""

    trend: Prose
    momentum: Prose
    volatility: Prose
    levels: Prose
    claims: list[Claim] = Field(default_factory=list, max_length=6)


class SectionDraft(Draft):
    """A free section for tasks that developers add in tasks.yaml."""

    body: list[Prose] = Field(min_length=1, max_length=6)
    claims: list[Claim] = Field(default_factory=list, max_length=6)


class CrewView(DraftPart):
    """The crew's own view beside the computed rating: agree, or one notch up or down, with its reasons."""

    view: Literal["agree", "one_notch_up", "one_notch_down"]
    reason: Prose
    evidence: list[str] = Field(min_length=1, max_length=6)


class ReportDraft(Draft):
    """The reporter's words on top of what the other tasks established."""

    summary: Prose
    thesis: list[Prose] = Field(min_length=1, max_length=4)
    change_our_mind: list[Prose] = Field(min_length=1, max_length=4)
    crew_view: CrewView


# Of each schema the fields that become sections of the report, in reading order; `section` is a section of its own.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "report": ("summary", "thesis", "change_our_mind"),
    "research": ("business", "events", "catalysts", "risks"),
    "fundamentals": ("growth", "profitability", "balance_sheet", "cash_flow", "valuation"),
    "technicals": ("trend", "momentum", "volatility", "levels"),
}

SCHEMAS: dict[str, type[Draft]] = {
    "research": ResearchDraft,
    "fundamentals": FundamentalsDraft,
    "technicals": TechnicalsDraft,
    "section": SectionDraft,
    "report": ReportDraft,
}
