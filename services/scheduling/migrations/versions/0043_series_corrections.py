"""What a series is given for, and by whose order, is corrected, signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE series_corrections (
    correction_id uuid NOT NULL,
    series_id uuid NOT NULL CONSTRAINT fk_series_corrections_series_id REFERENCES series,
    prescriber_id_before uuid NOT NULL
        CONSTRAINT fk_series_corrections_prescriber_id_before REFERENCES clinicians,
    prescriber_id uuid NOT NULL
        CONSTRAINT fk_series_corrections_prescriber_id REFERENCES clinicians,
    clinician_id uuid NOT NULL
        CONSTRAINT fk_series_corrections_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    corrected bytea NOT NULL,
    CONSTRAINT pk_series_corrections PRIMARY KEY (correction_id)
);
CREATE INDEX ix_series_corrections_series_id ON series_corrections (series_id, signed_at)
"""

SIGNING = """
INSERT INTO signing_rules (act, effective_from, credentials, dea_needed, source)
VALUES ('indication', '2020-01-01', '{}', true, :source)
"""
WHO_SIGNS = (
    "the practice's default: what a series is given for is a prescriber's judgment, and it ends in"
    " a prescription of a controlled substance"
)


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    op.execute(sa.text(SIGNING).bindparams(source=WHO_SIGNS))
