"""Pharmacy's tables, the partner pharmacy and the formulary."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE partner_pharmacies (
    pharmacy_id uuid NOT NULL, name text NOT NULL, limits jsonb NOT NULL, source text NOT NULL,
    CONSTRAINT pk_partner_pharmacies PRIMARY KEY (pharmacy_id)
);
CREATE TABLE formulary (
    item_id uuid NOT NULL,
    pharmacy_id uuid NOT NULL
        CONSTRAINT fk_formulary_pharmacy_id REFERENCES partner_pharmacies,
    effective_from date NOT NULL,
    drug text NOT NULL, schedule text NOT NULL, ingredients jsonb NOT NULL,
    strength text NOT NULL, form text NOT NULL,
    quantity text NOT NULL, quantity_unit text NOT NULL, days_supply smallint NOT NULL,
    sig text NOT NULL, refills smallint NOT NULL, clinical_difference text NOT NULL,
    sources jsonb NOT NULL,
    CONSTRAINT pk_formulary PRIMARY KEY (item_id),
    CONSTRAINT uq_formulary_effective_from UNIQUE (effective_from),
    CONSTRAINT ck_formulary_refills CHECK (schedule <> 'C-III' OR refills BETWEEN 0 AND 5),
    CONSTRAINT ck_formulary_days_supply CHECK (days_supply BETWEEN 1 AND 180),
    CONSTRAINT ck_formulary_driving_rule CHECK (form <> 'nasal_spray' OR sig LIKE '%4 hours%')
);
CREATE TABLE prescriptions (
    prescription_id uuid NOT NULL,
    series_id uuid NOT NULL, patient_id uuid NOT NULL, prescriber_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'drafting',
    redemption integer NOT NULL DEFAULT 1,
    content bytea,
    order_id text, pharmacy_status text, pharmacy_status_at timestamptz,
    reason text, violations bytea,
    started_at timestamptz NOT NULL, held_at timestamptz, drafted_at timestamptz,
    shown_at timestamptz, signed_at timestamptz,
    declined_at timestamptz, sent_at timestamptz, accepted_at timestamptz,
    shipped_at timestamptz, delivered_at timestamptz, refused_at timestamptz,
    CONSTRAINT pk_prescriptions PRIMARY KEY (prescription_id),
    CONSTRAINT uq_prescriptions_series_id UNIQUE (series_id),
    CONSTRAINT uq_prescriptions_order_id UNIQUE (order_id),
    CONSTRAINT ck_prescriptions_state CHECK (state IN ('drafting', 'needs_correction',
        'drafted', 'awaiting_signature', 'signed', 'sent', 'accepted', 'shipped', 'delivered',
        'signature_declined', 'refused')),
    CONSTRAINT ck_prescriptions_refused CHECK ((state = 'refused') = (refused_at IS NOT NULL)),
    CONSTRAINT ck_prescriptions_held CHECK (state <> 'needs_correction' OR held_at IS NOT NULL),
    CONSTRAINT ck_prescriptions_reason
        CHECK ((state IN ('refused', 'needs_correction')) = (reason IS NOT NULL)),
    CONSTRAINT ck_prescriptions_drafted CHECK (drafted_at IS NULL OR content IS NOT NULL),
    CONSTRAINT ck_prescriptions_signed CHECK (signed_at IS NULL OR drafted_at IS NOT NULL),
    CONSTRAINT ck_prescriptions_sent CHECK (sent_at IS NULL OR signed_at IS NOT NULL),
    CONSTRAINT ck_prescriptions_order_id CHECK ((sent_at IS NULL) = (order_id IS NULL)),
    CONSTRAINT ck_prescriptions_accepted CHECK (accepted_at IS NULL OR sent_at IS NOT NULL),
    CONSTRAINT ck_prescriptions_shipped CHECK (shipped_at IS NULL OR accepted_at IS NOT NULL),
    CONSTRAINT ck_prescriptions_delivered CHECK (delivered_at IS NULL OR shipped_at IS NOT NULL)
);
CREATE INDEX ix_prescriptions_patient_id_started_at_prescription_id
    ON prescriptions (patient_id, started_at, prescription_id);
CREATE TABLE twins (
    order_id text NOT NULL,
    prescription_id uuid NOT NULL
        CONSTRAINT fk_twins_prescription_id REFERENCES prescriptions,
    found_at timestamptz NOT NULL,
    CONSTRAINT pk_twins PRIMARY KEY (order_id)
);
CREATE TABLE signings (
    signing_id uuid NOT NULL,
    prescription_id uuid NOT NULL
        CONSTRAINT fk_signings_prescription_id REFERENCES prescriptions,
    issue_date date NOT NULL,
    displayed bytea NOT NULL,
    sha256 text NOT NULL,
    state text NOT NULL DEFAULT 'opening',
    session_id text, url text,
    begun_at timestamptz NOT NULL,
    signature_id text, signer_dea_number text, signed_at timestamptz, factors text[],
    CONSTRAINT pk_signings PRIMARY KEY (signing_id),
    CONSTRAINT uq_signings_session_id UNIQUE (session_id),
    CONSTRAINT uq_signings_signature_id UNIQUE (signature_id),
    CONSTRAINT ck_signings_state
        CHECK (state IN ('opening', 'open', 'signed', 'declined', 'superseded')),
    CONSTRAINT ck_signings_open CHECK (state <> 'open' OR url IS NOT NULL),
    CONSTRAINT ck_signings_evidence CHECK ((state = 'signed')
        = (num_nulls(signature_id, signer_dea_number, signed_at, factors) = 0))
);
CREATE UNIQUE INDEX uq_signings_counts ON signings (prescription_id) WHERE state <> 'superseded'
"""

