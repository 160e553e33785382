"""Imports of what a clinic has on file elsewhere."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE imports (
    import_id uuid NOT NULL,
    kind text NOT NULL,
    location_id uuid NOT NULL CONSTRAINT fk_imports_location_id REFERENCES locations,
    state text NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    CONSTRAINT pk_imports PRIMARY KEY (import_id),
    CONSTRAINT ck_imports_kind CHECK (kind IN ('patients', 'appointments', 'fhir_bundle')),
    CONSTRAINT ck_imports_state CHECK
        (state IN ('checking', 'checked', 'applying', 'applied', 'lapsed'))
);
CREATE TABLE import_rows (
    import_id uuid NOT NULL CONSTRAINT fk_import_rows_import_id REFERENCES imports,
    line integer NOT NULL,
    batch_no integer NOT NULL,
    record text NOT NULL,
    source_key uuid,
    patient_key uuid,
    content bytea,
    state text NOT NULL,
    takes uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    problems jsonb NOT NULL,
    CONSTRAINT pk_import_rows PRIMARY KEY (import_id, line),
    CONSTRAINT ck_import_rows_record CHECK (record IN ('patient', 'visit', 'unread')),
    CONSTRAINT ck_import_rows_state CHECK
        (state IN ('waiting', 'ready', 'known', 'wrong', 'applied'))
);
CREATE INDEX ix_import_rows_batch ON import_rows (import_id, batch_no);
CREATE TABLE imported (
    source_key uuid NOT NULL,
    object_id uuid NOT NULL,
    imported_at timestamptz NOT NULL,
    CONSTRAINT pk_imported PRIMARY KEY (source_key)
)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
