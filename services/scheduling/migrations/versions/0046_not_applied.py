"""An import of which nothing went on file is told as that."""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE imports DROP CONSTRAINT ck_imports_state,"
        " ADD CONSTRAINT ck_imports_state CHECK (state IN"
        " ('checking', 'checked', 'applying', 'applied', 'not_applied', 'lapsed'))"
    )
