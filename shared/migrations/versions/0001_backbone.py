"""The backbone's tables: inbox, outbox, event log, due work, parked events."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    processed_at timestamptz NOT NULL,
    CONSTRAINT pk_inbox PRIMARY KEY (consumer, event_id)
);

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    slot smallint NOT NULL,
    headers jsonb NOT NULL,
    payload bytea NOT NULL,
    committed_at timestamptz NOT NULL,
    parked_at timestamptz,
    parked_code text,
    CONSTRAINT pk_outbox PRIMARY KEY (seq)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX ix_outbox_slot_seq ON outbox (slot, seq) WHERE parked_at IS NULL;
CREATE INDEX ix_outbox_parked ON outbox (key) WHERE parked_at IS NOT NULL;

CREATE TABLE event_log (
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    slot smallint NOT NULL,
    headers jsonb NOT NULL,
    payload bytea NOT NULL,
    published_at timestamptz NOT NULL,
    CONSTRAINT pk_event_log PRIMARY KEY (seq),
    CONSTRAINT uq_event_log_event_id UNIQUE (event_id)
);
CREATE INDEX ix_event_log_published_at ON event_log (published_at);

CREATE TABLE due_work (
    work_id uuid NOT NULL,
    kind text NOT NULL,
    key text,
    payload jsonb NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    attempts smallint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    rests_until timestamptz,
    leased_until timestamptz,
    parked_at timestamptz,
    error_code text,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    traceparent text,
    CONSTRAINT pk_due_work PRIMARY KEY (work_id),
    CONSTRAINT ck_due_work_state CHECK (state IN ('waiting', 'resting', 'running', 'parked')),
    CONSTRAINT ck_due_work_lease CHECK ((state = 'running') = (leased_until IS NOT NULL)),
    CONSTRAINT ck_due_work_rest CHECK ((state = 'resting') = (rests_until IS NOT NULL)),
    CONSTRAINT ck_due_work_parked CHECK ((state = 'parked') = (parked_at IS NOT NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE UNIQUE INDEX uq_due_work_key ON due_work (key)
    WHERE state IN ('waiting', 'resting') AND key IS NOT NULL;
CREATE INDEX ix_due_work_due_at ON due_work (kind, due_at) WHERE state = 'waiting';
CREATE INDEX ix_due_work_rests_until ON due_work (kind, rests_until) WHERE state = 'resting';
CREATE INDEX ix_due_work_leased_until ON due_work (kind, leased_until) WHERE state = 'running';
CREATE INDEX ix_due_work_parked ON due_work (work_id) WHERE state = 'parked';

CREATE TABLE parked_events (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    parked_id uuid NOT NULL,
    consumer text NOT NULL,
    fingerprint text NOT NULL,
    topic text NOT NULL,
    partition_no bigint NOT NULL,
    offset_no bigint NOT NULL,
    key text,
    key_digest text,
    type_name text NOT NULL,
    headers jsonb NOT NULL,
    value bytea,
    state text NOT NULL,
    reason text NOT NULL,
    attempts smallint NOT NULL,
    parked_at timestamptz NOT NULL,
    rests_until timestamptz,
    resolved_at timestamptz,
    resolved_by text,
    resolution text,
    CONSTRAINT pk_parked_events PRIMARY KEY (seq),
    CONSTRAINT uq_parked_events_parked_id UNIQUE (parked_id),
    CONSTRAINT ck_parked_events_state
        CHECK (state IN ('parked', 'held', 'replayed', 'discarded')),
    CONSTRAINT ck_parked_events_resolved
        CHECK ((state IN ('replayed', 'discarded')) = (resolved_at IS NOT NULL))
);
CREATE UNIQUE INDEX uq_parked_events_open ON parked_events (consumer, fingerprint)
    WHERE state IN ('parked', 'held');
CREATE INDEX ix_parked_events_discarded ON parked_events (consumer, fingerprint)
    WHERE state = 'discarded';
CREATE INDEX ix_parked_events_key ON parked_events (consumer, key_digest, seq)
    WHERE state IN ('parked', 'held') AND key_digest IS NOT NULL
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
