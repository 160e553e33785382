"""That a patient was told that their card expires: once for each card and day."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE card_notices (
            card_id uuid NOT NULL CONSTRAINT fk_card_notices_card_id REFERENCES cards,
            expires_at timestamptz NOT NULL,
            noticed_at timestamptz NOT NULL,
            CONSTRAINT pk_card_notices PRIMARY KEY (card_id, expires_at)
        )
        """
    )
