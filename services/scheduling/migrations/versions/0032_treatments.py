"""Treatments are imported, and waited for, as infusions of a series are."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

RECORDS = "'patient', 'visit', 'treatment', 'unread'"


def upgrade() -> None:
    op.execute("ALTER TABLE import_rows DROP CONSTRAINT ck_import_rows_record")
    op.execute(
        "ALTER TABLE import_rows ADD CONSTRAINT ck_import_rows_record"
        f" CHECK (record IN ({RECORDS}))"
    )
