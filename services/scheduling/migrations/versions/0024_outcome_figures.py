"""What makes a response, a remission and a checkpoint: figures of the house, with their sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

INSERT = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES (:figure, '2020-01-01', :value, :source)
"""

FIGURES = (
    (
        "response_fall_pct",
        50,
        "the field's word: a fall by half or more on the PHQ-9 (Loewe 2004); the FAQ's 70% are of"
        " those who recover by more than half",
    ),
    ("remission_phq9_below", 5, "the field's word: PHQ-9 below 5 (Loewe 2004, Med Care 42:1194)"),
    ("checkpoint_infusion", 4, "FAQ: effects are noticed, on average, by the fourth infusion"),
)


def upgrade() -> None:
    for figure, value, source in FIGURES:
        op.execute(sa.text(INSERT).bindparams(figure=figure, value=value, source=source))
