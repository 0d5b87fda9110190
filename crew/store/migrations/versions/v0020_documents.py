"""Attached documents, and which analyses use them."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "documents",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("as_of", sa.Date),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("characters", sa.Integer, nullable=False),
        sa.Column("pages", sa.Integer),
        sa.Column("pages_without_text", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("page_starts", sa.Text, nullable=False),
    )
    op.create_index("documents_newest", "documents", ["tenant", "created_at", "id"])
    op.create_index("documents_age", "documents", ["created_at"])
    op.create_table(
        "analysis_documents",
        sa.Column("analysis_id", sa.String(40), sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("document_id", sa.String(40), sa.ForeignKey("documents.id"), primary_key=True),
    )
    op.create_index("analysis_documents_of", "analysis_documents", ["document_id"])


def downgrade() -> None:
    """Remove both tables."""
    for table in ("analysis_documents", "documents"):
        op.drop_table(table)
