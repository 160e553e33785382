"""A dispute is kept also while its payment is not in the books."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE disputes ADD COLUMN payment_intent_id text",
    """
    UPDATE disputes AS d SET payment_intent_id = p.reference
      FROM payments AS p WHERE p.payment_id = d.payment_id
    """,
    """
    ALTER TABLE disputes ALTER payment_intent_id SET NOT NULL,
        ALTER payment_id DROP NOT NULL, ALTER patient_id DROP NOT NULL,
        ADD CONSTRAINT ck_disputes_placed
            CHECK ((payment_id IS NULL) = (patient_id IS NULL)
                   AND (payment_id IS NOT NULL
                        OR num_nonnulls(charge_id, hold_id) = 0 AND charged_back_cents = 0))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
