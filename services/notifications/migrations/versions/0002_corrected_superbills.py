"""The notice that a superbill was corrected names its number, as that of its issue does."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE messages
            DROP CONSTRAINT ck_messages_document,
            ADD CONSTRAINT ck_messages_document CHECK (
                (purpose IN ('superbill', 'superbill_corrected')) = (document_no IS NOT NULL))
        """
    )
