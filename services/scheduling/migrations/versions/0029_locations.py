"""A location is corrected, and its corrections are counted."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE locations ADD COLUMN revision smallint NOT NULL DEFAULT 0")
