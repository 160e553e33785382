"""A figure is put right on its own day by a later revision; clinical ones say who signed them."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

KEYS = {
    "visit_types": "visit_type, effective_from",
    "protocols": "visit_type, effective_from",
    "clinical_limits": "visit_type, measure, effective_from",
    "house_figures": "figure, effective_from",
}


def upgrade() -> None:
    for table, key in KEYS.items():
        op.execute(
            f"ALTER TABLE {table}"
            " ADD COLUMN revision smallint NOT NULL DEFAULT 1,"
            " ADD COLUMN recorded_at timestamptz,"
            f" DROP CONSTRAINT pk_{table},"
            f" ADD CONSTRAINT pk_{table} PRIMARY KEY ({key}, revision)"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN revision DROP DEFAULT")
    for table in ("visit_types", "protocols"):
        op.execute(
            f"ALTER TABLE {table}"
            f" ADD COLUMN clinician_id uuid CONSTRAINT fk_{table}_clinician_id"
            " REFERENCES clinicians,"
            " ADD COLUMN signed_by text,"
            f" ADD CONSTRAINT ck_{table}_signed"
            " CHECK ((clinician_id IS NULL) = (signed_by IS NULL))"
        )
