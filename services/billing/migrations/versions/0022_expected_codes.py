"""Estimates of sessions: which code is expected of one, and what sessions are called."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0018"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE expected_codes (
        visit_type text NOT NULL,
        effective_from date NOT NULL,
        code text NOT NULL,
        source text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_expected_codes PRIMARY KEY (visit_type, effective_from)
    )
    """,
    """
    CREATE TRIGGER expected_codes_append_only BEFORE UPDATE OR DELETE ON expected_codes
        FOR EACH ROW EXECUTE FUNCTION append_only()
    """,
)

# visit type|code|why this one; the code that is billed follows from what the clinician documents
CODES = """
spray_consult|99204|FAQ: the consultation is an initial option, so of a new patient; CPT: 45 minutes
preparation|90832|CPT: a short session, from 16 minutes
web_follow_up|99213|CPT: a known patient, from 20 minutes
integration|90834|CPT: a session of medium length, from 38 minutes
"""

ROWS = """
INSERT INTO expected_codes (visit_type, effective_from, code, source, recorded_at)
SELECT split_part(r, '|', 1), '2022-01-01', split_part(r, '|', 2), split_part(r, '|', 3), now()
  FROM regexp_split_to_table(:codes, E'\\n') AS r
"""

SERVICES = {
    "ketamine_mood": "Ketamine infusions for mood, given in a series",
    "ketamine_pain": "Ketamine infusions for pain, given in a series",
    "spray_consult": "A consultation about nasal spray to use at home",
    "preparation": "A conversation that prepares for the treatment",
    "web_follow_up": "A follow-up by video",
    "integration": "A conversation about what the treatment brought up",
}
SEPARATELY = (
    "A consultation before a first infusion, where one is needed; infusions, where they are not"
    " listed above.",
    "A nasal spray or other medicine to take home: its consultation is booked with us, the"
    " medicine is charged by the pharmacy.",
    "Each of these has an estimate of its own, at its booking or whenever you ask for one.",
)

WORDING = """
INSERT INTO estimate_wordings (wording_id, effective_from, services, separately, disclaimers,
                               source, recorded_at)
SELECT wording_id + 1, effective_from, CAST(:services AS jsonb), :separately, disclaimers, source,
       now()
  FROM estimate_wordings WHERE wording_id = 1
"""


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    connection = op.get_bind()
    connection.execute(sa.text(ROWS), {"codes": CODES.strip()})
    connection.execute(
        sa.text(WORDING).bindparams(sa.bindparam("separately", type_=sa.ARRAY(sa.Text))),
        {"services": json.dumps(SERVICES), "separately": list(SEPARATELY)},
    )
