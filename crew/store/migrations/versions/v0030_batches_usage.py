"""Batches, what keys and tenants used by day, traces of deleted analyses, stream tickets, and what an analysis knows of its origin."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def _added() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("key_id", sa.String(40)),
        sa.Column("batch_id", sa.String(40)),
        sa.Column("retried_from", sa.String(40)),
        sa.Column("labels", sa.Text),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cost_nanousd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("unpriced_calls", sa.Integer, nullable=False, server_default="0"),
    )


def upgrade() -> None:
    """Create the tables and add the columns."""
    for column in _added():
        op.add_column("analyses", column)
    op.create_index("analyses_by_key", "analyses", ["key_id", "created_at"])
    op.create_index("analyses_by_batch", "analyses", ["batch_id"])
    op.create_table(
        "batches",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("on_error", sa.String(12), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("cancel_requested_at", _moment),
    )
    op.create_index("batches_age", "batches", ["created_at"])
    op.create_table(
        "batch_items",
        sa.Column("batch_id", sa.String(40), sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("analysis_id", sa.String(40)),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("problem", sa.Text),
    )
    op.create_index("batch_items_analysis", "batch_items", ["analysis_id"])
    op.create_table(
        "usage_days",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(40), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("failed_calls", sa.BigInteger, nullable=False),
        sa.Column("unpriced_calls", sa.BigInteger, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "deleted_analyses",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(40)),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("deleted_at", _moment, nullable=False),
    )
    op.create_index("deleted_analyses_age", "deleted_analyses", ["deleted_at"])
    op.create_index("deleted_analyses_by_key", "deleted_analyses", ["key_id", "created_at"])
    op.create_table(
        "stream_tickets",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(40)),
        sa.Column("analysis_ids", sa.Text, nullable=False),
        sa.Column("expires_at", _moment, nullable=False),
    )
    op.create_index("stream_tickets_age", "stream_tickets", ["expires_at"])


def downgrade() -> None:
    """Remove what was added."""
    for table in ("stream_tickets", "deleted_analyses", "usage_days", "batch_items", "batches"):
        op.drop_table(table)
    op.drop_index("analyses_by_batch", "analyses")
    op.drop_index("analyses_by_key", "analyses")
    with op.batch_alter_table("analyses") as altered:
        for column in reversed(_added()):
            altered.drop_column(column.name)
