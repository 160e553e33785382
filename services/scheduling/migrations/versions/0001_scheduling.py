"""Scheduling's tables, with double booking made impossible."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE locations (
    location_id uuid NOT NULL, name text NOT NULL, zone text NOT NULL,
    CONSTRAINT pk_locations PRIMARY KEY (location_id)
);
CREATE TABLE chairs (
    chair_id uuid NOT NULL,
    location_id uuid NOT NULL CONSTRAINT fk_chairs_location_id REFERENCES locations,
    name text NOT NULL,
    CONSTRAINT pk_chairs PRIMARY KEY (chair_id)
);
CREATE TABLE clinicians (
    clinician_id uuid NOT NULL, name text NOT NULL, credential text NOT NULL, npi text NOT NULL,
    license_number text NOT NULL, dea_number text,
    CONSTRAINT pk_clinicians PRIMARY KEY (clinician_id)
);
CREATE TABLE patients (
    patient_id uuid NOT NULL, sealed bytea NOT NULL, concerns bytea NOT NULL,
    held boolean NOT NULL, registered_at timestamptz NOT NULL,
    CONSTRAINT pk_patients PRIMARY KEY (patient_id)
);
CREATE TABLE series (
    series_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_series_patient_id REFERENCES patients,
    prescriber_id uuid NOT NULL CONSTRAINT fk_series_prescriber_id REFERENCES clinicians,
    visit_type text NOT NULL,
    sealed bytea NOT NULL,
    planned_infusions smallint NOT NULL,
    completed_infusions smallint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'booked',
    booked_at timestamptz NOT NULL,
    CONSTRAINT pk_series PRIMARY KEY (series_id),
    CONSTRAINT ck_series_state CHECK (state IN ('booked', 'completed', 'stopped')),
    CONSTRAINT ck_series_progress CHECK (completed_infusions BETWEEN 0 AND planned_infusions)
);
CREATE INDEX ix_series_patient_id ON series (patient_id);
CREATE TYPE uuidrange AS RANGE (subtype = uuid);
CREATE TABLE appointments (
    appointment_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_appointments_patient_id REFERENCES patients,
    series_id uuid CONSTRAINT fk_appointments_series_id REFERENCES series,
    sequence_no smallint,
    location_id uuid NOT NULL CONSTRAINT fk_appointments_location_id REFERENCES locations,
    chair_id uuid NOT NULL CONSTRAINT fk_appointments_chair_id REFERENCES chairs,
    visit_type text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'booked',
    revision smallint NOT NULL DEFAULT 0,
    ride bytea,
    fasted boolean,
    infusion_id uuid,
    clinician_id uuid CONSTRAINT fk_appointments_clinician_id REFERENCES clinicians,
    started_at timestamptz,
    stopped_at timestamptz,
    no_drive_until timestamptz,
    CONSTRAINT pk_appointments PRIMARY KEY (appointment_id),
    CONSTRAINT uq_appointments_infusion_id UNIQUE (infusion_id),
    CONSTRAINT ck_appointments_times CHECK (starts_at < ends_at),
    CONSTRAINT ck_appointments_infusion CHECK ((started_at IS NULL) = (infusion_id IS NULL)),
    CONSTRAINT ex_appointments_chair EXCLUDE USING gist
        (uuidrange(chair_id, chair_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (state <> 'cancelled'),
    CONSTRAINT ex_appointments_patient EXCLUDE USING gist
        (uuidrange(patient_id, patient_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (state <> 'cancelled')
);
CREATE INDEX ix_appointments_series_id ON appointments (series_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
