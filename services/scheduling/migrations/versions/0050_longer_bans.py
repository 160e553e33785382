"""A driving ban that was found to be longer after its patient had gone is told anew."""

from __future__ import annotations

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE ban_extensions (
    extension_id uuid NOT NULL,
    appointment_id uuid NOT NULL
        CONSTRAINT fk_ban_extensions_appointment_id REFERENCES appointments,
    ended_at timestamptz NOT NULL,
    no_drive_until_before timestamptz NOT NULL,
    no_drive_until timestamptz NOT NULL,
    clinician_id uuid NOT NULL CONSTRAINT fk_ban_extensions_clinician_id REFERENCES clinicians,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    why bytea NOT NULL,
    CONSTRAINT pk_ban_extensions PRIMARY KEY (extension_id),
    CONSTRAINT ck_ban_extensions_longer CHECK (no_drive_until > no_drive_until_before),
    CONSTRAINT ck_ban_extensions_past CHECK (ended_at <= signed_at)
);
CREATE INDEX ix_ban_extensions_appointment_id ON ban_extensions (appointment_id, signed_at);
CREATE TRIGGER ban_extensions_append_only BEFORE UPDATE ON ban_extensions FOR EACH ROW
    WHEN (to_jsonb(old) - 'why' IS DISTINCT FROM to_jsonb(new) - 'why'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only();
CREATE TRIGGER ban_extensions_no_delete BEFORE DELETE ON ban_extensions
    FOR EACH ROW EXECUTE FUNCTION append_only()
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
