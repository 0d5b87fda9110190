"""Evidence: one figure or text with everything needed to check it."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from crew.domain.base import Value

Kind = Literal["observed", "derived", "text", "assumption"]
Unit = Literal["currency", "currency_per_share", "percent", "ratio", "multiple", "shares", "count", "date", "days", "points", "index", "text"]
Period = str
GapReason = Literal["not_reported", "vendor_error", "stale", "unit_mismatch", "not_applicable", "insufficient_history"]

EVIDENCE_ID = r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_\-]+)+"


class Evidence(Value):
    """One datum. `id` is dotted and stable: `income.revenue.FY2025`, `price.return_1y`, `valuation.dcf.per_share`.

    `value` is a number, an ISO date for unit `date`, or text for kind `text`. Percentages are in percent (12.5 means
    12.5 %), `ratio` is a plain quotient, `multiple` a quotient read as "times", `currency` an amount in major units of
    `currency`, `points` a score or index points. `period` is FY2025, Q3-2025, TTM, spot or a window such as 1y.
    `locator` names the provider's endpoint and field; derived values carry `formula` and `inputs` (evidence ids) instead.
    `label` is what a reader calls it ("Revenue"), in English.
    """

    id: str = Field(pattern=EVIDENCE_ID, max_length=120)
    kind: Kind
    label: str
    value: float | str
    unit: Unit
    currency: str | None = None
    period: Period
    as_of: date
    retrieved_at: datetime | None = None
    source: str
    locator: str | None = None
    formula: str | None = None
    inputs: tuple[str, ...] = ()

    @property
    def number(self) -> float:
        """The value as a number.

        Raises:
            TypeError: the value is a date or a text.
        """
        if isinstance(self.value, str):
            raise TypeError(f"{self.id} is not a number but {self.unit}")
        return self.value


class Gap(Value):
    """A figure that could not be had, under the id it would have had, with the reason and one sentence of detail."""

    id: str
    label: str
    reason: GapReason
    detail: str
