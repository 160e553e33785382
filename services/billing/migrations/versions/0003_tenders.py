"""A charge is paid in parts, by several tenders, and parts of it are given up with a reason."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE visits DROP CONSTRAINT ck_visits_tender;
ALTER TABLE visits ADD CONSTRAINT ck_visits_tender
    CHECK (tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check'));
ALTER TABLE charges
    ADD COLUMN paid_cents integer NOT NULL DEFAULT 0,
    ADD COLUMN forgiven_cents integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_charges_state,
    DROP CONSTRAINT ck_charges_tender;
UPDATE charges SET paid_cents = amount_cents WHERE state = 'paid';
ALTER TABLE charges
    ADD CONSTRAINT ck_charges_state
        CHECK (state IN ('open', 'declined', 'partly_paid', 'paid', 'closed')),
    ADD CONSTRAINT ck_charges_tender
        CHECK (tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check')),
    ADD CONSTRAINT ck_charges_sums
        CHECK (paid_cents >= 0 AND forgiven_cents >= 0
               AND paid_cents + forgiven_cents <= amount_cents),
    ADD CONSTRAINT ck_charges_standing
        CHECK (CASE WHEN paid_cents + forgiven_cents = amount_cents
                    THEN state = CASE WHEN paid_cents > 0 THEN 'paid' ELSE 'closed' END
                    WHEN paid_cents > 0 THEN state = 'partly_paid'
                    ELSE state IN ('open', 'declined') END);
ALTER TABLE payment_attempts ADD COLUMN amount_cents integer;
UPDATE payment_attempts AS a SET amount_cents = c.amount_cents
  FROM charges AS c WHERE c.charge_id = a.charge_id;
ALTER TABLE payment_attempts
    ALTER COLUMN amount_cents SET NOT NULL,
    ADD CONSTRAINT ck_payment_attempts_amount CHECK (amount_cents > 0);
DROP INDEX uq_payment_attempts_captured;
CREATE TABLE payments (
    payment_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    charge_id uuid CONSTRAINT fk_payments_charge_id REFERENCES charges,
    tender text NOT NULL,
    reference text NOT NULL,
    amount_cents integer NOT NULL,
    refunded_cents integer NOT NULL DEFAULT 0,
    taken_at timestamptz NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (payment_id),
    CONSTRAINT uq_payments_tender_reference UNIQUE (tender, reference),
    CONSTRAINT ck_payments_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_payments_refunded CHECK (refunded_cents BETWEEN 0 AND amount_cents),
    CONSTRAINT ck_payments_tender
        CHECK (tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check'))
);
CREATE INDEX ix_payments_charge_id ON payments (charge_id);
INSERT INTO payments (payment_id, patient_id, charge_id, tender, reference, amount_cents, taken_at)
SELECT o.payment_id, c.patient_id, o.charge_id, o.tender, o.reference, o.amount_cents, o.recorded_at
  FROM outside_payments AS o JOIN charges AS c USING (charge_id);
INSERT INTO payments (payment_id, patient_id, charge_id, tender, reference, amount_cents, taken_at)
SELECT a.attempt_id, c.patient_id, a.charge_id, 'card', a.stripe_payment_intent_id, a.amount_cents,
       a.decided_at
  FROM payment_attempts AS a JOIN charges AS c USING (charge_id) WHERE a.state = 'captured';
DROP TABLE outside_payments;
ALTER TABLE unmatched_payments ADD COLUMN payment_id uuid;
INSERT INTO payments (payment_id, patient_id, tender, reference, amount_cents, refunded_cents,
                      taken_at)
SELECT gen_random_uuid(), c.patient_id, 'card', u.payment_intent_id, u.amount_cents,
       CASE WHEN u.returned_at IS NULL THEN 0 ELSE u.amount_cents END, u.noticed_at
  FROM unmatched_payments AS u JOIN payment_attempts AS a USING (attempt_id)
  JOIN charges AS c USING (charge_id);
UPDATE unmatched_payments AS u SET payment_id = p.payment_id
  FROM payments AS p WHERE p.tender = 'card' AND p.reference = u.payment_intent_id;
ALTER TABLE unmatched_payments
    ALTER COLUMN payment_id SET NOT NULL,
    ADD CONSTRAINT fk_unmatched_payments_payment_id FOREIGN KEY (payment_id) REFERENCES payments,
    ADD CONSTRAINT uq_unmatched_payments_payment_id UNIQUE (payment_id);
CREATE TABLE charge_adjustments (
    adjustment_id uuid NOT NULL,
    charge_id uuid NOT NULL CONSTRAINT fk_charge_adjustments_charge_id REFERENCES charges,
    kind text NOT NULL,
    reason text NOT NULL,
    amount_cents integer NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_charge_adjustments PRIMARY KEY (adjustment_id),
    CONSTRAINT ck_charge_adjustments_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_charge_adjustments_kind CHECK (kind IN ('discount', 'write_off'))
);
CREATE INDEX ix_charge_adjustments_charge_id ON charge_adjustments (charge_id);
INSERT INTO ledger_accounts (account, kind, name) VALUES
    ('terminal_clearing', 'asset', 'Cards taken at the counter, not in the bank yet')
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
