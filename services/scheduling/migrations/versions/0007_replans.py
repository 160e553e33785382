"""Re-plans that are proposed and wait for somebody's word."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE replans (
    replan_id uuid NOT NULL,
    series_id uuid NOT NULL CONSTRAINT fk_replans_series_id REFERENCES series,
    change jsonb,
    seen jsonb NOT NULL,
    visits jsonb NOT NULL,
    advice jsonb NOT NULL,
    missing smallint NOT NULL,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    applied_at timestamptz,
    CONSTRAINT pk_replans PRIMARY KEY (replan_id),
    CONSTRAINT ck_replans_times CHECK (proposed_at < expires_at)
);
CREATE INDEX ix_replans_series_id ON replans (series_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
