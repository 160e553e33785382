"""The end of a drip is corrected, signed, until the dose's record says that something ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
CREATE TABLE end_corrections (
    correction_id uuid NOT NULL,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_end_corrections_appointment_id REFERENCES appointments,
    ended_at_before timestamptz NOT NULL,
    ended_at timestamptz,
    clinician_id uuid NOT NULL CONSTRAINT fk_end_corrections_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    why bytea NOT NULL,
    CONSTRAINT pk_end_corrections PRIMARY KEY (correction_id),
    CONSTRAINT ck_end_corrections_changed CHECK (ended_at IS DISTINCT FROM ended_at_before),
    CONSTRAINT ck_end_corrections_past CHECK (ended_at <= signed_at)
)""",
    "CREATE INDEX ix_end_corrections_appointment_id ON end_corrections (appointment_id, signed_at)",
    "INSERT INTO visit_passages (from_state, to_state)"
    " VALUES ('completed', 'running'), ('recovering', 'running')",
)

SIGNING = """
INSERT INTO signing_rules (act, effective_from, credentials, dea_needed, source)
VALUES ('chart_correction', '2020-01-01', '{}', false, :source)
"""
WHO_SIGNS = (
    "the practice's default: whoever of the clinicians wrote it, or found it; a correction is"
    " signed and dated, and what stood there stays (ordinary charting practice)"
)

FIGURE = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES ('drip_overdue_min', '2020-01-01', 30, :source)
"""
HOW_LONG = (
    "the FAQ names none; the practice's default: half an hour after the time that the visit is"
    " booked for"
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute(sa.text(SIGNING).bindparams(source=WHO_SIGNS))
    op.execute(sa.text(FIGURE).bindparams(source=HOW_LONG))
