"""Kinds of values of analyses and batches: ids, moments, days, a client's own labels."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, WithJsonSchema

from api.schemas.fields import ANALYSIS_ID

SCHEDULE_ID = r"sc_[a-z2-7]{26}"
BATCH_ID = r"ba_[a-z2-7]{26}"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LABEL = r"^[A-Za-z0-9_.-]{1,40}$"
_MOST_LABELS, _LONGEST_LABEL = 20, 200


def _spelled(pattern: re.Pattern[str], example: str) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise ValueError(f"must be written like {example}")
        return value

    return BeforeValidator(check)


def _few(labels: dict[str, str]) -> dict[str, str]:
    if len(labels) > _MOST_LABELS:
        raise ValueError(f"at most {_MOST_LABELS} entries")
    return labels


AnalysisId = Annotated[str, StringConstraints(pattern=f"^{ANALYSIS_ID}$"), Field(examples=["an_aghk4lnbpj7rhfabk5gvk43pku"])]
BatchId = Annotated[str, StringConstraints(pattern=f"^{BATCH_ID}$"), Field(examples=["ba_aghk4lnbpj7rhfabk5gvk43pku"])]
ScheduleId = Annotated[str, StringConstraints(pattern=f"^{SCHEDULE_ID}$"), Field(examples=["sc_aghk4lnbpj7rhfabk5gvk43pku"])]
Moment = Annotated[AwareDatetime, _spelled(_MOMENT, "2026-03-12T09:30:00Z")]
Day = Annotated[date, _spelled(_DAY, "2026-03-12")]
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "maxProperties": _MOST_LABELS,
    "propertyNames": {"pattern": _LABEL},
    "additionalProperties": {"type": "string", "maxLength": _LONGEST_LABEL},
    "examples": [{"desk": "emea"}],
}
Labels = Annotated[
    dict[Annotated[str, StringConstraints(pattern=_LABEL)], Annotated[str, StringConstraints(max_length=_LONGEST_LABEL)]],
    AfterValidator(_few),
    WithJsonSchema(_SCHEMA),
]
