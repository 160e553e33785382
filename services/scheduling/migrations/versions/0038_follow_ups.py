"""A form is filled in again after a series, as the months go by."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

STATEMENTS = """
DROP INDEX uq_outcomes_after_series;
CREATE UNIQUE INDEX uq_outcomes_after_series ON outcomes (series_id, instrument, taken_at)
    WHERE withdrawn_at IS NULL AND occasion = 'after_series'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
