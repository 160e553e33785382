"""Good faith estimates: when they are due, what they say, their numbers and documents.

The texts are the clinic's own; they say what 45 CFR 149.610(c)(1)(vii) to (x) wants said. Another
text is another row: POST /estimate-wordings.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE estimate_wordings (
    wording_id smallint NOT NULL,
    effective_from date NOT NULL,
    services jsonb NOT NULL,
    separately text[] NOT NULL,
    disclaimers text[] NOT NULL,
    source text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_estimate_wordings PRIMARY KEY (wording_id),
    CONSTRAINT ck_estimate_wordings_disclaimers CHECK (cardinality(disclaimers) > 0)
);
CREATE INDEX ix_estimate_wordings_effective_from ON estimate_wordings (effective_from, wording_id);
CREATE TABLE estimate_courses (
    course_id uuid NOT NULL,
    kind text NOT NULL,
    patient_id uuid,
    person bytea,
    visit_type text NOT NULL,
    planned_infusions smallint NOT NULL,
    location_id uuid,
    first_on date,
    opened_at timestamptz NOT NULL,
    due_at timestamptz,
    reminded_at timestamptz,
    overdue_at timestamptz,
    met_at timestamptz,
    ended_at timestamptz,
    blocked_by text[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_estimate_courses PRIMARY KEY (course_id),
    CONSTRAINT ck_estimate_courses_kind CHECK (kind IN ('series', 'request', 'inquiry')),
    CONSTRAINT ck_estimate_courses_location CHECK ((kind = 'series') = (location_id IS NULL)),
    CONSTRAINT ck_estimate_courses_patient CHECK ((kind = 'inquiry') = (patient_id IS NULL)),
    CONSTRAINT ck_estimate_courses_person CHECK ((kind = 'inquiry') = (person IS NOT NULL)),
    CONSTRAINT ck_estimate_courses_infusions CHECK (planned_infusions BETWEEN 1 AND 99),
    CONSTRAINT ck_estimate_courses_overdue CHECK (overdue_at IS NULL OR due_at IS NOT NULL)
);
CREATE INDEX ix_estimate_courses_due_at ON estimate_courses (due_at, course_id)
    WHERE due_at IS NOT NULL AND met_at IS NULL AND ended_at IS NULL;
CREATE INDEX ix_estimate_courses_patient_id ON estimate_courses (patient_id);
CREATE TABLE series_visits (
    appointment_id uuid NOT NULL,
    series_id uuid NOT NULL,
    CONSTRAINT pk_series_visits PRIMARY KEY (appointment_id)
);
CREATE INDEX ix_series_visits_series_id ON series_visits (series_id);
CREATE TABLE estimate_numbers (
    year smallint NOT NULL,
    last_number integer NOT NULL,
    CONSTRAINT pk_estimate_numbers PRIMARY KEY (year)
);
CREATE TABLE estimates (
    estimate_id uuid NOT NULL,
    course_id uuid NOT NULL,
    number text NOT NULL,
    version smallint NOT NULL,
    reason text NOT NULL,
    patient_id uuid,
    visit_type text NOT NULL,
    fees_cents integer[] NOT NULL,
    total_cents integer NOT NULL,
    expires_on date NOT NULL,
    sealed bytea NOT NULL,
    content_sha256 bytea NOT NULL,
    drafted_at timestamptz NOT NULL,
    CONSTRAINT pk_estimates PRIMARY KEY (estimate_id),
    CONSTRAINT ck_estimates_total CHECK (total_cents > 0),
    CONSTRAINT ck_estimates_fees CHECK (cardinality(fees_cents) > 0),
    CONSTRAINT ck_estimates_version CHECK (version > 0),
    CONSTRAINT uq_estimates_number_version UNIQUE (number, version),
    CONSTRAINT uq_estimates_course_id_version UNIQUE (course_id, version),
    CONSTRAINT fk_estimates_course_id
        FOREIGN KEY (course_id) REFERENCES estimate_courses (course_id)
);
CREATE INDEX ix_estimates_patient_id ON estimates (patient_id, drafted_at, estimate_id);
CREATE TABLE estimate_documents (
    estimate_id uuid NOT NULL,
    sealed bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    CONSTRAINT pk_estimate_documents PRIMARY KEY (estimate_id),
    CONSTRAINT fk_estimate_documents_estimate_id
        FOREIGN KEY (estimate_id) REFERENCES estimates (estimate_id)
)
"""

SERVICES = {
    "ketamine_mood": "Ketamine infusions for mood, given in a series",
    "ketamine_pain": "Ketamine infusions for pain, given in a series",
}
SEPARATELY = (
    "A consultation before the first infusion, where one is needed.",
    "A nasal spray or other medicine to take home after the series: its consultation is booked with"
    " us, the medicine is charged by the pharmacy.",
    "Each of these has an estimate of its own, at its booking or whenever you ask for one.",
)
DISCLAIMERS = (
    "You may need items or services that are not listed here. They must be booked or asked for"
    " separately, and are then estimated separately.",
    "This is an estimate of what we expect today. What is charged in the end may differ.",
    "You may dispute the bill if it is at least $400 above the expected charges listed here for"
    " any one provider or facility. You begin the dispute with the US Department of Health and"
    " Human Services within 120 calendar days of the date on the bill; its fee and its forms are at"
    " www.cms.gov/nosurprises/consumers, or call 1-800-985-3059. A dispute does not change the care"
    " that we give you.",
    "This is not a contract. It does not oblige you to receive anything that is listed here.",
    "Please keep this document, or a picture of it. You may need it if you are billed more.",
)
SOURCE = "45 CFR 149.610(c)(1)(vii) to (x); the words are the clinic's"

WORDING = """
INSERT INTO estimate_wordings VALUES
    (1, '2022-01-01', CAST(:services AS jsonb), CAST(:separately AS text[]),
     CAST(:disclaimers AS text[]), :source, now())
"""

# `append_only()` is the backbone's function behind the audit log. Only `reseal` changes anything:
# what is sealed stands there under the newest key afterwards.
IMMUTABLE = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} FOR EACH ROW
    WHEN (to_jsonb(old) - 'sealed' IS DISTINCT FROM to_jsonb(new) - 'sealed'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only();
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION append_only()
"""

TABLES = ("estimates", "estimate_documents")


def upgrade() -> None:
    immutable = [IMMUTABLE.format(table=name) for name in TABLES]
    for part in (STATEMENTS, *immutable):
        for statement in part.split(";"):
            op.execute(statement)
    texts = {"separately": list(SEPARATELY), "disclaimers": list(DISCLAIMERS), "source": SOURCE}
    op.get_bind().execute(
        sa.text(WORDING).bindparams(
            sa.bindparam("separately", type_=sa.ARRAY(sa.Text)),
            sa.bindparam("disclaimers", type_=sa.ARRAY(sa.Text)),
        ),
        texts | {"services": json.dumps(SERVICES)},
    )
    op.execute(
        "CREATE TRIGGER estimate_wordings_append_only BEFORE UPDATE OR DELETE ON estimate_wordings"
        " FOR EACH ROW EXECUTE FUNCTION append_only()"
    )
