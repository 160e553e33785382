"""Held charges, coverage, disputes of estimates, statements, what superbills say besides."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE estimate_margins (
    effective_from date NOT NULL,
    margin_cents integer NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_estimate_margins PRIMARY KEY (effective_from),
    CONSTRAINT ck_estimate_margins_margin CHECK (margin_cents > 0)
);
INSERT INTO estimate_margins (effective_from, margin_cents, source) VALUES
    ('2022-01-01', 40000,
     '45 CFR 149.620(a)(2)(ii): substantially in excess is at least $400 more than estimated');
CREATE TABLE held_charges (
    infusion_id uuid NOT NULL,
    service text NOT NULL,
    patient_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    series_id uuid,
    visit_type text NOT NULL,
    started_at timestamptz NOT NULL,
    amount_cents integer NOT NULL,
    clinician_id uuid,
    waits_for text[] NOT NULL,
    state text NOT NULL,
    held_at timestamptz NOT NULL,
    ended_at timestamptz,
    decision text,
    charged_cents integer,
    decided_by text,
    decided_because text,
    decided_at timestamptz,
    CONSTRAINT pk_held_charges PRIMARY KEY (infusion_id),
    CONSTRAINT ck_held_charges_service CHECK (service IN ('infusion', 'session')),
    CONSTRAINT ck_held_charges_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_held_charges_state CHECK (state IN ('held', 'posted', 'waived')),
    CONSTRAINT ck_held_charges_ended CHECK ((state = 'held') = (ended_at IS NULL)),
    CONSTRAINT ck_held_charges_waits_for
        CHECK ((state = 'held') = (cardinality(waits_for) > 0)),
    CONSTRAINT ck_held_charges_decision
        CHECK (decision IN ('approve', 'new_estimate', 'write_down')),
    CONSTRAINT ck_held_charges_decided
        CHECK (num_nulls(decision, decided_by, decided_because, decided_at) IN (0, 4)),
    CONSTRAINT ck_held_charges_charged
        CHECK ((charged_cents IS NOT NULL) = (decision IS NOT NULL AND decision = 'write_down')
            AND charged_cents >= 0 AND charged_cents < amount_cents),
    CONSTRAINT ck_held_charges_waived
        CHECK ((state = 'waived') = (charged_cents IS NOT NULL AND charged_cents = 0))
);
CREATE INDEX ix_held_charges_held_at ON held_charges (held_at, infusion_id) WHERE state = 'held';
CREATE INDEX ix_held_charges_patient_id ON held_charges (patient_id);
CREATE INDEX ix_held_charges_series_id ON held_charges (series_id);
CREATE TABLE patient_coverages (
    coverage_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    effective_from date NOT NULL,
    sealed bytea NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_patient_coverages PRIMARY KEY (coverage_id)
);
CREATE INDEX ix_patient_coverages_patient_id
    ON patient_coverages (patient_id, effective_from, recorded_at, coverage_id);
CREATE TABLE clinician_standings (
    standing_id uuid NOT NULL,
    clinician_id uuid NOT NULL,
    status text NOT NULL,
    from_on date NOT NULL,
    until_on date,
    source text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_clinician_standings PRIMARY KEY (standing_id),
    CONSTRAINT ck_clinician_standings_status
        CHECK (status IN ('opted_out', 'participating', 'nonparticipating', 'not_enrolled')),
    CONSTRAINT ck_clinician_standings_days CHECK (until_on >= from_on),
    CONSTRAINT ck_clinician_standings_opt_out
        CHECK (status <> 'opted_out' OR until_on IS NOT NULL)
);
CREATE INDEX ix_clinician_standings_clinician_id
    ON clinician_standings (clinician_id, from_on, recorded_at);
CREATE TABLE coverage_papers (
    paper_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    document_id uuid NOT NULL,
    kind text NOT NULL,
    clinician_id uuid,
    signed_on date NOT NULL,
    until_on date,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_coverage_papers PRIMARY KEY (paper_id),
    CONSTRAINT ck_coverage_papers_kind CHECK (kind IN ('private_contract', 'advance_notice')),
    CONSTRAINT ck_coverage_papers_clinician
        CHECK ((kind = 'private_contract') = (clinician_id IS NOT NULL)),
    CONSTRAINT ck_coverage_papers_days CHECK (until_on >= signed_on),
    CONSTRAINT uq_coverage_papers_document_id UNIQUE (document_id)
);
CREATE INDEX ix_coverage_papers_patient_id ON coverage_papers (patient_id);
CREATE TABLE estimate_disputes (
    dispute_id uuid NOT NULL,
    estimate_id uuid NOT NULL
        CONSTRAINT fk_estimate_disputes_estimate_id REFERENCES estimates,
    patient_id uuid NOT NULL,
    hold_id uuid NOT NULL
        CONSTRAINT fk_estimate_disputes_hold_id REFERENCES collections_holds,
    billed_on date NOT NULL,
    begun_on date NOT NULL,
    reference text,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    outcome text,
    owed_cents integer,
    closed_by text,
    closed_at timestamptz,
    CONSTRAINT pk_estimate_disputes PRIMARY KEY (dispute_id),
    CONSTRAINT ck_estimate_disputes_closed CHECK ((closed_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT ck_estimate_disputes_closer CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT ck_estimate_disputes_outcome
        CHECK (outcome IN ('withdrawn', 'settled', 'for_clinic', 'for_patient')),
    CONSTRAINT ck_estimate_disputes_owed
        CHECK ((owed_cents IS NOT NULL) = (coalesce(outcome, '') IN ('settled', 'for_patient'))
            AND owed_cents >= 0),
    CONSTRAINT uq_estimate_disputes_hold_id UNIQUE (hold_id)
);
CREATE UNIQUE INDEX uq_estimate_disputes_open ON estimate_disputes (estimate_id)
    WHERE closed_at IS NULL;
CREATE INDEX ix_estimate_disputes_recorded_at ON estimate_disputes (recorded_at, dispute_id)
    WHERE closed_at IS NULL;
CREATE TABLE patient_statements (
    statement_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    location_id uuid NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    content bytea,
    document bytea,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    ready_at timestamptz,
    CONSTRAINT pk_patient_statements PRIMARY KEY (statement_id),
    CONSTRAINT ck_patient_statements_days CHECK (until >= since),
    CONSTRAINT ck_patient_statements_document CHECK (content IS NOT NULL OR document IS NULL),
    CONSTRAINT ck_patient_statements_ready CHECK ((document IS NULL) = (ready_at IS NULL))
);
CREATE INDEX ix_patient_statements_patient_id
    ON patient_statements (patient_id, asked_at, statement_id);
CREATE TABLE superbill_additions (
    addition_id uuid NOT NULL,
    about text NOT NULL,
    subject_id uuid NOT NULL,
    sealed bytea NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_superbill_additions PRIMARY KEY (addition_id),
    CONSTRAINT ck_superbill_additions_about CHECK (about IN ('patient', 'clinician', 'clinic'))
);
CREATE INDEX ix_superbill_additions_subject_id
    ON superbill_additions (subject_id, about, recorded_at, addition_id);
ALTER TABLE superbills DROP CONSTRAINT ck_superbills_reason,
    ADD CONSTRAINT ck_superbills_reason CHECK
        (reason IN ('refund', 'record', 'visit', 'payment'));
ALTER TABLE superbill_holds DROP CONSTRAINT ck_superbill_holds_correction,
    ADD CONSTRAINT ck_superbill_holds_correction CHECK
        (correction IN ('refund', 'record', 'payment'));
ALTER TABLE approval_limits DROP CONSTRAINT ck_approval_limits_entry,
    ADD CONSTRAINT ck_approval_limits_entry CHECK
        (entry IN ('outside_payment', 'refund', 'discount', 'write_off', 'dispute_answer',
                   'write_down'));
ALTER TABLE approvals DROP CONSTRAINT ck_approvals_entry,
    ADD CONSTRAINT ck_approvals_entry CHECK
        (entry IN ('outside_payment', 'refund', 'discount', 'write_off', 'dispute_answer',
                   'write_down'));
INSERT INTO approval_limits (limit_id, entry, limit_cents, starts_at, source, recorded_by)
    VALUES (gen_random_uuid(), 'write_down', 20000, '2000-01-01T00:00Z', 'house figure',
            'migration')
"""

