"""A message may say until when the card on file is good."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_until")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_until CHECK"
        " ((purpose IN ('no_driving', 'chair_offered', 'pay_link', 'card_expiring'))"
        " = (until_at IS NOT NULL))"
    )
