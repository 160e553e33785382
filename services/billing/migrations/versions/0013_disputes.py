"""Payments that a cardholder's bank doubts, one way, and what they moved."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE disputes (
        dispute_id uuid NOT NULL,
        stripe_dispute_id text NOT NULL,
        payment_id uuid NOT NULL CONSTRAINT fk_disputes_payment_id REFERENCES payments,
        patient_id uuid NOT NULL,
        charge_id uuid CONSTRAINT fk_disputes_charge_id REFERENCES charges,
        amount_cents integer NOT NULL,
        charged_back_cents integer NOT NULL DEFAULT 0,
        reason text NOT NULL,
        state text NOT NULL,
        hold_id uuid CONSTRAINT fk_disputes_hold_id REFERENCES collections_holds,
        opened_at timestamptz NOT NULL,
        due_at timestamptz,
        noticed_at timestamptz NOT NULL,
        closed_at timestamptz,
        CONSTRAINT pk_disputes PRIMARY KEY (dispute_id),
        CONSTRAINT uq_disputes_stripe_dispute_id UNIQUE (stripe_dispute_id),
        CONSTRAINT ck_disputes_amount CHECK (amount_cents > 0),
        CONSTRAINT ck_disputes_state
            CHECK (state IN ('inquiry', 'inquiry_answered', 'inquiry_closed', 'needs_response',
                             'under_review', 'won', 'lost')),
        CONSTRAINT ck_disputes_closed
            CHECK ((state IN ('inquiry_closed', 'won', 'lost')) = (closed_at IS NOT NULL)),
        CONSTRAINT ck_disputes_charged_back
            CHECK (charged_back_cents >= 0 AND (charged_back_cents = 0 OR state = 'lost'))
    )
    """,
    "CREATE INDEX ix_disputes_payment_id ON disputes (payment_id)",
    "CREATE INDEX ix_disputes_patient_id ON disputes (patient_id)",
    "CREATE INDEX ix_disputes_opened_at ON disputes (opened_at, dispute_id)",
    "CREATE INDEX ix_disputes_hold_id ON disputes (hold_id) WHERE closed_at IS NULL",
    """
    CREATE TABLE dispute_movements (
        transaction_id text NOT NULL,
        dispute_id uuid NOT NULL CONSTRAINT fk_dispute_movements_dispute_id REFERENCES disputes,
        amount_cents integer NOT NULL,
        moved_at timestamptz NOT NULL,
        CONSTRAINT pk_dispute_movements PRIMARY KEY (transaction_id)
    )
    """,
    "CREATE INDEX ix_dispute_movements_dispute_id ON dispute_movements (dispute_id)",
    """
    CREATE FUNCTION disputes_go_one_way() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a dispute does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER disputes_one_way BEFORE UPDATE ON disputes FOR EACH ROW
        WHEN (OLD.state IN ('won', 'lost') AND NEW.state <> OLD.state
              OR array_position(ARRAY['inquiry', 'inquiry_answered', 'inquiry_closed',
                                      'needs_response', 'under_review', 'won', 'lost'], NEW.state)
               < array_position(ARRAY['inquiry', 'inquiry_answered', 'inquiry_closed',
                                      'needs_response', 'under_review', 'won', 'lost'], OLD.state))
        EXECUTE FUNCTION disputes_go_one_way()
    """,
    """
    CREATE TABLE dispute_evidence (
        dispute_id uuid NOT NULL CONSTRAINT fk_dispute_evidence_dispute_id REFERENCES disputes,
        sealed bytea NOT NULL,
        document bytea,
        prepared_at timestamptz NOT NULL,
        CONSTRAINT pk_dispute_evidence PRIMARY KEY (dispute_id)
    )
    """,
    """
    CREATE TABLE dispute_answers (
        answer_id uuid NOT NULL,
        dispute_id uuid NOT NULL CONSTRAINT fk_dispute_answers_dispute_id REFERENCES disputes,
        kind text NOT NULL,
        asked_by text NOT NULL,
        decided_at timestamptz NOT NULL,
        evidence_file_id text,
        receipt_file_id text,
        sent_at timestamptz,
        CONSTRAINT pk_dispute_answers PRIMARY KEY (answer_id),
        CONSTRAINT ck_dispute_answers_kind CHECK (kind IN ('evidence', 'acceptance'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_dispute_answers_under_way ON dispute_answers (dispute_id)
        WHERE sent_at IS NULL
    """,
    """
    ALTER TABLE approval_limits DROP CONSTRAINT ck_approval_limits_entry,
        ADD CONSTRAINT ck_approval_limits_entry
            CHECK (entry IN ('outside_payment', 'refund', 'discount', 'write_off',
                             'dispute_answer'))
    """,
    """
    ALTER TABLE approvals DROP CONSTRAINT ck_approvals_entry,
        ADD CONSTRAINT ck_approvals_entry
            CHECK (entry IN ('outside_payment', 'refund', 'discount', 'write_off',
                             'dispute_answer'))
    """,
    """
    INSERT INTO approval_limits (limit_id, entry, limit_cents, starts_at, source, recorded_by)
    VALUES (gen_random_uuid(), 'dispute_answer', 0, '2000-01-01T00:00Z', 'house figure',
            'migration')
    """,
    "ALTER TABLE cards ADD COLUMN gone_at timestamptz",
    "ALTER TABLE visits ADD COLUMN arrived_at timestamptz, ADD COLUMN left_at timestamptz",
    "ALTER TABLE payments ADD COLUMN charged_back_cents integer NOT NULL DEFAULT 0",
    """
    ALTER TABLE payments DROP CONSTRAINT ck_payments_refunded,
        ADD CONSTRAINT ck_payments_refunded
            CHECK (refunded_cents >= 0 AND charged_back_cents >= 0
                   AND refunded_cents + charged_back_cents <= amount_cents)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