# Only `reseal` changes anything: what is sealed stands there under the newest key afterwards.
WRITTEN_ONCE = """
CREATE TRIGGER superbill_additions_append_only BEFORE UPDATE ON superbill_additions FOR EACH ROW
    WHEN (to_jsonb(old) - 'sealed' IS DISTINCT FROM to_jsonb(new) - 'sealed'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only();
CREATE TRIGGER superbill_additions_no_delete BEFORE DELETE ON superbill_additions
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER patient_coverages_append_only BEFORE UPDATE ON patient_coverages FOR EACH ROW
    WHEN (to_jsonb(old) - 'sealed' IS DISTINCT FROM to_jsonb(new) - 'sealed'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only();
CREATE TRIGGER patient_coverages_no_delete BEFORE DELETE ON patient_coverages
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER clinician_standings_append_only BEFORE UPDATE OR DELETE ON clinician_standings
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER coverage_papers_append_only BEFORE UPDATE OR DELETE ON coverage_papers
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER estimate_margins_append_only BEFORE UPDATE OR DELETE ON estimate_margins
    FOR EACH ROW EXECUTE FUNCTION append_only()
"""

ENDED = """
CREATE FUNCTION held_charge_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a held charge that is % stays so', OLD.state
        USING ERRCODE = 'restrict_violation';
END $$
"""

ENDS_ONCE = """
CREATE TRIGGER held_charges_end_once BEFORE UPDATE ON held_charges FOR EACH ROW
    WHEN (OLD.state <> 'held') EXECUTE FUNCTION held_charge_has_ended()
"""


def upgrade() -> None:
    for part in (STATEMENTS, WRITTEN_ONCE):
        for statement in part.split(";"):
            op.execute(statement)
    op.execute(ENDED)
    op.execute(ENDS_ONCE)
