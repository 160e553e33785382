"""What a patient agreed to or paid ahead under a file that is closed is listed."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE closed_files (
        patient_id uuid NOT NULL CONSTRAINT pk_closed_files PRIMARY KEY,
        into_patient_id uuid NOT NULL,
        merged_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_closed_files_into_patient_id ON closed_files (into_patient_id)",
    "CREATE INDEX ix_closed_files_merged_at ON closed_files (merged_at, patient_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
