"""The day of a visit: consents, readings, overrides, notes, doses, limits, and how it may pass."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE consents (
    consent_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_consents_patient_id REFERENCES patients,
    form text NOT NULL,
    signer bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text,
    CONSTRAINT pk_consents PRIMARY KEY (consent_id),
    CONSTRAINT ck_consents_signed CHECK (signed_at <= recorded_at),
    CONSTRAINT ck_consents_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX ix_consents_patient_id ON consents (patient_id);
CREATE TABLE readings (
    reading_id uuid NOT NULL,
    appointment_id uuid NOT NULL CONSTRAINT fk_readings_appointment_id REFERENCES appointments,
    phase text NOT NULL,
    taken_at timestamptz NOT NULL,
    taken_by text NOT NULL,
    vitals bytea NOT NULL,
    CONSTRAINT pk_readings PRIMARY KEY (reading_id),
    CONSTRAINT ck_readings_phase CHECK (phase IN ('before', 'during', 'after'))
);
CREATE INDEX ix_readings_appointment_id ON readings (appointment_id, taken_at);
CREATE TABLE vitals_overrides (
    override_id uuid NOT NULL,
    reading_id uuid NOT NULL CONSTRAINT fk_vitals_overrides_reading_id REFERENCES readings,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_vitals_overrides_appointment_id REFERENCES appointments,
    patient_id uuid NOT NULL CONSTRAINT fk_vitals_overrides_patient_id REFERENCES patients,
    clinician_id uuid NOT NULL CONSTRAINT fk_vitals_overrides_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    why bytea NOT NULL,
    CONSTRAINT pk_vitals_overrides PRIMARY KEY (override_id),
    CONSTRAINT uq_vitals_overrides_reading_id UNIQUE (reading_id)
);
CREATE INDEX ix_vitals_overrides_signed_at ON vitals_overrides (signed_at, override_id);
CREATE TABLE chart_notes (
    note_id uuid NOT NULL,
    appointment_id uuid NOT NULL CONSTRAINT fk_chart_notes_appointment_id REFERENCES appointments,
    noted_at timestamptz NOT NULL,
    noted_by text NOT NULL,
    note bytea NOT NULL,
    CONSTRAINT pk_chart_notes PRIMARY KEY (note_id)
);
CREATE INDEX ix_chart_notes_appointment_id ON chart_notes (appointment_id, noted_at);
CREATE TABLE doses (
    appointment_id uuid NOT NULL CONSTRAINT fk_doses_appointment_id REFERENCES appointments,
    clinician_id uuid NOT NULL CONSTRAINT fk_doses_clinician_id REFERENCES clinicians,
    planned bytea NOT NULL,
    planned_at timestamptz NOT NULL,
    planned_by text NOT NULL,
    given bytea,
    given_at timestamptz,
    given_by text,
    wasted boolean,
    witnessed_at timestamptz,
    witnessed_by text,
    CONSTRAINT pk_doses PRIMARY KEY (appointment_id),
    CONSTRAINT ck_doses_given CHECK (num_nulls(given, given_at, given_by, wasted) IN (0, 4)),
    CONSTRAINT ck_doses_witnessed CHECK ((witnessed_at IS NULL) = (witnessed_by IS NULL)
        AND (witnessed_by IS NULL OR wasted IS TRUE AND witnessed_by <> given_by))
);
CREATE TABLE clinical_limits (
    visit_type text NOT NULL,
    measure text NOT NULL,
    effective_from date NOT NULL,
    hard_low integer,
    soft_low integer,
    soft_high integer,
    hard_high integer,
    source text NOT NULL,
    CONSTRAINT pk_clinical_limits PRIMARY KEY (visit_type, measure, effective_from),
    CONSTRAINT ck_clinical_limits_some CHECK
        (num_nonnulls(hard_low, soft_low, soft_high, hard_high) > 0),
    CONSTRAINT ck_clinical_limits_order CHECK
        (coalesce(hard_low, soft_low) <= coalesce(soft_low, hard_low)
         AND coalesce(soft_high, hard_high) <= coalesce(hard_high, soft_high)
         AND coalesce(soft_low, hard_low) <= coalesce(soft_high, hard_high))
);
CREATE TABLE visit_passages (
    from_state text NOT NULL,
    to_state text NOT NULL,
    CONSTRAINT pk_visit_passages PRIMARY KEY (from_state, to_state)
);
ALTER TABLE appointments
    ADD COLUMN cleared_at timestamptz,
    ADD COLUMN cleared_by text,
    ADD COLUMN consent_id uuid CONSTRAINT fk_appointments_consent_id REFERENCES consents,
    ADD COLUMN reading_id uuid CONSTRAINT fk_appointments_reading_id REFERENCES readings,
    ADD COLUMN left_on_reading_id uuid
        CONSTRAINT fk_appointments_left_on_reading_id REFERENCES readings,
    ADD COLUMN abort_reason bytea,
    ADD COLUMN ride_seen bytea,
    ADD COLUMN ride_seen_at timestamptz,
    ADD COLUMN oriented boolean,
    ADD COLUMN late_since timestamptz,
    DROP CONSTRAINT ck_appointments_state,
    DROP CONSTRAINT ck_appointments_infusion,
    DROP CONSTRAINT ck_appointments_stopped,
    DROP CONSTRAINT ck_appointments_discharged,
    DROP CONSTRAINT ck_appointments_gates,
    DROP CONSTRAINT ex_appointments_chair,
    DROP CONSTRAINT ex_appointments_led_by,
    DROP CONSTRAINT ex_appointments_patient,
    ADD CONSTRAINT ck_appointments_state CHECK (state IN ('held', 'booked', 'confirmed',
        'checked_in', 'cleared', 'running', 'completed', 'recovering', 'discharged', 'cancelled',
        'no_show', 'sent_home', 'aborted')),
    ADD CONSTRAINT ck_appointments_infusion CHECK
        ((state IN ('running', 'completed', 'recovering', 'discharged', 'aborted'))
         = (infusion_id IS NOT NULL)),
    ADD CONSTRAINT ck_appointments_stopped CHECK
        ((state IN ('completed', 'recovering', 'discharged', 'aborted')) = (stopped_at IS NOT NULL)
         AND started_at <= stopped_at),
    ADD CONSTRAINT ck_appointments_aborted CHECK
        ((state = 'aborted') = (abort_reason IS NOT NULL)),
    ADD CONSTRAINT ck_appointments_cleared CHECK ((cleared_at IS NULL) = (cleared_by IS NULL)),
    ADD CONSTRAINT ck_appointments_cleared_first CHECK
        (state NOT IN ('cleared', 'running') OR cleared_at IS NOT NULL),
    ADD CONSTRAINT ck_appointments_ride_seen CHECK
        ((ride_seen IS NULL) = (ride_seen_at IS NULL)),
    ADD CONSTRAINT ck_appointments_discharged CHECK
        ((state = 'discharged' OR state = 'aborted' AND no_drive_until IS NOT NULL)
         = (no_drive_until IS NOT NULL)),
    ADD CONSTRAINT ck_appointments_leaving CHECK
        (no_drive_until IS NULL OR (oriented IS TRUE AND ride_seen IS NOT NULL
                                    AND left_on_reading_id IS NOT NULL)),
    ADD CONSTRAINT ck_appointments_gates CHECK
        (infusion_id IS NULL
         OR (fasted IS TRUE AND ride_mode IS NOT NULL AND consent_id IS NOT NULL
             AND reading_id IS NOT NULL AND cleared_at IS NOT NULL)),
    ADD CONSTRAINT ex_appointments_chair EXCLUDE USING gist
        (uuidrange(chair_id, chair_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (chair_id IS NOT NULL AND state NOT IN ('cancelled', 'no_show', 'sent_home')),
    ADD CONSTRAINT ex_appointments_led_by EXCLUDE USING gist
        (uuidrange(led_by, led_by, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (led_by IS NOT NULL AND state NOT IN ('cancelled', 'no_show', 'sent_home')),
    ADD CONSTRAINT ex_appointments_patient EXCLUDE USING gist
        (uuidrange(patient_id, patient_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (state NOT IN ('cancelled', 'no_show', 'sent_home'))
"""

