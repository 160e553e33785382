"""A session that is booked by itself is estimated as a treatment is."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE estimate_courses DROP CONSTRAINT ck_estimate_courses_kind;
ALTER TABLE estimate_courses DROP CONSTRAINT ck_estimate_courses_location;
ALTER TABLE estimate_courses
    ADD CONSTRAINT ck_estimate_courses_kind
        CHECK (kind IN ('series', 'treatment', 'session', 'request', 'inquiry')),
    ADD CONSTRAINT ck_estimate_courses_location
        CHECK ((kind IN ('series', 'treatment', 'session')) = (location_id IS NULL))
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
