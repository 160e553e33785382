"""A visit type says whether a dose, vitals and orientation are asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE visit_types
    ADD COLUMN dose_needed boolean NOT NULL DEFAULT false,
    ADD COLUMN vitals_needed boolean NOT NULL DEFAULT false,
    ADD COLUMN orientation_needed boolean NOT NULL DEFAULT false;
ALTER TABLE visit_types
    ALTER COLUMN dose_needed DROP DEFAULT,
    ALTER COLUMN vitals_needed DROP DEFAULT,
    ALTER COLUMN orientation_needed DROP DEFAULT;
ALTER TABLE appointments
    ADD COLUMN vitals_asked boolean NOT NULL DEFAULT true,
    ADD COLUMN orientation_asked boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT ck_appointments_gates,
    DROP CONSTRAINT ck_appointments_leaving,
    ADD CONSTRAINT ck_appointments_gates CHECK (infusion_id IS NULL
        OR ((fasted IS TRUE OR NOT fasting_asked) AND (ride_mode IS NOT NULL OR NOT ride_asked)
            AND consent_id IS NOT NULL AND (reading_id IS NOT NULL OR NOT vitals_asked)
            AND cleared_at IS NOT NULL AND screened_until IS NOT NULL
            AND (dose_plan_id IS NOT NULL OR NOT dose_asked))),
    ADD CONSTRAINT ck_appointments_leaving CHECK (no_drive_until IS NULL
        OR transferred_to IS NOT NULL
        OR ((oriented IS TRUE OR NOT orientation_asked)
            AND (ride_seen IS NOT NULL OR NOT ride_asked)
            AND (left_on_reading_id IS NOT NULL OR NOT vitals_asked)));
INSERT INTO visit_passages (from_state, to_state) VALUES ('completed', 'discharged')
"""

ASKED = """
UPDATE visit_types SET
    dose_needed = drug IS NOT NULL AND visit_type NOT IN ('nad', 'amino_acids', 'vitamins'),
    vitals_needed = chair_needed,
    orientation_needed = chair_needed AND (ride_needed OR no_drive_min > 0)
"""
SOURCES = """
UPDATE visit_types SET sources = sources || jsonb_build_object(
    'dose_needed', CAST(CASE WHEN dose_needed THEN :dose ELSE :no_dose END AS text),
    'vitals_needed', CAST(CASE WHEN vitals_needed THEN :vitals ELSE :nothing END AS text),
    'orientation_needed',
        CAST(CASE WHEN orientation_needed THEN :oriented ELSE :awake END AS text))
"""
WHY = {
    "dose": "FAQ: ketamine is prescribed and monitored, certain times and amounts; kept for every"
    " drug that is dosed by weight",
    "no_dose": "the FAQ names no dose for this; the clinic records whether it plans one",
    "vitals": "FAQ: ketamine is monitored; kept for all that is given in a chair until the clinic"
    " records its own",
    "nothing": "nothing is given that could change them",
    "oriented": "discharge scores (Aldrete, PADSS) ask for it; FAQ: dizziness can last several"
    " hours",
    "awake": "the FAQ names no dizziness and no driving ban for this",
}


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    op.execute(ASKED)
    op.execute(sa.text(SOURCES).bindparams(**WHY))
    # Only now: a controlled drug that no row asks a dose of would be a fault of this migration.
    op.execute(
        "ALTER TABLE visit_types DROP CONSTRAINT ck_visit_types_drug,"
        " ADD CONSTRAINT ck_visit_types_drug CHECK (drug IS NOT NULL OR route IS NULL"
        " AND NOT is_controlled AND gap_min_days IS NULL AND NOT dose_needed),"
        " ADD CONSTRAINT ck_visit_types_dose CHECK (dose_needed OR NOT is_controlled)"
    )
