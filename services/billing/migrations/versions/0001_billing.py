"""Billing's tables, with a second charge, a second success and a changed superbill impossible."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE fees (
    fee_id uuid NOT NULL,
    visit_type text NOT NULL,
    amount_cents integer NOT NULL,
    effective_from date NOT NULL,
    revision smallint NOT NULL,
    starts_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_fees PRIMARY KEY (fee_id),
    CONSTRAINT uq_fees_visit_type_effective_from_revision
        UNIQUE (visit_type, effective_from, revision),
    CONSTRAINT ck_fees_amount CHECK (amount_cents > 0)
);
CREATE INDEX ix_fees_in_force ON fees (visit_type, starts_at, revision);
CREATE TABLE uncharged_infusions (
    infusion_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    visit_type text NOT NULL,
    started_at timestamptz NOT NULL,
    noticed_at timestamptz NOT NULL,
    CONSTRAINT pk_uncharged_infusions PRIMARY KEY (infusion_id)
);
CREATE INDEX ix_uncharged_infusions_visit_type ON uncharged_infusions (visit_type, started_at);
CREATE INDEX ix_uncharged_infusions_noticed_at ON uncharged_infusions (noticed_at, infusion_id);
CREATE TABLE visits (
    appointment_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    tender text,
    chosen_at timestamptz,
    CONSTRAINT pk_visits PRIMARY KEY (appointment_id),
    CONSTRAINT ck_visits_tender CHECK (tender IN ('card', 'care_credit', 'cash', 'check')),
    CONSTRAINT ck_visits_chosen CHECK ((tender IS NULL) = (chosen_at IS NULL))
);
CREATE TABLE charges (
    charge_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    infusion_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    fee_id uuid NOT NULL CONSTRAINT fk_charges_fee_id REFERENCES fees,
    amount_cents integer NOT NULL,
    tender text NOT NULL,
    state text NOT NULL,
    posted_at timestamptz NOT NULL,
    paid_at timestamptz,
    CONSTRAINT pk_charges PRIMARY KEY (charge_id),
    CONSTRAINT uq_charges_infusion_id UNIQUE (infusion_id),
    CONSTRAINT ck_charges_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_charges_state CHECK (state IN ('open', 'declined', 'paid')),
    CONSTRAINT ck_charges_paid CHECK ((state = 'paid') = (paid_at IS NOT NULL)),
    CONSTRAINT ck_charges_tender CHECK (tender IN ('card', 'care_credit', 'cash', 'check'))
);
CREATE INDEX ix_charges_patient_id ON charges (patient_id, posted_at, charge_id);
CREATE INDEX ix_charges_appointment_id ON charges (appointment_id);
CREATE TABLE customers (
    patient_id uuid NOT NULL,
    stripe_customer_id text,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (patient_id),
    CONSTRAINT uq_customers_stripe_customer_id UNIQUE (stripe_customer_id)
);
CREATE TABLE card_setups (
    setup_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_card_setups_patient_id REFERENCES customers,
    state text NOT NULL,
    stripe_setup_intent_id text,
    sealed bytea,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_card_setups PRIMARY KEY (setup_id),
    CONSTRAINT uq_card_setups_stripe_setup_intent_id UNIQUE (stripe_setup_intent_id),
    CONSTRAINT ck_card_setups_state CHECK (state IN ('pending', 'ready', 'saved', 'failed')),
    CONSTRAINT ck_card_setups_intent
        CHECK ((sealed IS NULL) OR (stripe_setup_intent_id IS NOT NULL))
);
CREATE INDEX ix_card_setups_patient_id ON card_setups (patient_id);
CREATE TABLE cards (
    card_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_cards_patient_id REFERENCES customers,
    setup_id uuid NOT NULL CONSTRAINT fk_cards_setup_id REFERENCES card_setups,
    stripe_payment_method_id text NOT NULL,
    set_up_at timestamptz NOT NULL,
    saved_at timestamptz NOT NULL,
    CONSTRAINT pk_cards PRIMARY KEY (card_id),
    CONSTRAINT uq_cards_setup_id UNIQUE (setup_id)
);
CREATE INDEX ix_cards_newest ON cards (patient_id, set_up_at, setup_id);
CREATE TABLE payment_attempts (
    attempt_id uuid NOT NULL,
    charge_id uuid NOT NULL CONSTRAINT fk_payment_attempts_charge_id REFERENCES charges,
    card_id uuid CONSTRAINT fk_payment_attempts_card_id REFERENCES cards,
    state text NOT NULL,
    reason text,
    stripe_payment_intent_id text,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT pk_payment_attempts PRIMARY KEY (attempt_id),
    CONSTRAINT uq_payment_attempts_stripe_payment_intent_id UNIQUE (stripe_payment_intent_id),
    CONSTRAINT ck_payment_attempts_state
        CHECK (state IN ('pending', 'captured', 'declined', 'abandoned')),
    CONSTRAINT ck_payment_attempts_reason
        CHECK ((state IN ('declined', 'abandoned')) = (reason IS NOT NULL)),
    CONSTRAINT ck_payment_attempts_decided
        CHECK (state = 'abandoned' OR (state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT ck_payment_attempts_card CHECK (card_id IS NOT NULL OR state = 'declined')
);
CREATE INDEX ix_payment_attempts_charge_id ON payment_attempts (charge_id);
CREATE UNIQUE INDEX uq_payment_attempts_under_way ON payment_attempts (charge_id)
    WHERE decided_at IS NULL;
CREATE UNIQUE INDEX uq_payment_attempts_captured ON payment_attempts (charge_id)
    WHERE state = 'captured';
CREATE TABLE unmatched_payments (
    payment_intent_id text NOT NULL,
    attempt_id uuid NOT NULL
        CONSTRAINT fk_unmatched_payments_attempt_id REFERENCES payment_attempts,
    amount_cents integer NOT NULL,
    noticed_at timestamptz NOT NULL,
    returned_at timestamptz,
    CONSTRAINT pk_unmatched_payments PRIMARY KEY (payment_intent_id),
    CONSTRAINT ck_unmatched_payments_amount CHECK (amount_cents > 0)
);
CREATE INDEX ix_unmatched_payments_attempt_id ON unmatched_payments (attempt_id);
CREATE INDEX ix_unmatched_payments_waiting ON unmatched_payments (noticed_at, payment_intent_id)
    WHERE returned_at IS NULL;
CREATE TABLE outside_payments (
    payment_id uuid NOT NULL,
    charge_id uuid NOT NULL CONSTRAINT fk_outside_payments_charge_id REFERENCES charges,
    tender text NOT NULL,
    reference text NOT NULL,
    amount_cents integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_outside_payments PRIMARY KEY (payment_id),
    CONSTRAINT uq_outside_payments_charge_id UNIQUE (charge_id),
    CONSTRAINT uq_outside_payments_tender_reference UNIQUE (tender, reference),
    CONSTRAINT ck_outside_payments_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_outside_payments_tender CHECK (tender IN ('care_credit', 'cash', 'check'))
);
CREATE TABLE superbill_numbers (
    year smallint NOT NULL,
    last_number integer NOT NULL,
    CONSTRAINT pk_superbill_numbers PRIMARY KEY (year)
);
CREATE TABLE superbills (
    superbill_id uuid NOT NULL,
    number text NOT NULL,
    patient_id uuid NOT NULL,
    infusion_id uuid NOT NULL,
    charge_id uuid NOT NULL CONSTRAINT fk_superbills_charge_id REFERENCES charges,
    total_cents integer NOT NULL,
    sealed bytea NOT NULL,
    content_sha256 bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    CONSTRAINT pk_superbills PRIMARY KEY (superbill_id),
    CONSTRAINT uq_superbills_charge_id UNIQUE (charge_id),
    CONSTRAINT uq_superbills_number UNIQUE (number),
    CONSTRAINT ck_superbills_total CHECK (total_cents > 0)
);
CREATE INDEX ix_superbills_patient_id ON superbills (patient_id, issued_at, superbill_id);
CREATE TABLE superbill_holds (
    charge_id uuid NOT NULL CONSTRAINT fk_superbill_holds_charge_id REFERENCES charges,
    rules text[] NOT NULL,
    noticed_at timestamptz NOT NULL,
    CONSTRAINT pk_superbill_holds PRIMARY KEY (charge_id),
    CONSTRAINT ck_superbill_holds_rules CHECK (cardinality(rules) > 0)
);
CREATE INDEX ix_superbill_holds_noticed_at ON superbill_holds (noticed_at, charge_id);
CREATE TABLE superbill_documents (
    superbill_id uuid NOT NULL
        CONSTRAINT fk_superbill_documents_superbill_id REFERENCES superbills,
    sealed bytea NOT NULL,
    rendered_at timestamptz NOT NULL,
    CONSTRAINT pk_superbill_documents PRIMARY KEY (superbill_id)
)
"""

# `append_only()` is the backbone's function behind the audit log. Only `reseal` changes anything:
# what is sealed stands there under the newest key afterwards.
IMMUTABLE = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} FOR EACH ROW
    WHEN (to_jsonb(old) - 'sealed' IS DISTINCT FROM to_jsonb(new) - 'sealed'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only();
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION append_only()
"""


def upgrade() -> None:
    immutable = [IMMUTABLE.format(table=name) for name in ("superbills", "superbill_documents")]
    for part in (STATEMENTS, *immutable):
        for statement in part.split(";"):
            op.execute(statement)
