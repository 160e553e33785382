"""What went back at Stripe beyond the books, and a decided dispute's money, wait for a person."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE refunds ADD COLUMN unapplied_cents integer NOT NULL DEFAULT 0,
        ADD COLUMN beyond_cents integer NOT NULL DEFAULT 0,
        ADD CONSTRAINT ck_refunds_parts
            CHECK (unapplied_cents >= 0 AND beyond_cents >= 0
                   AND unapplied_cents + beyond_cents <= amount_cents)
    """,
    """
    ALTER TABLE reconciliation_breaks DROP CONSTRAINT ck_reconciliation_breaks_kind,
        ADD CONSTRAINT ck_reconciliation_breaks_kind
            CHECK (kind IN ('not_in_books', 'not_at_stripe', 'amount_differs', 'payout_differs',
                            'balance_differs', 'not_funded', 'taken_back', 'in_suspense',
                            'refund_beyond', 'at_the_bank'))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
