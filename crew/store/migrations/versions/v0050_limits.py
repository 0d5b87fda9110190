"""What an analysis sets aside from its key's budget, and the trace that it belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column("analyses", sa.Column("cap_nanousd", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("analyses", sa.Column("traceparent", sa.String(60)))
    op.create_index("analyses_live_by_key", "analyses", ["key_id", "status"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("analyses_live_by_key", "analyses")
    op.drop_column("analyses", "traceparent")
    op.drop_column("analyses", "cap_nanousd")
