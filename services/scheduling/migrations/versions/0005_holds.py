"""Plans that are held, and the house's own figures, each with its source and first day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE house_figures (
    figure text NOT NULL,
    effective_from date NOT NULL,
    value integer NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_house_figures PRIMARY KEY (figure, effective_from),
    CONSTRAINT ck_house_figures_value CHECK (value >= 0)
);
CREATE TABLE holds (
    hold_id uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT fk_holds_patient_id REFERENCES patients,
    location_id uuid NOT NULL CONSTRAINT fk_holds_location_id REFERENCES locations,
    visit_type text NOT NULL,
    state text NOT NULL,
    held_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    series_id uuid CONSTRAINT fk_holds_series_id REFERENCES series,
    CONSTRAINT pk_holds PRIMARY KEY (hold_id),
    CONSTRAINT ck_holds_state CHECK (state IN ('held', 'booked', 'released', 'expired')),
    CONSTRAINT ck_holds_times CHECK (held_at < expires_at),
    CONSTRAINT ck_holds_booked CHECK ((state = 'booked') = (series_id IS NOT NULL))
);
CREATE UNIQUE INDEX uq_holds_open ON holds (patient_id) WHERE state = 'held';
ALTER TABLE appointments
    ADD COLUMN hold_id uuid CONSTRAINT fk_appointments_hold_id REFERENCES holds,
    DROP CONSTRAINT ck_appointments_state,
    DROP CONSTRAINT ck_appointments_kind,
    ADD CONSTRAINT ck_appointments_state CHECK (state IN ('held', 'booked', 'checked_in',
        'running', 'completed', 'discharged', 'cancelled', 'sent_home')),
    ADD CONSTRAINT ck_appointments_held CHECK ((state = 'held') = (hold_id IS NOT NULL)
        AND (state <> 'held' OR chair_id IS NOT NULL AND series_id IS NULL AND led_by IS NULL)),
    ADD CONSTRAINT ck_appointments_kind CHECK
        (state = 'held'
         OR num_nulls(series_id, sequence_no, chair_id) IN (0, 3)
         AND (series_id IS NULL) = (led_by IS NOT NULL)
         AND (series_id IS NOT NULL OR infusion_id IS NULL));
CREATE INDEX ix_appointments_hold_id ON appointments (hold_id) WHERE hold_id IS NOT NULL
"""

INSERT = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES (:figure, '2020-01-01', :value, :source)
"""

FIGURES = (
    ("hold_min", 10, "the FAQ names none; about a telephone call, and twice what Cal.com holds"),
    ("replan_min", 60, "the FAQ names none; the house's, for a patient who calls back"),
    ("offers_at_once", 3, "the FAQ names none; Jituzu's waiting list asks three people a round"),
    ("offer_min", 15, "the FAQ names none; Jituzu's waiting list gives fifteen minutes a round"),
    ("gap_risk_h", 24, "the FAQ names none; a working day to call the patient and find a ride"),
    ("no_show_after_min", 0, "the FAQ names no grace; a visit is missed once it has begun"),
    ("late_cancel_h", 24, "the FAQ names none; the shortest window that SimplePractice offers"),
)


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    for figure, value, source in FIGURES:
        op.execute(sa.text(INSERT).bindparams(figure=figure, value=value, source=source))