PASSAGES = """
    held: booked
    booked: confirmed checked_in cancelled no_show
    confirmed: booked checked_in cancelled no_show
    checked_in: cleared sent_home cancelled
    cleared: checked_in running sent_home cancelled
    running: completed aborted
    completed: recovering
    recovering: discharged
"""

GUARD = """
CREATE FUNCTION visit_may_pass() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state IN ('held', 'booked') THEN
            RETURN NULL;
        END IF;
    ELSIF NEW.state = OLD.state OR EXISTS (
        SELECT FROM visit_passages WHERE from_state = OLD.state AND to_state = NEW.state
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'a visit does not pass to %', NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'visit_passages';
END $$
"""

GUARDED = """
CREATE TRIGGER visit_may_pass AFTER INSERT OR UPDATE OF state ON appointments
FOR EACH ROW EXECUTE FUNCTION visit_may_pass()
"""

ADD_PASSAGE = "INSERT INTO visit_passages (from_state, to_state) VALUES (:before, :after)"

SIGNED_OFF = "; a default until a clinician of the practice signs one off"
PRESSURE = (
    "soft high: Spravato's label weighs a delay above 140/90; hard high: an emergency low-dose"
    " protocol excludes above 180 systolic (PMC7081852), 120 diastolic is a house figure beside it;"
    " low: house figures"
)
PULSE = (
    "soft high: a remote practice's agreement (chooseketamine.com) stops above 100; hard high: an"
    " emergency low-dose protocol (PMC7081852) excludes above 150; low: house figures"
)
SATURATION = (
    "soft: 94 is where the British Thoracic Society's target range begins; hard: a house figure"
)
VITALS = (
    ("systolic_mmhg", 80, 90, 140, 180, PRESSURE),
    ("diastolic_mmhg", 40, 60, 90, 120, PRESSURE),
    ("pulse_bpm", 40, 50, 100, 150, PULSE),
    ("spo2_pct", 90, 94, None, None, SATURATION),
)
DOSES = (
    (
        "ketamine_mood",
        1000,
        "FAQ: always below anesthetic; Ketalar's label: anesthesia begins at 1 mg/kg",
    ),
    (
        "ketamine_maintenance",
        1000,
        "FAQ: always below anesthetic; Ketalar's label: anesthesia begins at 1 mg/kg",
    ),
    ("ketamine_pain", 1400, "ASRA's evidence for CRPS: 0.35 mg/kg/h over 4 hours a day"),
)

