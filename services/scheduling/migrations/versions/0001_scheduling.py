"""Scheduling's tables, with double booking made impossible."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE locations (
    location_id uuid NOT NULL, name text NOT NULL, zone text NOT NULL, legal_name text NOT NULL,
    ein text NOT NULL, npi text NOT NULL, phone text NOT NULL, address jsonb NOT NULL,
    CONSTRAINT pk_locations PRIMARY KEY (location_id)
);
CREATE TABLE chairs (
    chair_id uuid NOT NULL,
    location_id uuid NOT NULL CONSTRAINT fk_chairs_location_id REFERENCES locations,
    name text NOT NULL,
    CONSTRAINT pk_chairs PRIMARY KEY (chair_id),
    CONSTRAINT uq_chairs_location_id_name UNIQUE (location_id, name)
);
CREATE TABLE clinicians (
    clinician_id uuid NOT NULL, name text NOT NULL, credential text NOT NULL, npi text NOT NULL,
    license_number text NOT NULL, dea_number text, phone text NOT NULL, address jsonb NOT NULL,
    CONSTRAINT pk_clinicians PRIMARY KEY (clinician_id)
);
CREATE TABLE patients (
    patient_id uuid NOT NULL, card bytea NOT NULL, concerns bytea NOT NULL,
    held boolean NOT NULL, registered_at timestamptz NOT NULL,
    CONSTRAINT pk_patients PRIMARY KEY (patient_id)
);
CREATE TABLE clearances (
    clearance_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_clearances_patient_id REFERENCES patients,
    clinician_id uuid NOT NULL CONSTRAINT fk_clearances_clinician_id REFERENCES clinicians,
    note bytea NOT NULL,
    cleared_at timestamptz NOT NULL,
    CONSTRAINT pk_clearances PRIMARY KEY (clearance_id)
);
CREATE INDEX ix_clearances_patient_id ON clearances (patient_id);
CREATE TABLE series (
    series_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_series_patient_id REFERENCES patients,
    prescriber_id uuid NOT NULL CONSTRAINT fk_series_prescriber_id REFERENCES clinicians,
    location_id uuid NOT NULL CONSTRAINT fk_series_location_id REFERENCES locations,
    visit_type text NOT NULL,
    diagnoses bytea NOT NULL,
    planned_infusions smallint NOT NULL,
    state text NOT NULL,
    booked_at timestamptz NOT NULL,
    ended_at timestamptz,
    stop_reason bytea,
    CONSTRAINT pk_series PRIMARY KEY (series_id),
    CONSTRAINT ck_series_state CHECK (state IN ('booked', 'completed', 'stopped')),
    CONSTRAINT ck_series_ended CHECK ((state = 'booked') = (ended_at IS NULL)),
    CONSTRAINT ck_series_stop_reason CHECK ((state = 'stopped') = (stop_reason IS NOT NULL))
);
CREATE INDEX ix_series_patient_id ON series (patient_id);
CREATE UNIQUE INDEX uq_series_open ON series (patient_id) WHERE state = 'booked';
CREATE TYPE uuidrange AS RANGE (subtype = uuid);
CREATE TABLE appointments (
    appointment_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_appointments_patient_id REFERENCES patients,
    series_id uuid CONSTRAINT fk_appointments_series_id REFERENCES series,
    sequence_no smallint,
    location_id uuid NOT NULL CONSTRAINT fk_appointments_location_id REFERENCES locations,
    chair_id uuid CONSTRAINT fk_appointments_chair_id REFERENCES chairs,
    led_by uuid CONSTRAINT fk_appointments_led_by REFERENCES clinicians,
    visit_type text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    state text NOT NULL,
    revision smallint NOT NULL,
    ride_mode text,
    driver bytea,
    fasted boolean,
    infusion_id uuid,
    clinician_id uuid CONSTRAINT fk_appointments_clinician_id REFERENCES clinicians,
    started_at timestamptz,
    stopped_at timestamptz,
    no_drive_until timestamptz,
    sent_home_reason bytea,
    CONSTRAINT pk_appointments PRIMARY KEY (appointment_id),
    CONSTRAINT uq_appointments_infusion_id UNIQUE (infusion_id),
    CONSTRAINT uq_appointments_series_id_sequence_no UNIQUE (series_id, sequence_no),
    CONSTRAINT ck_appointments_state CHECK (state IN
        ('booked', 'checked_in', 'running', 'completed', 'discharged', 'cancelled', 'sent_home')),
    CONSTRAINT ck_appointments_times CHECK (starts_at < ends_at),
    CONSTRAINT ck_appointments_ride_mode CHECK (ride_mode IN ('driver', 'rideshare')),
    CONSTRAINT ck_appointments_driver CHECK (driver IS NULL OR ride_mode IS NOT NULL),
    CONSTRAINT ck_appointments_infusion CHECK
        ((state IN ('running', 'completed', 'discharged')) = (infusion_id IS NOT NULL)),
    CONSTRAINT ck_appointments_started CHECK
        ((infusion_id IS NULL) = (started_at IS NULL)
         AND (infusion_id IS NULL) = (clinician_id IS NULL)),
    CONSTRAINT ck_appointments_stopped CHECK
        ((state IN ('completed', 'discharged')) = (stopped_at IS NOT NULL)
         AND started_at <= stopped_at),
    CONSTRAINT ck_appointments_discharged CHECK
        ((state = 'discharged') = (no_drive_until IS NOT NULL)),
    CONSTRAINT ck_appointments_sent_home CHECK
        ((state = 'sent_home') = (sent_home_reason IS NOT NULL)),
    CONSTRAINT ck_appointments_gates CHECK
        (infusion_id IS NULL OR (fasted IS TRUE AND ride_mode IS NOT NULL)),
    CONSTRAINT ck_appointments_kind CHECK
        (num_nulls(series_id, sequence_no, chair_id) IN (0, 3)
         AND (series_id IS NULL) = (led_by IS NOT NULL)
         AND (series_id IS NOT NULL OR infusion_id IS NULL)),
    CONSTRAINT ex_appointments_chair EXCLUDE USING gist
        (uuidrange(chair_id, chair_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (chair_id IS NOT NULL AND state NOT IN ('cancelled', 'sent_home')),
    CONSTRAINT ex_appointments_led_by EXCLUDE USING gist
        (uuidrange(led_by, led_by, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (led_by IS NOT NULL AND state NOT IN ('cancelled', 'sent_home')),
    CONSTRAINT ex_appointments_patient EXCLUDE USING gist
        (uuidrange(patient_id, patient_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (state NOT IN ('cancelled', 'sent_home'))
);
CREATE INDEX ix_appointments_chair_id_starts_at ON appointments (chair_id, starts_at);
CREATE INDEX ix_appointments_led_by_starts_at ON appointments (led_by, starts_at)
    WHERE led_by IS NOT NULL;
CREATE INDEX ix_appointments_patient_id_starts_at ON appointments (patient_id, starts_at);
CREATE INDEX ix_appointments_location_id_starts_at
    ON appointments (location_id, starts_at, appointment_id);
CREATE INDEX ix_appointments_starts_at ON appointments (starts_at, appointment_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
