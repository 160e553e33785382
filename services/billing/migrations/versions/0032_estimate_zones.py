"""What is booked is estimated by the days of its own location."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE estimate_courses ADD COLUMN zone text")
