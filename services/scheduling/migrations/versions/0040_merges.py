"""Two files of one person are merged: one is closed, and says into which."""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE patients ADD COLUMN merged_into uuid
    CONSTRAINT fk_patients_merged_into REFERENCES patients;
ALTER TABLE patients ADD CONSTRAINT ck_patients_merged_into CHECK (merged_into <> patient_id);
CREATE INDEX ix_patients_merged_into ON patients (merged_into) WHERE merged_into IS NOT NULL;
CREATE TABLE file_merges (
    patient_id uuid NOT NULL CONSTRAINT fk_file_merges_patient_id REFERENCES patients,
    into_patient_id uuid NOT NULL CONSTRAINT fk_file_merges_into_patient_id REFERENCES patients,
    reason bytea NOT NULL,
    merged_at timestamptz NOT NULL,
    merged_by text NOT NULL,
    CONSTRAINT pk_file_merges PRIMARY KEY (patient_id)
)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
