"""Treatments are imported, and waited for, as infusions of a series are."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE import_rows DROP CONSTRAINT ck_import_rows_record;
ALTER TABLE import_rows ADD CONSTRAINT ck_import_rows_record
    CHECK (record IN ('patient', 'visit', 'treatment', 'unread'));
ALTER TABLE waiting_wishes
    ADD COLUMN ordered_by uuid CONSTRAINT fk_waiting_wishes_ordered_by REFERENCES clinicians,
    ADD COLUMN diagnoses bytea,
    ADD CONSTRAINT ck_waiting_wishes_ordered CHECK (
        (ordered_by IS NULL) = (diagnoses IS NULL)
        AND (ordered_by IS NULL OR appointment_id IS NULL)
    )
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
