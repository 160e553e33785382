"""Sessions are charged too: what a charge is for, a fee of nothing, and a session's code."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE charges ADD service text NOT NULL DEFAULT 'infusion'",
    "ALTER TABLE charges ALTER service DROP DEFAULT",
    """
    ALTER TABLE charges
        ADD CONSTRAINT ck_charges_service CHECK (service IN ('infusion', 'session')),
        ADD CONSTRAINT ck_charges_session
            CHECK (service = 'infusion' OR infusion_id = appointment_id)
    """,
    "ALTER TABLE uncharged_infusions ADD service text NOT NULL DEFAULT 'infusion'",
    "ALTER TABLE uncharged_infusions ALTER service DROP DEFAULT",
    """
    ALTER TABLE uncharged_infusions ADD CONSTRAINT ck_uncharged_infusions_service
        CHECK (service IN ('infusion', 'session'))
    """,
    "ALTER TABLE fees DROP CONSTRAINT ck_fees_amount",
    "ALTER TABLE fees ADD CONSTRAINT ck_fees_amount CHECK (amount_cents >= 0)",
    """
    CREATE TABLE session_codes (
        session_code_id uuid NOT NULL,
        charge_id uuid NOT NULL CONSTRAINT fk_session_codes_charge_id REFERENCES charges,
        code text NOT NULL,
        modifiers text[] NOT NULL,
        place_of_service text NOT NULL,
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_session_codes PRIMARY KEY (session_code_id)
    )
    """,
    "CREATE INDEX ix_session_codes_charge_id ON session_codes (charge_id, recorded_at)",
)

# code|from|the clinic's words|source
CODES = """
99202|2021-01-01|Office visit, new patient, straightforward|CPT: from 15 minutes
99203|2021-01-01|Office visit, new patient, low complexity|CPT: from 30 minutes
99204|2021-01-01|Office visit, new patient, moderate complexity|CPT: from 45 minutes
99205|2021-01-01|Office visit, new patient, high complexity|CPT: from 60 minutes
99212|2021-01-01|Office visit, known patient, straightforward|CPT: from 10 minutes
99213|2021-01-01|Office visit, known patient, low complexity|CPT: from 20 minutes
99214|2021-01-01|Office visit, known patient, moderate complexity|CPT: from 30 minutes
99215|2021-01-01|Office visit, known patient, high complexity|CPT: from 40 minutes
90792|2013-01-01|Psychiatric evaluation with medical services|CPT
90832|2013-01-01|Psychotherapy, short session|CPT: from 16 minutes
90834|2013-01-01|Psychotherapy, medium session|CPT: from 38 minutes
90837|2013-01-01|Psychotherapy, long session|CPT: from 53 minutes
"""

ROWS = """
INSERT INTO service_codes (code, effective_from, is_billable, requires, excludes, units_max, words,
                           source, recorded_at)
SELECT split_part(r, '|', 1), split_part(r, '|', 2)::date, true, '{{}}', '{{}}', 1,
       split_part(r, '|', 3), split_part(r, '|', 4), now()
  FROM regexp_split_to_table('{codes}', E'\\n') AS r
"""


def upgrade() -> None:
    for statement in (*STATEMENTS, ROWS.format(codes=CODES.strip())):
        op.execute(statement)
