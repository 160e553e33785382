"""Links by which patients book a session for themselves."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE booking_links (
    link_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_booking_links_patient_id REFERENCES patients,
    location_id uuid NOT NULL CONSTRAINT fk_booking_links_location_id REFERENCES locations,
    clinician_id uuid NOT NULL CONSTRAINT fk_booking_links_clinician_id REFERENCES clinicians,
    visit_type text NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    appointment_id uuid CONSTRAINT fk_booking_links_appointment_id REFERENCES appointments,
    CONSTRAINT pk_booking_links PRIMARY KEY (link_id),
    CONSTRAINT uq_booking_links_appointment_id UNIQUE (appointment_id),
    CONSTRAINT ck_booking_links_times CHECK (made_at < expires_at),
    CONSTRAINT ck_booking_links_used CHECK (revoked_at IS NULL OR appointment_id IS NULL)
);
CREATE INDEX ix_booking_links_patient_id ON booking_links (patient_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
