"""What model calls used by day, and what is left of the limits of the key that asks."""

from collections.abc import Iterable
from datetime import UTC, date
from itertools import groupby

from flask import Response, g

from api.contract import Answer, Resource
from api.present import json_answer
from api.schemas.usage import DayBody, ModelUsage, QuotaBody, QuotasBody, ReadUsage, UsageBody, UsedBody
from api.services import services
from crew.store.quotas import with_defaults
from crew.store.usage import DayUsage

_DAYS = 30
_DECIMALS = 9

resource = Resource("usage", "Tokens and money by day of UTC. Deleting an analysis gives nothing back.")


@resource.operation("GET", "/v1/usage", scope="read", query=ReadUsage, answers={200: Answer("The use by day, and the quota left", UsageBody)})
def read_usage(query: ReadUsage) -> Response:
    """Read tokens and cost by day, and what is left of the key's limits now.

    The days are those of the whole tenant; the quota is that of the key that asks, and without a key that of the tenant.
    """
    principal = g.principal
    last = query.last or services().clock().astimezone(UTC).date()
    first = query.first or date.fromordinal(max(1, last.toordinal() - _DAYS))
    found = services().usage.days(tenant=principal.tenant, first=first, last=last)
    days = [
        DayBody(date=day, models=[ModelUsage(model=one.model, **_sums([one])) for one in models], **_sums(models))
        for day, models in ((day, list(rows)) for day, rows in groupby(found, key=lambda row: row.day))
    ]
    answer = json_answer(UsageBody(first=first, last=last, data=days, total=UsedBody(**_sums(found)), quota=_quota()))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _sums(rows: Iterable[DayUsage]) -> dict[str, float]:
    listed = list(rows)
    return {name: round(sum(getattr(row, name) for row in listed), _DECIMALS) for name in UsedBody.model_fields}


def _quota() -> QuotasBody:
    principal = g.principal
    own = principal.limits
    limits = own if principal.key_id is None else with_defaults(own, services().settings)
    used = services().usage.of_key(tenant=principal.tenant, key_id=principal.key_id)
    return QuotasBody(
        analyses_per_hour=_left(limits.analyses_per_hour, used.analyses_last_hour),
        concurrent_analyses=_left(limits.concurrent_analyses, used.concurrent_analyses),
        usd_per_day=_left(limits.usd_per_day, used.usd_today, used.usd_reserved),
    )


def _left(limit: float | None, used: float, reserved: float = 0.0) -> QuotaBody:
    left = None if limit is None else max(0.0, round(limit - used - reserved, _DECIMALS))
    return QuotaBody(limit=limit, used=used, left=left)
