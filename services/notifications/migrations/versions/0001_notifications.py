"""Notifications' tables: one message per purpose, subject and revision."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE contacts (
    patient_id uuid NOT NULL,
    sealed bytea,
    asked_no integer NOT NULL,
    redeemed_no integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_contacts PRIMARY KEY (patient_id),
    CONSTRAINT ck_contacts_redeemed CHECK ((sealed IS NULL) = (redeemed_no = 0))
);
CREATE TABLE locations (
    location_id uuid NOT NULL, name text NOT NULL, zone text NOT NULL, phone text NOT NULL,
    CONSTRAINT pk_locations PRIMARY KEY (location_id)
);
CREATE TABLE appointments (
    appointment_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    location_id uuid NOT NULL,
    visit_type text NOT NULL,
    starts_at timestamptz NOT NULL,
    revision smallint NOT NULL,
    state text NOT NULL,
    ride_confirmed boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_appointments PRIMARY KEY (appointment_id),
    CONSTRAINT ck_appointments_state CHECK (state IN ('booked', 'cancelled', 'discharged'))
);
CREATE INDEX ix_appointments_location_id ON appointments (location_id, starts_at);
CREATE TABLE messages (
    message_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    purpose text NOT NULL,
    channel text NOT NULL,
    subject_id uuid NOT NULL,
    revision smallint NOT NULL,
    location_id uuid,
    amount_cents integer,
    document_no text,
    until_at timestamptz,
    state text NOT NULL,
    due_at timestamptz NOT NULL,
    turn integer NOT NULL,
    tried_at timestamptz,
    sealed bytea,
    settled_at timestamptz,
    reason text,
    provider_ref text,
    CONSTRAINT pk_messages PRIMARY KEY (message_id),
    CONSTRAINT uq_messages_purpose_subject_id_revision UNIQUE (purpose, subject_id, revision),
    CONSTRAINT ck_messages_channel CHECK (channel IN ('sms', 'email')),
    CONSTRAINT ck_messages_state CHECK (state IN ('waiting', 'sent', 'not_sent')),
    CONSTRAINT ck_messages_settled CHECK ((state = 'waiting') = (settled_at IS NULL)),
    CONSTRAINT ck_messages_reason CHECK ((state = 'not_sent') = (reason IS NOT NULL)),
    CONSTRAINT ck_messages_tried CHECK ((tried_at IS NULL) = (sealed IS NULL)),
    CONSTRAINT ck_messages_sent CHECK (state <> 'sent' OR tried_at IS NOT NULL),
    CONSTRAINT ck_messages_amount CHECK ((purpose = 'receipt') = (amount_cents IS NOT NULL)),
    CONSTRAINT ck_messages_document CHECK ((purpose = 'superbill') = (document_no IS NOT NULL)),
    CONSTRAINT ck_messages_until CHECK
        ((purpose IN ('no_driving', 'chair_offered')) = (until_at IS NOT NULL))
);
CREATE INDEX ix_messages_patient_id ON messages (patient_id, due_at, message_id);
CREATE INDEX ix_messages_location_id ON messages (location_id) WHERE state = 'waiting'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
