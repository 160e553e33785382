"""Manual entries above a limit wait for a second person. The limits are data."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE approval_limits (
    limit_id uuid NOT NULL,
    entry text NOT NULL,
    limit_cents integer NOT NULL,
    starts_at timestamptz NOT NULL,
    source text NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT pk_approval_limits PRIMARY KEY (limit_id),
    CONSTRAINT ck_approval_limits_limit CHECK (limit_cents >= 0),
    CONSTRAINT ck_approval_limits_entry
        CHECK (entry IN ('outside_payment', 'refund', 'discount', 'write_off'))
);
CREATE INDEX ix_approval_limits_in_force ON approval_limits (entry, starts_at, limit_id);
INSERT INTO approval_limits (limit_id, entry, limit_cents, starts_at, source, recorded_by)
SELECT gen_random_uuid(), entry, limit_cents, '2000-01-01T00:00Z', 'house figure', 'migration'
  FROM (VALUES ('outside_payment', 100000), ('refund', 50000), ('discount', 20000),
               ('write_off', 20000)) AS figures (entry, limit_cents);
CREATE TRIGGER approval_limits_append_only BEFORE UPDATE OR DELETE ON approval_limits
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TABLE approvals (
    approval_id uuid NOT NULL,
    entry text NOT NULL,
    subject_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    amount_cents integer NOT NULL,
    wish jsonb NOT NULL,
    state text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    CONSTRAINT pk_approvals PRIMARY KEY (approval_id),
    CONSTRAINT ck_approvals_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_approvals_entry
        CHECK (entry IN ('outside_payment', 'refund', 'discount', 'write_off')),
    CONSTRAINT ck_approvals_state CHECK (state IN ('pending', 'approved', 'refused')),
    CONSTRAINT ck_approvals_decided CHECK ((state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT ck_approvals_decider CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT ck_approvals_four_eyes CHECK (state <> 'approved' OR decided_by <> asked_by)
);
CREATE INDEX ix_approvals_pending ON approvals (asked_at, approval_id) WHERE state = 'pending'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
