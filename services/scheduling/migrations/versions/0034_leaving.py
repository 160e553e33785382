"""A transfer is signed, and who was not discharged is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE transfers (
    appointment_id uuid NOT NULL
        CONSTRAINT fk_transfers_appointment_id REFERENCES appointments,
    patient_id uuid NOT NULL CONSTRAINT fk_transfers_patient_id REFERENCES patients,
    reading_id uuid NOT NULL CONSTRAINT fk_transfers_reading_id REFERENCES readings,
    clinician_id uuid NOT NULL CONSTRAINT fk_transfers_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    handed_over bytea NOT NULL,
    CONSTRAINT pk_transfers PRIMARY KEY (appointment_id)
);
CREATE TABLE overdue_discharges (
    appointment_id uuid NOT NULL
        CONSTRAINT fk_overdue_discharges_appointment_id REFERENCES appointments,
    raised_at timestamptz NOT NULL,
    CONSTRAINT pk_overdue_discharges PRIMARY KEY (appointment_id)
);
CREATE INDEX ix_appointments_not_gone ON appointments (stopped_at, appointment_id)
    WHERE state IN ('completed', 'recovering', 'aborted') AND no_drive_until IS NULL
"""

SIGNING = """
INSERT INTO signing_rules (act, effective_from, credentials, dea_needed, source)
VALUES ('transfer', '2020-01-01', '{}', false, :source)
"""
WHO_SIGNS = (
    "the practice's default: whoever of the clinicians hands the patient over; an ambulance does"
    " not wait for a prescriber"
)

FIGURE = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES ('discharge_overdue_min', '2020-01-01', 60, :source)
"""
HOW_LONG = (
    "the FAQ names none; the practice's default: an hour after the recovery that the type of visit"
    " is booked with"
)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    op.execute(sa.text(SIGNING).bindparams(source=WHO_SIGNS))
    op.execute(sa.text(FIGURE).bindparams(source=HOW_LONG))
