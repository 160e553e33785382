"""What Stripe says of its balance, and the breaks between it and the books."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE stripe_movements (
    transaction_id text NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    amount_cents integer NOT NULL,
    fee_cents integer NOT NULL,
    created_at timestamptz NOT NULL,
    payout_id text,
    CONSTRAINT pk_stripe_movements PRIMARY KEY (transaction_id),
    CONSTRAINT ck_stripe_movements_kind
        CHECK (kind IN ('payment', 'refund', 'dispute', 'payout', 'fee', 'other'))
);
CREATE INDEX ix_stripe_movements_reference ON stripe_movements (kind, reference);
CREATE INDEX ix_stripe_movements_created_at ON stripe_movements (created_at);
CREATE INDEX ix_stripe_movements_payout_id ON stripe_movements (payout_id);
CREATE TABLE stripe_payouts (
    payout_id text NOT NULL,
    amount_cents integer NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    arrives_on date NOT NULL,
    CONSTRAINT pk_stripe_payouts PRIMARY KEY (payout_id),
    CONSTRAINT ck_stripe_payouts_state CHECK (state IN ('under_way', 'paid', 'failed'))
);
CREATE INDEX ix_stripe_payouts_created_at ON stripe_payouts (created_at);
CREATE TABLE reconciliations (
    reconciliation_id uuid NOT NULL,
    began_at timestamptz NOT NULL,
    looks_from timestamptz NOT NULL,
    parts_left smallint NOT NULL,
    found_cents integer,
    booked_cents integer,
    breaks integer,
    compared_at timestamptz,
    CONSTRAINT pk_reconciliations PRIMARY KEY (reconciliation_id),
    CONSTRAINT ck_reconciliations_parts_left CHECK (parts_left >= 0),
    CONSTRAINT ck_reconciliations_result CHECK
        ((compared_at IS NULL) = (booked_cents IS NULL)
         AND (compared_at IS NULL) = (breaks IS NULL)
         AND (compared_at IS NULL OR (parts_left = 0 AND found_cents IS NOT NULL)))
);
CREATE INDEX ix_reconciliations_began_at ON reconciliations (began_at, reconciliation_id);
CREATE TABLE reconciliation_breaks (
    break_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    reference text NOT NULL,
    booked_cents integer NOT NULL,
    found_cents integer NOT NULL,
    since timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    gone_at timestamptz,
    settled_at timestamptz,
    settled_by text,
    note bytea,
    CONSTRAINT pk_reconciliation_breaks PRIMARY KEY (break_id),
    CONSTRAINT ck_reconciliation_breaks_kind CHECK (kind IN
        ('not_in_books', 'not_at_stripe', 'amount_differs', 'payout_differs', 'balance_differs')),
    CONSTRAINT ck_reconciliation_breaks_settled CHECK
        ((settled_at IS NULL) = (settled_by IS NULL) AND (settled_at IS NULL) = (note IS NULL))
);
CREATE UNIQUE INDEX uq_reconciliation_breaks_open
    ON reconciliation_breaks (subject, reference, booked_cents, found_cents) WHERE gone_at IS NULL;
CREATE INDEX ix_reconciliation_breaks_since ON reconciliation_breaks (since, break_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