ADD_VITAL = """
INSERT INTO clinical_limits
SELECT DISTINCT visit_type, CAST(:measure AS text), date '2020-01-01',
       CAST(:hard_low AS integer), CAST(:soft_low AS integer), CAST(:soft_high AS integer),
       CAST(:hard_high AS integer), CAST(:source AS text)
  FROM visit_types WHERE chair_needed
"""

ADD_DOSE = """
INSERT INTO clinical_limits (visit_type, measure, effective_from, hard_high, source)
VALUES (:visit_type, 'dose_ug_per_kg', '2020-01-01', :hard_high, :source)
"""

ADD_FIGURE = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES (:figure, '2020-01-01', :value, :source)
"""

FIGURES = (
    (
        "monitor_every_min",
        15,
        "the FAQ names none; an IV flowsheet's times (ketaminesoftware.com): before, 15, 30 min",
    ),
    (
        "reading_fresh_min",
        30,
        "the FAQ names none; two entries of the flowsheet: an older reading is of another moment",
    ),
)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    op.execute(GUARD)
    op.execute(GUARDED)
    for line in PASSAGES.split("\n"):
        before, _, afters = line.strip().partition(": ")
        for after in afters.split():
            op.execute(sa.text(ADD_PASSAGE).bindparams(before=before, after=after))
    bounds = ("measure", "hard_low", "soft_low", "soft_high", "hard_high", "source")
    for vital in VITALS:
        values = dict(zip(bounds, vital, strict=True))
        values["source"] = f"{values['source']}{SIGNED_OFF}"
        op.execute(sa.text(ADD_VITAL).bindparams(**values))
    for visit_type, hard_high, source in DOSES:
        values = {"visit_type": visit_type, "hard_high": hard_high, "source": source + SIGNED_OFF}
        op.execute(sa.text(ADD_DOSE).bindparams(**values))
    for figure, value, source in FIGURES:
        values = {"figure": figure, "value": value, "source": source}
        op.execute(sa.text(ADD_FIGURE).bindparams(**values))