PARTNER = """
INSERT INTO partner_pharmacies (pharmacy_id, name, limits, source) VALUES (
    '5b1f6f1e-0000-7000-8000-000000000001',
    'Partner Compounding Pharmacy',
    '{"patient.first_name": 30, "patient.last_name": 30,
      "patient.address.line1": 60, "patient.address.line2": 60, "patient.address.city": 30,
      "prescriber.name": 60,
      "prescriber.address.line1": 60, "prescriber.address.line2": 60,
      "prescriber.address.city": 30,
      "drug": 254, "ingredients.name": 60, "ingredients.quantity": 12, "ingredients.unit": 30,
      "strength": 60, "quantity": 12, "sig": 1000, "clinical_difference": 2000}',
    'The partner''s order form. Names of 30, address lines of 60 and drug names of 254 characters
     are usual among compounders; directions of 1,000 are NCPDP SCRIPT''s since 2017071.'
)
"""

FORMULARY = """
INSERT INTO formulary (item_id, pharmacy_id, effective_from, drug, schedule, ingredients, strength,
    form, quantity, quantity_unit, days_supply, sig, refills, clinical_difference, sources)
VALUES (
    '5b1f6f1e-0000-7000-8000-000000000002',
    '5b1f6f1e-0000-7000-8000-000000000001',
    '2020-01-01',
    'Ketamine HCl (racemic) nasal spray, compounded',
    'C-III',
    '[{"name": "Ketamine HCl", "quantity": "500", "unit": "mg"}]',
    '100 mg/mL',
    'nasal_spray',
    '5', 'mL', 30,
    'Use 5 sprays (0.1 mL, 10 mg each) into the nose, alternating nostrils, twice a week.'
        ' Do not drive for 4 hours after each use. Keep locked away. For this patient only.',
    0,
    'Racemic ketamine (R and S). The marketed nasal spray holds the S-enantiomer alone.',
    '{"drug": "FAQ: a compounded mixture of R and S Ketamine as opposed to Spravato",
      "schedule": "21 CFR 1308.13(c): ketamine is in schedule III",
      "strength": "Compounder''s catalogue: nasal spray 100 mg/mL in 5 mL and 15 mL",
      "quantity": "5 sprays of 0.1 mL twice a week for 30 days are 4.3 mL; the bottle holds 5 mL",
      "days_supply": "FAQ: the medication is supplied for a month at basic usage rates",
      "dose": "50 mg a session: Lapidus 2014 (PMC4185009). The prescriber confirms it by signing",
      "sig": "FAQ: You are not to drive for 4 hours after using the nasal spray",
      "refills": "FAQ: for a month, then a follow-up; 21 CFR 1306.22(a) would allow 5",
      "clinical_difference": "21 USC 353a(b)(2): why this is not a copy of a marketed product"}'
)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    connection = op.get_bind()
    connection.exec_driver_sql(PARTNER)
    connection.exec_driver_sql(FORMULARY)
