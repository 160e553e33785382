"""The vendors' notices that were taken."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WEBHOOKS = """
CREATE TABLE webhooks (
    vendor text NOT NULL,
    notice_id text NOT NULL,
    kind text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_webhooks PRIMARY KEY (vendor, notice_id)
)
"""


def upgrade() -> None:
    op.execute(WEBHOOKS)
