"""What a single treatment or session is for is corrected, signed, and written once."""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE visit_corrections (
    correction_id uuid NOT NULL,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_visit_corrections_appointment_id REFERENCES appointments,
    clinician_id uuid NOT NULL CONSTRAINT fk_visit_corrections_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    corrected bytea NOT NULL,
    CONSTRAINT pk_visit_corrections PRIMARY KEY (correction_id)
);
CREATE INDEX ix_visit_corrections_appointment_id ON visit_corrections (appointment_id, signed_at);
CREATE TRIGGER visit_corrections_append_only BEFORE UPDATE ON visit_corrections FOR EACH ROW
    WHEN (to_jsonb(old) - 'corrected' IS DISTINCT FROM to_jsonb(new) - 'corrected'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only();
CREATE TRIGGER visit_corrections_no_delete BEFORE DELETE ON visit_corrections
    FOR EACH ROW EXECUTE FUNCTION append_only()
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
