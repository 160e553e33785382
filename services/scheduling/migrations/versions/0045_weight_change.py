"""A weight far from the one before asks for a reason: a dose per kilogram rests on it."""

from __future__ import annotations

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

ADD_LIMIT = """
INSERT INTO clinical_limits (visit_type, measure, effective_from, revision, soft_high, source)
SELECT DISTINCT visit_type, 'weight_change_pct', date '2020-01-01', 1, 10,
       'the FAQ names none; the practice''s default: a tenth, more than a body changes within a'
       || ' course; a default until a clinician of the practice signs one off'
FROM clinical_limits WHERE measure = 'dose_ug_per_kg'
"""


def upgrade() -> None:
    op.execute(ADD_LIMIT)
