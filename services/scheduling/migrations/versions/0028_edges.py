"""A link that was used can be revoked; what a clinic would set is a figure of the house."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE booking_links DROP CONSTRAINT ck_booking_links_used")
    op.execute("ALTER TABLE locations ADD COLUMN calendar_name text")
