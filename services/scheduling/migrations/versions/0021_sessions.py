"""Sessions that took place: who led them, when they really were, and what for."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE appointments
    ADD COLUMN diagnoses bytea,
    DROP CONSTRAINT ck_appointments_state,
    DROP CONSTRAINT ck_appointments_started,
    DROP CONSTRAINT ck_appointments_stopped,
    ADD CONSTRAINT ck_appointments_state CHECK (state IN ('held', 'booked', 'confirmed',
        'checked_in', 'cleared', 'running', 'completed', 'recovering', 'discharged', 'cancelled',
        'no_show', 'sent_home', 'aborted', 'attended')),
    ADD CONSTRAINT ck_appointments_started CHECK
        ((infusion_id IS NOT NULL OR state = 'attended') = (started_at IS NOT NULL)
         AND (started_at IS NULL) = (clinician_id IS NULL)),
    ADD CONSTRAINT ck_appointments_stopped CHECK
        ((state IN ('completed', 'recovering', 'discharged', 'aborted', 'attended'))
         = (stopped_at IS NOT NULL) AND started_at <= stopped_at),
    ADD CONSTRAINT ck_appointments_attended CHECK
        ((state = 'attended') = (diagnoses IS NOT NULL)
         AND (state <> 'attended' OR led_by IS NOT NULL));
INSERT INTO visit_passages (from_state, to_state) VALUES ('checked_in', 'attended')
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
