"""A treatment outside a series is estimated too, and what was asked about is found when booked.

The third wording names the infusions that the FAQ lists beside a series. What is injected, inhaled
or given by light is no infusion, and waits for the clinic's own words and codes.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0024"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE estimate_courses DROP CONSTRAINT ck_estimate_courses_kind;
ALTER TABLE estimate_courses DROP CONSTRAINT ck_estimate_courses_location;
ALTER TABLE estimate_courses
    ADD COLUMN booked_as uuid,
    ADD CONSTRAINT ck_estimate_courses_kind
        CHECK (kind IN ('series', 'treatment', 'request', 'inquiry')),
    ADD CONSTRAINT ck_estimate_courses_location
        CHECK ((kind IN ('series', 'treatment')) = (location_id IS NULL)),
    ADD CONSTRAINT ck_estimate_courses_booked_as
        CHECK (booked_as IS NULL OR kind = 'request' AND ended_at IS NOT NULL);
CREATE INDEX ix_estimate_courses_booked_as ON estimate_courses (booked_as)
    WHERE booked_as IS NOT NULL
"""


SERVICES = {
    "ketamine_maintenance": "A ketamine infusion by itself, after a series",
    "lidocaine": "A lidocaine infusion",
    "scopolamine": "A scopolamine infusion",
    "scopolamine_beta_blocker": "A scopolamine infusion with a beta blocker",
    "magnesium": "A magnesium infusion",
    "nad": "An NAD+ infusion",
    "vitamins": "An infusion of vitamins",
}

WORDING = """
INSERT INTO estimate_wordings
SELECT 3, effective_from, services || CAST(:services AS jsonb), separately, disclaimers, source,
       now()
  FROM estimate_wordings WHERE wording_id = 2
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    op.execute(sa.text(WORDING).bindparams(services=json.dumps(SERVICES)))
