"""The chart: screening that ends, consent to an infusion of its kind, who signs as whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

STATEMENTS = """
INSERT INTO visit_passages (from_state, to_state) VALUES
    ('no_show', 'booked'), ('no_show', 'confirmed'),
    ('checked_in', 'booked'), ('checked_in', 'confirmed');
ALTER TABLE chairs
    ADD COLUMN out_since timestamptz,
    ADD COLUMN out_reason text,
    ADD CONSTRAINT ck_chairs_out CHECK ((out_since IS NULL) = (out_reason IS NULL));
ALTER TABLE clinicians
    ADD COLUMN subject text,
    ADD CONSTRAINT uq_clinicians_subject UNIQUE (subject);
CREATE TABLE signing_rules (
    act text NOT NULL,
    effective_from date NOT NULL,
    credentials text[] NOT NULL,
    dea_needed boolean NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_signing_rules PRIMARY KEY (act, effective_from)
);
ALTER TABLE clinical_limits
    ADD COLUMN clinician_id uuid
        CONSTRAINT fk_clinical_limits_clinician_id REFERENCES clinicians,
    ADD COLUMN signed_by text,
    ADD CONSTRAINT ck_clinical_limits_signed CHECK ((clinician_id IS NULL) = (signed_by IS NULL));
ALTER TABLE patients
    ADD COLUMN screening text,
    ADD COLUMN screened_until date;
UPDATE patients SET screening = CASE WHEN held THEN 'concern' ELSE 'not_screened' END;
ALTER TABLE patients
    ALTER COLUMN screening SET NOT NULL,
    DROP COLUMN held,
    ADD CONSTRAINT ck_patients_screening CHECK
        (screening IN ('not_screened', 'clear', 'concern', 'cleared')),
    ADD CONSTRAINT ck_patients_screened_until CHECK
        ((screening IN ('clear', 'cleared')) = (screened_until IS NOT NULL));
CREATE TABLE screenings (
    screening_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_screenings_patient_id REFERENCES patients,
    clinician_id uuid CONSTRAINT fk_screenings_clinician_id REFERENCES clinicians,
    found bytea NOT NULL,
    valid_until date,
    screened_at timestamptz NOT NULL,
    recorded_by text,
    CONSTRAINT pk_screenings PRIMARY KEY (screening_id),
    CONSTRAINT ck_screenings_signed CHECK (valid_until IS NULL OR clinician_id IS NOT NULL)
);
CREATE INDEX ix_screenings_patient_id ON screenings (patient_id, screened_at);
ALTER TABLE clearances
    ADD COLUMN valid_until date,
    ADD COLUMN signed_by text;
UPDATE clearances SET valid_until = cleared_at::date, signed_by = 'unknown';
ALTER TABLE clearances
    ALTER COLUMN valid_until SET NOT NULL,
    ALTER COLUMN signed_by SET NOT NULL;
ALTER TABLE consents
    ADD COLUMN kind text NOT NULL DEFAULT 'other',
    ADD COLUMN version text NOT NULL DEFAULT 'unknown',
    ADD COLUMN visit_types text[] NOT NULL DEFAULT '{}',
    ADD COLUMN expires_at timestamptz,
    DROP CONSTRAINT ck_consents_signed;
UPDATE consents SET expires_at = signed_at + interval '365 days';
ALTER TABLE consents
    ALTER COLUMN kind DROP DEFAULT,
    ALTER COLUMN version DROP DEFAULT,
    ALTER COLUMN visit_types DROP DEFAULT,
    ALTER COLUMN expires_at SET NOT NULL,
    ADD CONSTRAINT ck_consents_signed CHECK
        (signed_at <= recorded_at AND signed_at < expires_at),
    ADD CONSTRAINT ck_consents_scope CHECK
        ((kind = 'infusion') = (cardinality(visit_types) > 0));
DROP TABLE doses;
CREATE TABLE dose_plans (
    plan_id uuid NOT NULL,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_dose_plans_appointment_id REFERENCES appointments,
    clinician_id uuid NOT NULL CONSTRAINT fk_dose_plans_clinician_id REFERENCES clinicians,
    planned bytea NOT NULL,
    planned_at timestamptz NOT NULL,
    planned_by text NOT NULL,
    CONSTRAINT pk_dose_plans PRIMARY KEY (plan_id)
);
CREATE INDEX ix_dose_plans_appointment_id ON dose_plans (appointment_id, planned_at);
CREATE TABLE doses (
    appointment_id uuid NOT NULL CONSTRAINT fk_doses_appointment_id REFERENCES appointments,
    plan_id uuid NOT NULL CONSTRAINT fk_doses_plan_id REFERENCES dose_plans,
    given bytea,
    wasted boolean,
    not_given bytea,
    clinician_id uuid CONSTRAINT fk_doses_clinician_id REFERENCES clinicians,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    witnessed_at timestamptz,
    witnessed_by text,
    CONSTRAINT pk_doses PRIMARY KEY (appointment_id),
    CONSTRAINT ck_doses_given CHECK
        (num_nonnulls(given, not_given) = 1 AND (given IS NULL) = (wasted IS NULL)
         AND (not_given IS NULL) = (clinician_id IS NULL)),
    CONSTRAINT ck_doses_witnessed CHECK ((witnessed_at IS NULL) = (witnessed_by IS NULL)
        AND (witnessed_by IS NULL OR wasted IS TRUE AND witnessed_by <> recorded_by))
);
ALTER TABLE reviews
    ALTER COLUMN outcome_id DROP NOT NULL,
    ADD COLUMN appointment_id uuid
        CONSTRAINT fk_reviews_appointment_id REFERENCES appointments,
    ADD CONSTRAINT ck_reviews_place CHECK (num_nonnulls(outcome_id, appointment_id) = 1);
