"""What Stripe moves of itself is booked: its fees, a reserve, and what nobody knows yet."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0023"
branch_labels = None
depends_on = None

_ENTRIES = (
    "entry IN ('outside_payment', 'refund', 'discount', 'write_off', 'dispute_answer',"
    " 'write_down', 'package_payment', 'suspense')"
)

STATEMENTS = (
    """
    INSERT INTO ledger_accounts (account, kind, name) VALUES
        ('suspense', 'liability', 'Moved by Stripe, and not known yet what for'),
        ('stripe_reserve', 'asset', 'Held back by Stripe as a reserve')
    """,
    "ALTER TABLE reconciliation_breaks DROP CONSTRAINT ck_reconciliation_breaks_kind",
    """
    ALTER TABLE reconciliation_breaks ADD CONSTRAINT ck_reconciliation_breaks_kind
        CHECK (kind IN ('not_in_books', 'not_at_stripe', 'amount_differs', 'payout_differs',
                        'balance_differs', 'not_funded', 'taken_back', 'in_suspense'))
    """,
    "ALTER TABLE approvals ALTER patient_id DROP NOT NULL",
    "ALTER TABLE single_entries ALTER patient_id DROP NOT NULL",
    *(
        statement
        for table in ("approval_limits", "approvals", "single_entries")
        for statement in (
            f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_entry",
            f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_entry CHECK ({_ENTRIES})",
        )
    ),
    """
    INSERT INTO approval_limits (limit_id, entry, limit_cents, starts_at, source, recorded_by)
    VALUES (gen_random_uuid(), 'suspense', 20000, '2000-01-01T00:00Z', 'house figure', 'migration')
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
