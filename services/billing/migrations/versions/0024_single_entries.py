"""What one person entered by hand alone: it counts towards the limit of what comes after it."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE single_entries (
            entry_id uuid NOT NULL,
            entry text NOT NULL,
            subject_id uuid NOT NULL,
            patient_id uuid NOT NULL,
            amount_cents integer NOT NULL,
            entered_by text NOT NULL,
            entered_at timestamptz NOT NULL,
            CONSTRAINT pk_single_entries PRIMARY KEY (entry_id),
            CONSTRAINT ck_single_entries_amount CHECK (amount_cents > 0),
            CONSTRAINT ck_single_entries_entry
                CHECK (entry IN ('outside_payment', 'refund', 'discount', 'write_off',
                                 'dispute_answer', 'write_down'))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_single_entries_counted"
        " ON single_entries (patient_id, entry, entered_by, entered_at)"
    )
