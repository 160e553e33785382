"""Where patients pay, and the mail that tells them."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE pay_links (
        pay_link_id uuid NOT NULL,
        sealed bytea NOT NULL,
        CONSTRAINT pk_pay_links PRIMARY KEY (pay_link_id)
    )
    """,
    "ALTER TABLE messages DROP CONSTRAINT ck_messages_until",
    """
    ALTER TABLE messages ADD CONSTRAINT ck_messages_until CHECK
        ((purpose IN ('no_driving', 'chair_offered', 'pay_link')) = (until_at IS NOT NULL))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
