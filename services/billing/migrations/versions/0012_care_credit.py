"""CareCredit's payments, from the link to the funding, one way."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE care_credit_tenders (
        tender_id uuid NOT NULL,
        charge_id uuid NOT NULL CONSTRAINT fk_care_credit_tenders_charge_id REFERENCES charges,
        patient_id uuid NOT NULL,
        amount_cents integer NOT NULL,
        promo_months smallint,
        account_last4 text,
        channel text NOT NULL,
        state text NOT NULL,
        fee_cents integer,
        rejection text,
        begun_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        CONSTRAINT pk_care_credit_tenders PRIMARY KEY (tender_id),
        CONSTRAINT ck_care_credit_tenders_amount CHECK (amount_cents > 0),
        CONSTRAINT ck_care_credit_tenders_state
            CHECK (state IN ('link_sent', 'reported', 'confirmed', 'funded', 'rejected')),
        CONSTRAINT ck_care_credit_tenders_channel
            CHECK (channel IN ('portal', 'link', 'phone', 'terminal')),
        CONSTRAINT ck_care_credit_tenders_promo_months CHECK (promo_months BETWEEN 1 AND 60),
        CONSTRAINT ck_care_credit_tenders_account_last4 CHECK (account_last4 ~ '^[0-9]{4}$'),
        CONSTRAINT ck_care_credit_tenders_fee CHECK (fee_cents BETWEEN 0 AND amount_cents),
        CONSTRAINT ck_care_credit_tenders_funded
            CHECK ((state = 'funded') = (fee_cents IS NOT NULL)),
        CONSTRAINT ck_care_credit_tenders_rejected
            CHECK ((state = 'rejected') = (rejection IS NOT NULL)),
        CONSTRAINT ck_care_credit_tenders_link CHECK (state <> 'link_sent' OR channel = 'link')
    )
    """,
    "CREATE INDEX ix_care_credit_tenders_charge_id ON care_credit_tenders (charge_id)",
    """
    CREATE INDEX ix_care_credit_tenders_waiting ON care_credit_tenders (begun_at, tender_id)
        WHERE state IN ('link_sent', 'reported', 'confirmed')
    """,
    """
    CREATE FUNCTION care_credit_goes_one_way() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a CareCredit tender does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER care_credit_one_way BEFORE UPDATE ON care_credit_tenders FOR EACH ROW
        WHEN ((OLD.state, NEW.state) NOT IN (
            ('link_sent', 'reported'), ('link_sent', 'rejected'), ('reported', 'confirmed'),
            ('reported', 'rejected'), ('confirmed', 'funded'), ('confirmed', 'rejected')))
        EXECUTE FUNCTION care_credit_goes_one_way()
    """,
    "ALTER TABLE payments ADD COLUMN rejected_at timestamptz",
    """
    ALTER TABLE payments ADD CONSTRAINT ck_payments_rejected
        CHECK (rejected_at IS NULL OR refunded_cents = 0)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
