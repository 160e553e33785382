"""How often in a row work was leased and nobody came back from it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE due_work ADD COLUMN leases_lost smallint NOT NULL DEFAULT 0")
