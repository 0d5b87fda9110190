"""Queries and bodies of what was used."""

from datetime import date
from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.fields import Answered, Sent
from api.schemas.labels import Day


class ReadUsage(Sent):
    """Which days to tell."""

    first: Day | None = Field(None, alias="from", description="First day in UTC; by default 30 days before the last.")
    last: Day | None = Field(None, alias="to", description="Last day in UTC; by default today.")


class UsedBody(Answered):
    """Model calls, their tokens and their cost. Calls whose price is unknown are in `unpriced_calls` and not in `cost_usd`."""

    calls: int
    failed_calls: int
    unpriced_calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float


class ModelUsage(UsedBody):
    """What one model was used for."""

    model: str


class DayBody(UsedBody):
    """One day of UTC, in all and by model."""

    date: date
    models: list[ModelUsage]


class QuotaBody(Answered):
    """One limit of the key: null where there is none."""

    limit: float | None
    used: float
    left: float | None


class QuotasBody(Answered):
    """What is left of the key's limits; requests per minute stand in the RateLimit headers.

    Of the money, what analyses under way may still cost under their caps is not left either.
    """

    analyses_per_hour: QuotaBody
    concurrent_analyses: QuotaBody
    usd_per_day: QuotaBody


_USED = {
    "calls": 3,
    "failed_calls": 0,
    "unpriced_calls": 0,
    "prompt_tokens": 14120,
    "completion_tokens": 2210,
    "cached_tokens": 0,
    "cost_usd": 0.00795,
}
_EXAMPLE: dict[str, Any] = {
    "first": "2026-03-01",
    "last": "2026-03-12",
    "data": [{"date": "2026-03-12", **_USED, "models": [{"model": "openai/gpt-5-mini", **_USED}]}],
    "total": _USED,
    "quota": {
        "analyses_per_hour": {"limit": 60, "used": 1, "left": 59},
        "concurrent_analyses": {"limit": None, "used": 0, "left": None},
        "usd_per_day": {"limit": 5.0, "used": 0.00795, "left": 4.99205},
    },
}


class UsageBody(Answered):
    """The tenant's use by day, oldest first; days without a call are left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    first: date
    last: date
    data: list[DayBody]
    total: UsedBody
    quota: QuotasBody
