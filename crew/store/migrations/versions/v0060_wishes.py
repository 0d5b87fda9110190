"""What a request asks besides what to analyse, its deadline and configuration, and the secrets that sign the webhooks of single analyses."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0050"
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns, the index and the table."""
    op.add_column("analyses", sa.Column("wishes", sa.Text))
    op.add_column("analyses", sa.Column("deadline_at", _moment))
    op.add_column("analyses", sa.Column("config_version", sa.String(64)))
    op.create_index("analyses_by_deadline", "analyses", ["status", "deadline_at"])
    op.create_table(
        "webhook_secrets",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("previous_secret", sa.Text),
        sa.Column("previous_secret_until", _moment),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("webhook_secrets")
    op.drop_index("analyses_by_deadline", "analyses")
    op.drop_column("analyses", "config_version")
    op.drop_column("analyses", "deadline_at")
    op.drop_column("analyses", "wishes")
