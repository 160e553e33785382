"""A prescriber signs a longer gap than the longest for a series."""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE overrides
    ADD COLUMN gap_max_days smallint,
    DROP CONSTRAINT ck_overrides_rule,
    DROP CONSTRAINT ck_overrides_extent,
    ADD CONSTRAINT ck_overrides_rule CHECK
        (rule IN ('series_size', 'series_gap', 'series_long_gap', 'drug_gap')),
    ADD CONSTRAINT ck_overrides_extent CHECK
        ((rule = 'series_size') = (infusions IS NOT NULL)
         AND (rule IN ('series_gap', 'drug_gap')) = (gap_min_days IS NOT NULL)
         AND (rule = 'series_long_gap') = (gap_max_days IS NOT NULL)
         AND infusions > 0 AND gap_min_days >= 0 AND gap_max_days > 0);
ALTER TABLE series
    ADD COLUMN gap_max_days smallint,
    DROP CONSTRAINT ck_series_overrides,
    ADD CONSTRAINT ck_series_overrides CHECK
        (extra_infusions >= 0 AND gap_min_days > 0 AND gap_max_days > 0)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
