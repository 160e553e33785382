"""A message may announce an estimate, by its number."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_document")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_document"
        " CHECK ((purpose IN ('superbill', 'superbill_corrected', 'estimate'))"
        " = (document_no IS NOT NULL))"
    )
