"""How soon a patient may book a session by a link is a figure of the house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

FIGURE = """
INSERT INTO house_figures (figure, effective_from, revision, value, source)
VALUES ('self_book_notice_min', '2020-01-01', 1, 120, :source)
"""
WHY = (
    "the FAQ names none; the practice's default: two hours, so that whoever leads the session"
    " learns of it and is there"
)


def upgrade() -> None:
    op.execute(sa.text(FIGURE).bindparams(source=WHY))
