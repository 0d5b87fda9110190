"""Watchlists, schedules and their runs."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "watchlists",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("symbols", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
    )
    op.create_index("watchlists_tenant", "watchlists", ["tenant", "created_at", "id"])
    op.create_table(
        "schedules",
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
        sa.Column("next_run_at", _moment),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
    )
    op.create_index("schedules_tenant", "schedules", ["tenant", "created_at", "id"])
    op.create_index("schedules_due", "schedules", ["next_run_at"])
    op.create_index("schedules_watchlist", "schedules", ["watchlist_id"])
    op.create_table(
        "schedule_runs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("schedule_id", sa.String(40), sa.ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("trigger", sa.String(12), nullable=False),
        sa.Column("slot", _moment),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("due_at", _moment, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("started_at", _moment),
        sa.Column("finished_at", _moment),
        sa.Column("claimed_by", sa.String(120)),
        sa.Column("claimed_until", _moment),
    )
    op.create_index("schedule_runs_once", "schedule_runs", ["schedule_id", "slot"], unique=True)
    op.create_index("schedule_runs_newest", "schedule_runs", ["schedule_id", "created_at", "id"])
    op.create_index("schedule_runs_state", "schedule_runs", ["status", "created_at"])
    op.create_table(
        "schedule_run_items",
        sa.Column("run_id", sa.String(40), sa.ForeignKey("schedule_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("schedule_id", sa.String(40), nullable=False),
        sa.Column("symbol", sa.String(20), nullable=False),
        sa.Column("analysis_id", sa.String(40)),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("problem", sa.String(300)),
    )
    op.create_index("schedule_run_items_analysis", "schedule_run_items", ["analysis_id"])
    op.create_index("schedule_run_items_schedule", "schedule_run_items", ["schedule_id"])


def downgrade() -> None:
    """Remove the tables."""
    for table in ("schedule_run_items", "schedule_runs", "schedules", "watchlists"):
        op.drop_table(table)
