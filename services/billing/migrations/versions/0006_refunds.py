"""Refunds, to the tender that the money came by, and never more than came."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE refunds (
        refund_id uuid NOT NULL,
        payment_id uuid NOT NULL CONSTRAINT fk_refunds_payment_id REFERENCES payments,
        patient_id uuid NOT NULL,
        charge_id uuid CONSTRAINT fk_refunds_charge_id REFERENCES charges,
        tender text NOT NULL,
        amount_cents integer NOT NULL,
        reason text NOT NULL,
        state text NOT NULL,
        reference text,
        stripe_refund_id text,
        failure text,
        undone boolean NOT NULL,
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL,
        decided_at timestamptz,
        handled_at timestamptz,
        CONSTRAINT pk_refunds PRIMARY KEY (refund_id),
        CONSTRAINT uq_refunds_stripe_refund_id UNIQUE (stripe_refund_id),
        CONSTRAINT uq_refunds_tender_reference UNIQUE (tender, reference),
        CONSTRAINT ck_refunds_amount CHECK (amount_cents > 0),
        CONSTRAINT ck_refunds_state CHECK (state IN ('pending', 'succeeded', 'failed')),
        CONSTRAINT ck_refunds_decided CHECK ((state = 'pending') = (decided_at IS NULL)),
        CONSTRAINT ck_refunds_failure CHECK ((state = 'failed') = (failure IS NOT NULL)),
        CONSTRAINT ck_refunds_undone CHECK (state = 'failed' OR NOT undone),
        CONSTRAINT ck_refunds_handled CHECK (state = 'failed' OR handled_at IS NULL),
        CONSTRAINT ck_refunds_reference CHECK ((tender = 'card') = (reference IS NULL)),
        CONSTRAINT ck_refunds_outside CHECK (tender = 'card' OR state = 'succeeded')
    )
    """,
    "CREATE INDEX ix_refunds_payment_id ON refunds (payment_id)",
    "CREATE INDEX ix_refunds_patient_id ON refunds (patient_id, asked_at, refund_id)",
    """
    CREATE INDEX ix_refunds_failed ON refunds (decided_at, refund_id)
        WHERE state = 'failed' AND handled_at IS NULL
    """,
    """
    CREATE FUNCTION refunds_go_one_way() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a refund does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER refunds_one_way BEFORE UPDATE ON refunds FOR EACH ROW
        WHEN (NOT (OLD.state = NEW.state
                   OR OLD.state = 'pending'
                   OR (OLD.state = 'succeeded' AND NEW.state = 'failed')))
        EXECUTE FUNCTION refunds_go_one_way()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
