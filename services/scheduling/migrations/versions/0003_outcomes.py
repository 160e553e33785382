"""What patients answer on forms, the figures made of it, and what a person must look at."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE outcomes (
    outcome_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_outcomes_patient_id REFERENCES patients,
    series_id uuid CONSTRAINT fk_outcomes_series_id REFERENCES series,
    appointment_id uuid CONSTRAINT fk_outcomes_appointment_id REFERENCES appointments,
    instrument text NOT NULL,
    rule_version smallint NOT NULL,
    occasion text NOT NULL,
    taken_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    answers bytea NOT NULL,
    score bytea NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_why bytea,
    CONSTRAINT pk_outcomes PRIMARY KEY (outcome_id),
    CONSTRAINT ck_outcomes_instrument CHECK
        (instrument IN ('phq9', 'gad7', 'pcl5', 'nrs', 'creyos')),
    CONSTRAINT ck_outcomes_occasion CHECK
        (occasion IN ('intake', 'before_infusion', 'after_series')),
    CONSTRAINT ck_outcomes_place CHECK
        ((occasion = 'intake') = (series_id IS NULL)
         AND (occasion = 'before_infusion') = (appointment_id IS NOT NULL)),
    CONSTRAINT ck_outcomes_taken CHECK (taken_at <= recorded_at),
    CONSTRAINT ck_outcomes_withdrawn CHECK
        ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)
         AND (withdrawn_at IS NULL) = (withdrawn_why IS NULL))
);
CREATE INDEX ix_outcomes_patient_id_taken_at ON outcomes (patient_id, taken_at, outcome_id);
CREATE UNIQUE INDEX uq_outcomes_before_infusion ON outcomes (appointment_id, instrument)
    WHERE withdrawn_at IS NULL AND occasion = 'before_infusion';
CREATE UNIQUE INDEX uq_outcomes_after_series ON outcomes (series_id, instrument)
    WHERE withdrawn_at IS NULL AND occasion = 'after_series';
CREATE TABLE reviews (
    review_id uuid NOT NULL,
    outcome_id uuid NOT NULL CONSTRAINT fk_reviews_outcome_id REFERENCES outcomes,
    patient_id uuid NOT NULL CONSTRAINT fk_reviews_patient_id REFERENCES patients,
    matter bytea NOT NULL,
    raised_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    done bytea,
    CONSTRAINT pk_reviews PRIMARY KEY (review_id),
    CONSTRAINT ck_reviews_acknowledged CHECK
        ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)
         AND (acknowledged_at IS NULL) = (done IS NULL))
);
CREATE INDEX ix_reviews_patient_id ON reviews (patient_id);
CREATE INDEX ix_reviews_outcome_id ON reviews (outcome_id);
CREATE INDEX ix_reviews_open ON reviews (raised_at, review_id) WHERE acknowledged_at IS NULL
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
