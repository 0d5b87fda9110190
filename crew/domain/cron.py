"""Cron expressions in a time zone: which are accepted, and when they fire, across changes of the clock."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from crew.errors import InvalidRequest

LONGEST = 100
_FIELDS = re.compile(r"[0-9A-Za-z*,/#-]+( [0-9A-Za-z*,/#-]+){4}")


def checked_zone(name: str) -> str:
    """`name` if it is a time zone of the IANA database, such as America/New_York.

    Raises:
        ValueError: it is not.
    """
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError("not a time zone: use a name of the IANA database, for example America/New_York or UTC") from None
    return name


def checked_cron(expression: str) -> str:
    """`expression` with single spaces, if it has five fields that are understood and fires at all.

    Raises:
        ValueError: it does not.
    """
    text = " ".join(expression.split())
    if len(text) > LONGEST or not _FIELDS.fullmatch(text):
        raise ValueError("not a cron expression: five fields (minute hour day month weekday), for example 30 6 * * MON-FRI")
    try:
        next_runs(text, "UTC", after=datetime(2026, 1, 1, tzinfo=UTC), count=1)
    except (CronSimError, InvalidRequest) as error:
        raise ValueError(f"not a cron expression: {error}") from None
    return text


def next_runs(expression: str, zone: str, *, after: datetime, count: int = 3) -> Sequence[datetime]:
    """The next `count` moments in UTC, strictly after `after`, at which `expression` fires by the clocks of `zone`.

    A time of day that a change of the clock leaves out fires at the first moment after the gap, one that it repeats fires once; what fires
    every few minutes or every hour goes by real time.

    Raises:
        InvalidRequest: it never fires again.
    """
    moments = (moment.astimezone(UTC) for moment in CronSim(expression, after.astimezone(ZoneInfo(zone))))
    # Asked within an hour that the clocks repeat, the library begins with the time that has been already.
    found = list(islice((moment for moment in moments if moment > after), count))
    if len(found) < count:
        raise InvalidRequest("the cron expression never fires")
    return found
