"""Who waits for a chair, offers of freed ones, gaps at risk, and visits that were missed."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE waiting_wishes (
    wish_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_waiting_wishes_patient_id REFERENCES patients,
    location_id uuid NOT NULL CONSTRAINT fk_waiting_wishes_location_id REFERENCES locations,
    visit_type text NOT NULL,
    appointment_id uuid CONSTRAINT fk_waiting_wishes_appointment_id REFERENCES appointments,
    windows jsonb NOT NULL,
    state text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_waiting_wishes PRIMARY KEY (wish_id),
    CONSTRAINT ck_waiting_wishes_state CHECK
        (state IN ('waiting', 'filled', 'withdrawn', 'expired'))
);
CREATE INDEX ix_waiting_wishes_patient_id ON waiting_wishes (patient_id);
CREATE INDEX ix_waiting_wishes_waiting ON waiting_wishes (location_id, made_at)
    WHERE state = 'waiting';
CREATE TABLE chair_offers (
    offer_id uuid NOT NULL,
    opening_id uuid NOT NULL,
    wish_id uuid NOT NULL CONSTRAINT fk_chair_offers_wish_id REFERENCES waiting_wishes,
    patient_id uuid NOT NULL CONSTRAINT fk_chair_offers_patient_id REFERENCES patients,
    location_id uuid NOT NULL CONSTRAINT fk_chair_offers_location_id REFERENCES locations,
    chair_id uuid NOT NULL CONSTRAINT fk_chair_offers_chair_id REFERENCES chairs,
    visit_type text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL,
    CONSTRAINT pk_chair_offers PRIMARY KEY (offer_id),
    CONSTRAINT ck_chair_offers_state CHECK
        (state IN ('open', 'taken', 'lost', 'declined', 'expired')),
    CONSTRAINT ck_chair_offers_times CHECK (offered_at < expires_at AND starts_at < ends_at)
);
CREATE INDEX ix_chair_offers_wish_id ON chair_offers (wish_id);
CREATE INDEX ix_chair_offers_patient_id ON chair_offers (patient_id);
CREATE UNIQUE INDEX uq_chair_offers_taken ON chair_offers (opening_id) WHERE state = 'taken';
CREATE UNIQUE INDEX uq_chair_offers_once ON chair_offers (opening_id, wish_id);
CREATE TABLE gap_risks (
    risk_id uuid NOT NULL,
    series_id uuid NOT NULL CONSTRAINT fk_gap_risks_series_id REFERENCES series,
    patient_id uuid NOT NULL CONSTRAINT fk_gap_risks_patient_id REFERENCES patients,
    location_id uuid NOT NULL CONSTRAINT fk_gap_risks_location_id REFERENCES locations,
    after_appointment_id uuid NOT NULL
        CONSTRAINT fk_gap_risks_after_appointment_id REFERENCES appointments,
    breaks_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    CONSTRAINT pk_gap_risks PRIMARY KEY (risk_id)
);
CREATE UNIQUE INDEX uq_gap_risks_open ON gap_risks (series_id, after_appointment_id)
    WHERE cleared_at IS NULL;
CREATE INDEX ix_gap_risks_raised_at ON gap_risks (raised_at, risk_id);
CREATE TABLE missed_visits (
    appointment_id uuid NOT NULL
        CONSTRAINT fk_missed_visits_appointment_id REFERENCES appointments,
    patient_id uuid NOT NULL CONSTRAINT fk_missed_visits_patient_id REFERENCES patients,
    kind text NOT NULL,
    starts_at timestamptz NOT NULL,
    notice_min integer NOT NULL,
    noted_at timestamptz NOT NULL,
    CONSTRAINT pk_missed_visits PRIMARY KEY (appointment_id),
    CONSTRAINT ck_missed_visits_kind CHECK (kind IN ('no_show', 'late_cancel'))
);
CREATE INDEX ix_missed_visits_patient_id ON missed_visits (patient_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
