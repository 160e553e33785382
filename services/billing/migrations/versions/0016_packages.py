"""Prepaid packages: offered, bought, used unit by unit; a unit is a tender."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0019"
branch_labels = None
depends_on = None

ENTRIES = (
    "entry IN ('outside_payment', 'refund', 'discount', 'write_off', 'dispute_answer',"
    " 'write_down', 'package_payment')"
)
TENDERS = "tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check', 'prepaid')"

STATEMENTS = f"""
CREATE TABLE packages (
    package_id uuid NOT NULL,
    visit_type text NOT NULL,
    units smallint NOT NULL,
    price_cents integer NOT NULL,
    takes_care_credit boolean NOT NULL,
    effective_from date NOT NULL,
    starts_at timestamptz NOT NULL,
    source text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    CONSTRAINT pk_packages PRIMARY KEY (package_id),
    CONSTRAINT ck_packages_units CHECK (units BETWEEN 2 AND 24),
    CONSTRAINT ck_packages_price CHECK (price_cents >= units),
    CONSTRAINT ck_packages_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX ix_packages_starts_at ON packages (starts_at, package_id);
CREATE TABLE package_purchases (
    purchase_id uuid NOT NULL,
    package_id uuid NOT NULL CONSTRAINT fk_package_purchases_package_id REFERENCES packages,
    patient_id uuid NOT NULL,
    visit_type text NOT NULL,
    units smallint NOT NULL,
    price_cents integer NOT NULL,
    tender text NOT NULL,
    reference text,
    card_id uuid CONSTRAINT fk_package_purchases_card_id REFERENCES cards,
    state text NOT NULL,
    reason text,
    bought_by text NOT NULL,
    bought_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT pk_package_purchases PRIMARY KEY (purchase_id),
    CONSTRAINT uq_package_purchases_tender_reference UNIQUE (tender, reference),
    CONSTRAINT ck_package_purchases_units CHECK (units BETWEEN 2 AND 24),
    CONSTRAINT ck_package_purchases_price CHECK (price_cents >= units),
    CONSTRAINT ck_package_purchases_tender
        CHECK (tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check')),
    CONSTRAINT ck_package_purchases_card CHECK ((tender = 'card') = (card_id IS NOT NULL)),
    CONSTRAINT ck_package_purchases_reference CHECK ((tender = 'card') = (reference IS NULL)),
    CONSTRAINT ck_package_purchases_state
        CHECK (state IN ('pending', 'paid', 'declined', 'charged_back')),
    CONSTRAINT ck_package_purchases_decided CHECK ((state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT ck_package_purchases_reason CHECK ((state = 'declined') = (reason IS NOT NULL))
);
CREATE INDEX ix_package_purchases_patient_id
    ON package_purchases (patient_id, bought_at, purchase_id);
CREATE UNIQUE INDEX uq_package_purchases_under_way ON package_purchases (patient_id)
    WHERE state = 'pending';
CREATE TABLE package_units (
    unit_id uuid NOT NULL,
    purchase_id uuid NOT NULL
        CONSTRAINT fk_package_units_purchase_id REFERENCES package_purchases,
    number smallint NOT NULL,
    value_cents integer NOT NULL,
    charge_id uuid CONSTRAINT fk_package_units_charge_id REFERENCES charges,
    refund_id uuid CONSTRAINT fk_package_units_refund_id REFERENCES refunds,
    gone_at timestamptz NOT NULL,
    returned_at timestamptz,
    CONSTRAINT pk_package_units PRIMARY KEY (unit_id),
    CONSTRAINT ck_package_units_number CHECK (number >= 1),
    CONSTRAINT ck_package_units_value CHECK (value_cents > 0),
    CONSTRAINT ck_package_units_one_use CHECK (num_nonnulls(charge_id, refund_id) = 1)
);
CREATE UNIQUE INDEX uq_package_units_gone_once ON package_units (purchase_id, number)
    WHERE returned_at IS NULL;
CREATE UNIQUE INDEX uq_package_units_charge_id ON package_units (charge_id)
    WHERE returned_at IS NULL;
CREATE INDEX ix_package_units_refund_id ON package_units (refund_id);
ALTER TABLE charges DROP CONSTRAINT ck_charges_tender;
ALTER TABLE charges ADD CONSTRAINT ck_charges_tender CHECK ({TENDERS});
ALTER TABLE payments DROP CONSTRAINT ck_payments_tender;
ALTER TABLE payments ADD CONSTRAINT ck_payments_tender CHECK ({TENDERS});
ALTER TABLE refunds DROP CONSTRAINT ck_refunds_reference;
ALTER TABLE refunds ADD CONSTRAINT ck_refunds_reference
    CHECK ((tender IN ('card', 'prepaid')) = (reference IS NULL));
ALTER TABLE care_credit_tenders ALTER charge_id DROP NOT NULL;
ALTER TABLE approval_limits DROP CONSTRAINT ck_approval_limits_entry;
ALTER TABLE approval_limits ADD CONSTRAINT ck_approval_limits_entry CHECK ({ENTRIES});
ALTER TABLE approvals DROP CONSTRAINT ck_approvals_entry;
ALTER TABLE approvals ADD CONSTRAINT ck_approvals_entry CHECK ({ENTRIES});
ALTER TABLE single_entries DROP CONSTRAINT ck_single_entries_entry;
ALTER TABLE single_entries ADD CONSTRAINT ck_single_entries_entry CHECK ({ENTRIES});
INSERT INTO approval_limits (limit_id, entry, limit_cents, starts_at, source, recorded_by)
VALUES (gen_random_uuid(), 'package_payment', 100000, '2000-01-01T00:00Z', 'house figure',
        'migration')
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
