"""A drip that runs has its chair and its patient to itself; visits that nobody settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE chair_offers
    ADD COLUMN free_from timestamptz NOT NULL,
    ADD COLUMN free_until timestamptz NOT NULL;
CREATE UNIQUE INDEX uq_waiting_wishes_missing ON waiting_wishes (patient_id, visit_type)
    WHERE state = 'waiting' AND appointment_id IS NULL;
CREATE UNIQUE INDEX uq_waiting_wishes_moving ON waiting_wishes (appointment_id)
    WHERE state = 'waiting' AND appointment_id IS NOT NULL;
CREATE TABLE unsettled_visits (
    appointment_id uuid NOT NULL
        CONSTRAINT fk_unsettled_visits_appointment_id REFERENCES appointments,
    starts_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    CONSTRAINT pk_unsettled_visits PRIMARY KEY (appointment_id)
);
CREATE UNIQUE INDEX uq_appointments_running_chair ON appointments (chair_id)
    WHERE state = 'running';
CREATE UNIQUE INDEX uq_appointments_running_patient ON appointments (patient_id)
    WHERE state = 'running';
CREATE INDEX ix_appointments_open_ends_at ON appointments (ends_at)
    WHERE state IN ('booked', 'confirmed', 'checked_in', 'cleared', 'running')
"""

ADD_FIGURE = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES (:figure, '2020-01-01', :value, :source)
"""

FIGURES = (
    (
        "start_early_min",
        60,
        "the FAQ names none; the practice's default: an hour before the time that is booked",
    ),
    (
        "gap_risk_places",
        2,
        "the FAQ names none; the practice's default: two chairs are lost in one telephone call",
    ),
    (
        "start_late_min",
        180,
        "the FAQ names none; the practice's default: three hours after the time that is booked",
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    for figure, value, source in FIGURES:
        values = {"figure": figure, "value": value, "source": source}
        op.execute(sa.text(ADD_FIGURE).bindparams(**values))
