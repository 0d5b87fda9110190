"""Webhook endpoints, the hooks of kickoffs, deliveries and their attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0030"
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("event_types", sa.String(400), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("disabled_reason", sa.String(200)),
        sa.Column("failing_since", _moment),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("previous_secret", sa.Text),
        sa.Column("previous_secret_until", _moment),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
    )
    op.create_index("webhook_endpoints_tenant", "webhook_endpoints", ["tenant", "created_at", "id"])
    op.create_table(
        "analysis_hooks",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("analysis_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("event_types", sa.Text),
        sa.Column("realtime", sa.Boolean, nullable=False),
        sa.Column("authorization", sa.Text),
        sa.Column("meta", sa.Text),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
    )
    op.create_index("analysis_hooks_same", "analysis_hooks", ["analysis_id", "fingerprint"], unique=True)
    op.create_index("analysis_hooks_age", "analysis_hooks", ["created_at"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("target", sa.String(40), nullable=False),
        sa.Column("endpoint_id", sa.String(40), sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE")),
        sa.Column("hook_id", sa.String(40), sa.ForeignKey("analysis_hooks.id", ondelete="CASCADE")),
        sa.Column("hook", sa.String(12)),
        sa.Column("event_type", sa.String(40), nullable=False),
        sa.Column("analysis_id", sa.String(40)),
        sa.Column("first_seq", sa.Integer),
        sa.Column("last_seq", sa.Integer),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("round_attempts", sa.Integer, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("next_attempt_at", _moment),
        sa.Column("claimed_by", sa.String(120)),
        sa.Column("claimed_until", _moment),
        sa.Column("finished_at", _moment),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.String(200)),
    )
    op.create_index("webhook_deliveries_once", "webhook_deliveries", ["target", "analysis_id", "first_seq"], unique=True)
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["status", "next_attempt_at"])
    op.create_index("webhook_deliveries_tenant", "webhook_deliveries", ["tenant", "created_at", "id"])
    op.create_index("webhook_deliveries_endpoint", "webhook_deliveries", ["endpoint_id", "created_at", "id"])
    op.create_index("webhook_deliveries_hook", "webhook_deliveries", ["hook_id"])
    op.create_index("webhook_deliveries_age", "webhook_deliveries", ["finished_at"])
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.String(40), sa.ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", _moment, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.String(200)),
        sa.Column("milliseconds", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in ("webhook_attempts", "webhook_deliveries", "analysis_hooks", "webhook_endpoints"):
        op.drop_table(table)
