"""Answers kept under an Idempotency-Key, and API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("location", sa.String(200)),
        sa.Column("body", sa.Text),
    )
    op.create_index("idempotency_keys_age", "idempotency_keys", ["created_at"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("lookup", sa.String(12), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(100), nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("expires_at", _moment),
        sa.Column("revoked_at", _moment),
        sa.Column("last_used_at", _moment),
    )
    op.create_index("api_keys_lookup", "api_keys", ["lookup"], unique=True)
    op.create_index("api_keys_tenant", "api_keys", ["tenant", "created_at"])


def downgrade() -> None:
    """Remove both tables."""
    for table in ("api_keys", "idempotency_keys"):
        op.drop_table(table)
