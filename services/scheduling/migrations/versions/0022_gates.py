"""What a type of visit asks for is what the database holds a start to; a transfer to a hospital."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE appointments
        ADD COLUMN fasting_asked boolean NOT NULL DEFAULT true,
        ADD COLUMN ride_asked boolean NOT NULL DEFAULT true,
        ADD COLUMN transferred_to bytea,
        DROP CONSTRAINT ck_appointments_gates,
        DROP CONSTRAINT ck_appointments_leaving
    """,
    """
    ALTER TABLE appointments
        ADD CONSTRAINT ck_appointments_gates CHECK
            (infusion_id IS NULL OR ((fasted IS TRUE OR NOT fasting_asked)
             AND (ride_mode IS NOT NULL OR NOT ride_asked)
             AND consent_id IS NOT NULL AND reading_id IS NOT NULL AND cleared_at IS NOT NULL)),
        ADD CONSTRAINT ck_appointments_leaving CHECK
            (no_drive_until IS NULL OR transferred_to IS NOT NULL
             OR (oriented IS TRUE AND (ride_seen IS NOT NULL OR NOT ride_asked)
                 AND left_on_reading_id IS NOT NULL))
    """,
    # A dose is below its ceiling, not at it: what is on record as 1 mg/kg was meant as less.
    """
    UPDATE clinical_limits SET hard_high = hard_high - 1
     WHERE measure = 'dose_ug_per_kg' AND effective_from = '2020-01-01' AND hard_high = 1000
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
