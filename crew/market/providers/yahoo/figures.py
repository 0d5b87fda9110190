"""Single figures out of Yahoo's JSON: finite numbers and dates, or nothing."""

import math
from datetime import UTC, date, datetime


def number(value: object) -> float | None:
    """Return a finite number, else None. Yahoo's `{"raw": 1.5, "fmt": "1.50"}` counts as its raw value."""
    if isinstance(value, dict):
        value = value.get("raw")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def count(value: object) -> int | None:
    """Return a whole number, else None."""
    found = number(value)
    return None if found is None else int(found)


def moment(value: object) -> datetime | None:
    """Return the UTC time of an epoch in seconds, else None."""
    found = number(value)
    if found is None or not 0 <= found < 32503680000:
        return None
    return datetime.fromtimestamp(found, UTC)


def day(value: object) -> date | None:
    """Return the UTC date of an epoch in seconds, else None."""
    found = moment(value)
    return None if found is None else found.date()
