"""What a bank gives back after all, and its charge does not need any more, waits for a person."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE payments ADD COLUMN unapplied_cents integer NOT NULL DEFAULT 0",
    """
    ALTER TABLE payments DROP CONSTRAINT ck_payments_refunded,
        ADD CONSTRAINT ck_payments_refunded
            CHECK (refunded_cents >= 0 AND charged_back_cents >= 0 AND unapplied_cents >= 0
                   AND refunded_cents + charged_back_cents + unapplied_cents <= amount_cents),
        ADD CONSTRAINT ck_payments_unapplied
            CHECK (unapplied_cents = 0 OR charge_id IS NOT NULL)
    """,
    """
    ALTER TABLE disputes DROP CONSTRAINT ck_disputes_charged_back,
        ADD CONSTRAINT ck_disputes_charged_back
            CHECK (charged_back_cents >= 0
                   AND (charged_back_cents = 0 OR state IN ('won', 'lost')))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