CREATE TABLE adverse_events (
    note_id uuid NOT NULL CONSTRAINT fk_adverse_events_note_id REFERENCES chart_notes,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_adverse_events_appointment_id REFERENCES appointments,
    patient_id uuid NOT NULL CONSTRAINT fk_adverse_events_patient_id REFERENCES patients,
    noted_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text,
    CONSTRAINT pk_adverse_events PRIMARY KEY (note_id),
    CONSTRAINT ck_adverse_events_resolved CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
);
CREATE INDEX ix_adverse_events_noted_at ON adverse_events (noted_at, note_id);
ALTER TABLE appointments
    ADD COLUMN screened_until date,
    ADD COLUMN dose_asked boolean NOT NULL DEFAULT true,
    ADD COLUMN dose_plan_id uuid CONSTRAINT fk_appointments_dose_plan_id REFERENCES dose_plans,
    DROP CONSTRAINT ck_appointments_gates;
UPDATE appointments SET screened_until = started_at::date WHERE infusion_id IS NOT NULL;
ALTER TABLE appointments
    ADD CONSTRAINT ck_appointments_gates CHECK
        (infusion_id IS NULL OR ((fasted IS TRUE OR NOT fasting_asked)
         AND (ride_mode IS NOT NULL OR NOT ride_asked)
         AND consent_id IS NOT NULL AND reading_id IS NOT NULL AND cleared_at IS NOT NULL
         AND screened_until IS NOT NULL AND (dose_plan_id IS NOT NULL OR NOT dose_asked)))
"""

SIGNING: tuple[tuple[str, list[str], bool, str], ...] = (
    (
        "screening",
        ["DO", "MD", "NP", "PA", "RN"],
        False,
        "the FAQ names no profession; the practice's default: who takes a history by licence",
    ),
    (
        "clearance",
        ["DO", "MD", "NP", "PA"],
        False,
        "FAQ: a more in-depth clearance, by nobody named; the practice's default: who examines"
        " and treats by licence",
    ),
    (
        "override",
        [],
        True,
        "who may prescribe the infusion may judge that it runs: 21 CFR 1306.03",
    ),
    ("dose", [], True, "21 CFR 1306.03: who may prescribe a controlled substance"),
    ("limits", [], True, "the limits of a controlled substance: 21 CFR 1306.03"),
)

ADD_SIGNING = """
INSERT INTO signing_rules (act, effective_from, credentials, dea_needed, source)
VALUES (:act, '2020-01-01', CAST(:credentials AS text[]), :dea_needed, :source)
"""

STEPS = (
    (
        "ketamine_mood",
        "first_dose_ug_per_kg",
        500,
        "FAQ: the first dose is lower; 0.5 mg/kg is the usual base (droracle.ai)",
    ),
    (
        "ketamine_mood",
        "dose_step_pct",
        150,
        "FAQ: the dose rises with each infusion, by no figure; the practice's default: half more",
    ),
    (
        "ketamine_pain",
        "dose_step_pct",
        150,
        "the FAQ names none; the practice's default, as for mood: half more",
    ),
)

ADD_STEP = """
INSERT INTO clinical_limits (visit_type, measure, effective_from, soft_high, source)
VALUES (:visit_type, :measure, '2020-01-01', :soft_high, :source)
"""

SIGNED_OFF = "; a default until a clinician of the practice signs one off"

FIGURES = (
    (
        "dose_off_plan_pct",
        10,
        "the FAQ names none; the practice's default: what a pump and its line may leave over",
    ),
    (
        "screening_max_days",
        365,
        "the FAQ names no end of a screening; the practice's default for the furthest: a year",
    ),
    (
        "consent_valid_days",
        365,
        "the FAQ names none; the practice's default: a year, and whoever comes back signs again",
    ),
)

ADD_FIGURE = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES (:figure, '2020-01-01', :value, :source)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    for act, credentials, dea_needed, source in SIGNING:
        signing = {"act": act, "credentials": f"{{{','.join(credentials)}}}"}
        asked = {"dea_needed": dea_needed, "source": source}
        op.execute(sa.text(ADD_SIGNING).bindparams(**signing, **asked))
    for visit_type, measure, soft_high, source in STEPS:
        step = {"visit_type": visit_type, "measure": measure, "soft_high": soft_high}
        op.execute(sa.text(ADD_STEP).bindparams(**step, source=source + SIGNED_OFF))
    for figure, value, source in FIGURES:
        values = {"figure": figure, "value": value, "source": source}
        op.execute(sa.text(ADD_FIGURE).bindparams(**values))
