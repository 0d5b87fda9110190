"""Watchlists, the schedules that analyse them, and what became of each run."""

from datetime import datetime
from typing import Literal

from crew.domain.analysis import Language
from crew.domain.base import Value

Overlap = Literal["skip", "queue", "cancel_running"]
Trigger = Literal["cron", "manual"]
RunStatus = Literal["queued", "running", "finished", "canceled", "skipped"]
Outcome = Literal["planned", "created", "joined", "reused", "canceled", "failed"]


class Watchlist(Value):
    """A named set of symbols, in the order given."""

    id: str
    tenant: str
    name: str
    symbols: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime


class Schedule(Value):
    """When a watchlist is analysed. `next_run_at` is None while paused. `created_by` is the id of the key that asked for it."""

    id: str
    tenant: str
    watchlist_id: str
    cron: str
    timezone: str
    overlap: Overlap
    paused: bool
    language: Language
    model: str | None
    created_by: str | None
    next_run_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class RunItem(Value):
    """One symbol of a run: the analysis that it led to, or the problem that prevented it."""

    symbol: str
    analysis_id: str | None
    outcome: Outcome
    problem: str | None = None


class ScheduleRun(Value):
    """One run of a schedule. `due_at` is the moment the schedule named; `reason` says why it was skipped or canceled."""

    id: str
    tenant: str
    schedule_id: str
    trigger: Trigger
    status: RunStatus
    reason: str | None
    due_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    items: tuple[RunItem, ...] = ()
