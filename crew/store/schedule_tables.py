"""The tables of watchlists, schedules and their runs."""

import sqlalchemy as sa

from crew.store.tables import metadata

_moment = sa.DateTime(timezone=True)

watchlists = sa.Table(
    "watchlists",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("symbols", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("updated_at", _moment, nullable=False),
    sa.Index("watchlists_tenant", "tenant", "created_at", "id"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("watchlist_id", sa.String(40), sa.ForeignKey("watchlists.id"), nullable=False),
    sa.Column("cron", sa.String(100), nullable=False),
    sa.Column("timezone", sa.String(64), nullable=False),
    sa.Column("overlap", sa.String(16), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("language", sa.String(12), nullable=False),
    sa.Column("model", sa.String(200)),
    sa.Column("created_by", sa.String(40)),
    # NULL while paused.
    sa.Column("next_run_at", _moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("updated_at", _moment, nullable=False),
    sa.Index("schedules_tenant", "tenant", "created_at", "id"),
    sa.Index("schedules_due", "next_run_at"),
    sa.Index("schedules_watchlist", "watchlist_id"),
)

schedule_runs = sa.Table(
    "schedule_runs",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("schedule_id", sa.String(40), sa.ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
    sa.Column("trigger", sa.String(12), nullable=False),
    # The moment that cron named, NULL for a run by hand: no moment is run twice.
    sa.Column("slot", _moment),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("reason", sa.String(200)),
    sa.Column("due_at", _moment, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("started_at", _moment),
    sa.Column("finished_at", _moment),
    sa.Column("claimed_by", sa.String(120)),
    sa.Column("claimed_until", _moment),
    sa.Index("schedule_runs_once", "schedule_id", "slot", unique=True),
    sa.Index("schedule_runs_newest", "schedule_id", "created_at", "id"),
    sa.Index("schedule_runs_state", "status", "created_at"),
)

schedule_run_items = sa.Table(
    "schedule_run_items",
    metadata,
    sa.Column("run_id", sa.String(40), sa.ForeignKey("schedule_runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("schedule_id", sa.String(40), nullable=False),
    sa.Column("symbol", sa.String(20), nullable=False),
    # Chosen before the analysis is submitted, so that a worker which dies in between is followed by one that knows it.
    sa.Column("analysis_id", sa.String(40)),
    sa.Column("outcome", sa.String(12), nullable=False),
    sa.Column("problem", sa.String(300)),
    sa.Index("schedule_run_items_analysis", "analysis_id"),
    sa.Index("schedule_run_items_schedule", "schedule_id"),
)
