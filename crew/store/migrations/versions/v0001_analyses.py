"""Analyses, their events and artifacts, and the workers' heartbeats."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "analyses",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("symbol", sa.String(20), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("dedupe_key", sa.String(64)),
        sa.Column("request_id", sa.String(200)),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("completed_tasks", sa.Integer, nullable=False, server_default="0"),
        sa.Column("total_tasks", sa.Integer, nullable=False, server_default="0"),
        sa.Column("current_step", sa.String(80)),
        sa.Column("last_seq", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("started_at", _moment),
        sa.Column("finished_at", _moment),
        sa.Column("cancel_requested_at", _moment),
        sa.Column("failure", sa.Text),
        sa.Column("report_status", sa.String(12)),
    )
    op.create_index("analyses_live", "analyses", ["tenant", "dedupe_key"], unique=True)
    op.create_index("analyses_newest", "analyses", ["tenant", "created_at", "id"])
    op.create_index("analyses_same_request", "analyses", ["tenant", "request_hash", "finished_at"])
    op.create_index("analyses_by_status", "analyses", ["status", "created_at"])
    op.create_table(
        "events",
        sa.Column("analysis_id", sa.String(40), sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("once", sa.String(120)),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("events_once", "events", ["analysis_id", "once"], unique=True)
    op.create_table(
        "artifacts",
        sa.Column("analysis_id", sa.String(40), sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "heartbeats",
        sa.Column("executor_id", sa.String(120), primary_key=True),
        sa.Column("started_at", _moment, nullable=False),
        sa.Column("last_seen", _moment, nullable=False),
    )


def downgrade() -> None:
    """Remove the first tables."""
    for table in ("heartbeats", "artifacts", "events", "analyses"):
        op.drop_table(table)
