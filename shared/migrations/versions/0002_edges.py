"""The audit log and the idempotency keys of the HTTP edge."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE audit_log (
        seq bigint NOT NULL,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        role text NOT NULL,
        action text NOT NULL,
        entity text NOT NULL,
        entity_id text,
        patient_id uuid,
        purpose text,
        outcome text NOT NULL,
        correlation_id uuid NOT NULL,
        details jsonb NOT NULL DEFAULT '{}',
        previous_hash bytea NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_log PRIMARY KEY (seq)
    )
    """,
    """
    CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        newest record;
    BEGIN
        PERFORM pg_advisory_xact_lock(7041003);
        SELECT seq, hash INTO newest FROM audit_log ORDER BY seq DESC LIMIT 1;
        NEW.seq := coalesce(newest.seq, 0) + 1;
        NEW.previous_hash := coalesce(newest.hash, ''::bytea);
        NEW.hash := sha256(convert_to(jsonb_build_array(NEW.seq, extract(epoch FROM NEW.at),
            NEW.actor, NEW.role, NEW.action, NEW.entity, NEW.entity_id, NEW.patient_id,
            NEW.purpose, NEW.outcome, NEW.correlation_id, NEW.details)::text, 'UTF8')
            || NEW.previous_hash);
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    "CREATE TRIGGER audit_chain BEFORE INSERT ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION audit_chain()",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_log"
    " FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
    """
    CREATE TABLE idempotency_keys (
        actor text NOT NULL,
        key text NOT NULL,
        request_hash bytea NOT NULL,
        status smallint NOT NULL,
        answer bytea NOT NULL,
        decided_at timestamptz NOT NULL,
        CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, key)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
