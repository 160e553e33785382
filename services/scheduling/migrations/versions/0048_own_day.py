"""Hours, rosters, words and who signs are put right on their own day; house figures signed."""

from __future__ import annotations

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

KEYS = {
    "signing_rules": "pk_signing_rules PRIMARY KEY (act, effective_from, revision)",
    "chart_words": "pk_chart_words PRIMARY KEY (kind, word, effective_from, revision)",
    "opening_hours": "uq_opening_hours_location_id_visit_type_effective_from"
    " UNIQUE NULLS NOT DISTINCT (location_id, visit_type, effective_from, revision)",
    "rosters": "uq_rosters_location_id_effective_from"
    " UNIQUE (location_id, effective_from, revision)",
}


def upgrade() -> None:
    for table, key in KEYS.items():
        name = key.split()[0]
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN revision smallint NOT NULL DEFAULT 1,"
            f" ADD COLUMN recorded_at timestamptz, DROP CONSTRAINT {name}, ADD CONSTRAINT {key}"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN revision DROP DEFAULT")
    op.execute(
        "ALTER TABLE house_figures"
        " ADD COLUMN clinician_id uuid CONSTRAINT fk_house_figures_clinician_id"
        " REFERENCES clinicians,"
        " ADD COLUMN signed_by text,"
        " ADD CONSTRAINT ck_house_figures_signed"
        " CHECK ((clinician_id IS NULL) = (signed_by IS NULL))"
    )
