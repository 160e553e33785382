"""An offer that its patient needs no more is withdrawn."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE chair_offers DROP CONSTRAINT ck_chair_offers_state;
ALTER TABLE chair_offers ADD CONSTRAINT ck_chair_offers_state CHECK
    (state IN ('open', 'taken', 'lost', 'declined', 'expired', 'withdrawn'))
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
