"""The vendors' notices that were taken."""

from __future__ import annotations

from alembic import op

from shared.http.webhooks import WEBHOOKS_DDL

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(WEBHOOKS_DDL)
