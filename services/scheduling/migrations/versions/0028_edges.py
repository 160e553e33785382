"""A link that was used can be revoked; what a clinic would set is a figure of the house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INSERT = """
INSERT INTO house_figures (figure, effective_from, value, source)
VALUES (:figure, '2020-01-01', :value, :source)
"""

CALLS = "47 CFR 64.1200(c)(1): no calls before 8 a.m. or after 9 p.m., where they arrive"
ORDER = "the practice's default: weights only rank plans of which every one is legal;"

FIGURES = (
    ("bookable_ahead_days", 366, "the FAQ names none; the practice's default: within a year"),
    ("plan_wait_points", 4, f"{ORDER} a day of waiting is worth an hour away from the usual time"),
    ("plan_course_points", 4, f"{ORDER} a day of the course is worth a day of waiting"),
    ("plan_long_gap_points", 40, f"{ORDER} a day beyond the advised gap is worth ten of waiting"),
    ("plan_crowded_week_points", 20, f"{ORDER} one more in a week is worth five days of waiting"),
    ("plan_step_min", 15, f"{ORDER} a quarter of an hour away from the usual time is one point"),
    ("ask_from_min", 480, CALLS),
    ("ask_until_min", 1260, CALLS),
    ("link_valid_days", 14, "the FAQ names none; the practice's default: two weeks to answer"),
    ("link_offered_days", 28, "the FAQ names none; the practice's default: four weeks on a page"),
    ("unsettled_from_min", 360, "the practice's default: 6 a.m., before the first patient comes"),
)


def upgrade() -> None:
    for figure, value, source in FIGURES:
        op.execute(sa.text(INSERT).bindparams(figure=figure, value=value, source=source))
    op.execute("ALTER TABLE booking_links DROP CONSTRAINT ck_booking_links_used")
    op.execute("ALTER TABLE locations ADD COLUMN calendar_name text")
