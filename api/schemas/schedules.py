"""Bodies of schedules and their runs."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from api.schemas.automation import MergePatch
from api.schemas.fields import Answered, Sent
from crew.domain.analysis import Language
from crew.domain.cron import checked_cron, checked_zone
from crew.domain.schedules import Outcome, Overlap, RunStatus, Trigger

MODEL = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"


def _not_too_long(text: str) -> str:
    if len(text) > 64:
        raise ValueError("not a time zone: it is too long")
    return checked_zone(text)


WatchlistId = Annotated[str, Field(pattern=r"^wl_[a-z2-7]{26}$", description="The watchlist to analyse; its symbols are read at each run.")]
CronText = Annotated[
    str,
    AfterValidator(checked_cron),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": 100, "examples": ["30 6 * * MON-FRI"], "description": "Minute, hour, day, month, weekday."}
    ),
]
ZoneText = Annotated[
    str,
    AfterValidator(_not_too_long),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": 64, "examples": ["America/New_York"], "description": "A name of the IANA time-zone database."}
    ),
]
ModelText = Annotated[str, Field(min_length=1, max_length=200, pattern=MODEL)]


class CreateSchedule(Sent):
    """When to analyse a watchlist."""

    watchlist_id: WatchlistId
    cron: CronText
    timezone: ZoneText = "UTC"
    overlap: Overlap = Field("skip", description="When the run before is still under way: leave this one out, let it wait, or cancel the one before.")
    paused: bool = False
    language: Language = Field("en", description="Language of the reports' fixed words.")
    model: ModelText | None = Field(None, description="`rules` or a model string; by default the configured one.")


class ChangeSchedule(MergePatch):
    """A merge patch (RFC 7396): what is left out stays as it is; `model` null means the configured one."""

    watchlist_id: WatchlistId = ""
    cron: CronText = ""
    timezone: ZoneText = ""
    overlap: Overlap = "skip"
    paused: bool = False
    language: Language = "en"
    model: ModelText | None = None


class ScheduleBody(Answered):
    """One schedule. `next_runs` is empty while it is paused."""

    id: str
    watchlist_id: str
    cron: str
    timezone: str
    overlap: Overlap
    paused: bool
    language: Language
    model: str | None
    next_runs: list[datetime]
    created_at: datetime
    updated_at: datetime


class SchedulePage(Answered):
    """One page of schedules, newest first."""

    data: list[ScheduleBody]
    next_cursor: str | None


class RunItemBody(Answered):
    """One symbol of a run. `planned` is not submitted yet; `joined` and `reused` are analyses that were there already."""

    symbol: str
    analysis_id: str | None
    outcome: Outcome
    problem: str | None


class RunBody(Answered):
    """One run of a schedule. `finished` means that every analysis has ended, one way or another."""

    id: str
    schedule_id: str
    trigger: Trigger
    status: RunStatus
    reason: str | None
    due_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    items: list[RunItemBody]


class RunPage(Answered):
    """One page of runs, newest first."""

    data: list[RunBody]
    next_cursor: str | None
