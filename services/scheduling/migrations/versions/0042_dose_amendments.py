"""What is on record of a dose is amended, signed, and what stood there is kept."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE dose_amendments (
    amendment_id uuid NOT NULL,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_dose_amendments_appointment_id REFERENCES doses,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    witnessed_at timestamptz,
    witnessed_by text,
    clinician_id uuid NOT NULL CONSTRAINT fk_dose_amendments_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    amended bytea NOT NULL,
    CONSTRAINT pk_dose_amendments PRIMARY KEY (amendment_id),
    CONSTRAINT ck_dose_amendments_witnessed CHECK
        ((witnessed_at IS NULL) = (witnessed_by IS NULL))
);
CREATE INDEX ix_dose_amendments_appointment_id ON dose_amendments (appointment_id, signed_at)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
