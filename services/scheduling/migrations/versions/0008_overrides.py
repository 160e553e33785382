"""What a prescriber signed against a rule, and what a series is given by because of it."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE overrides (
    override_id uuid NOT NULL,
    series_id uuid NOT NULL CONSTRAINT fk_overrides_series_id REFERENCES series,
    patient_id uuid NOT NULL CONSTRAINT fk_overrides_patient_id REFERENCES patients,
    rule text NOT NULL,
    infusions smallint,
    gap_min_days smallint,
    reason bytea NOT NULL,
    clinician_id uuid NOT NULL CONSTRAINT fk_overrides_clinician_id REFERENCES clinicians,
    signed_by text NOT NULL,
    signed_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text,
    CONSTRAINT pk_overrides PRIMARY KEY (override_id),
    CONSTRAINT ck_overrides_rule CHECK (rule IN ('series_size', 'series_gap')),
    CONSTRAINT ck_overrides_extent CHECK
        ((rule = 'series_size') = (infusions IS NOT NULL)
         AND (rule = 'series_gap') = (gap_min_days IS NOT NULL)
         AND infusions > 0 AND gap_min_days > 0),
    CONSTRAINT ck_overrides_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX ix_overrides_series_id ON overrides (series_id);
CREATE INDEX ix_overrides_patient_id ON overrides (patient_id);
CREATE INDEX ix_overrides_signed_at ON overrides (signed_at, override_id);
ALTER TABLE series
    ADD COLUMN extra_infusions smallint NOT NULL DEFAULT 0,
    ADD COLUMN gap_min_days smallint,
    ADD COLUMN completed_at timestamptz,
    ADD COLUMN completed_with smallint,
    DROP CONSTRAINT ck_series_stop_reason,
    ADD CONSTRAINT ck_series_stop_reason CHECK
        ((state <> 'stopped' OR stop_reason IS NOT NULL AND completed_at IS NULL)
         AND (stop_reason IS NULL OR state = 'stopped' OR completed_at IS NOT NULL)),
    ADD CONSTRAINT ck_series_completed CHECK
        ((completed_at IS NULL) = (completed_with IS NULL)
         AND (state <> 'completed' OR completed_at IS NOT NULL)),
    ADD CONSTRAINT ck_series_overrides CHECK (extra_infusions >= 0 AND gap_min_days > 0)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
