"""How far Stripe's list of events was gone through."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE notices_seen (
            vendor text NOT NULL,
            seen_until timestamptz NOT NULL,
            CONSTRAINT pk_notices_seen PRIMARY KEY (vendor),
            CONSTRAINT ck_notices_seen_vendor CHECK (vendor = 'stripe')
        )
        """
    )
