"""Dunning: what a bank said, the policies and ceilings in force, and what stops it."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE payment_attempts
        ADD COLUMN decline_code text,
        ADD COLUMN advice_code text,
        ADD COLUMN network_decline_code text,
        ADD COLUMN network_advice_code text
    """,
    "CREATE INDEX ix_payment_attempts_card_id ON payment_attempts (card_id, created_at)",
    "ALTER TABLE cards ADD COLUMN brand text",
    """
    CREATE TABLE dunning_policies (
        "case" text NOT NULL,
        effective_from date NOT NULL,
        after_days smallint[] NOT NULL,
        source text NOT NULL,
        CONSTRAINT pk_dunning_policies PRIMARY KEY ("case", effective_from),
        CONSTRAINT ck_dunning_policies_case CHECK
            ("case" IN ('insufficient_funds', 'try_again_later', 'pay_link'))
    )
    """,
    """
    INSERT INTO dunning_policies ("case", effective_from, after_days, source) VALUES
        ('insufficient_funds', '2026-01-01', '{1,3,7}',
         'docs.stripe.com/declines/card: try later; the clinic asks three times in a week'),
        ('try_again_later', '2026-01-01', '{1,3,7}',
         'docs.stripe.com/declines/card: advice_code try_again_later; as above'),
        ('pay_link', '2026-01-01', '{2,4}',
         'the clinic''s choice: a page is offered again twice, then a person calls')
    """,
    """
    CREATE TABLE network_ceilings (
        brand text NOT NULL,
        within_h integer NOT NULL,
        effective_from date NOT NULL,
        tries_max smallint NOT NULL,
        source text NOT NULL,
        CONSTRAINT pk_network_ceilings PRIMARY KEY (brand, within_h, effective_from),
        CONSTRAINT ck_network_ceilings_figures CHECK (tries_max > 0 AND within_h > 0)
    )
    """,
    """
    INSERT INTO network_ceilings (brand, within_h, effective_from, tries_max, source) VALUES
        ('visa', 720, '2026-01-01', 15, 'Visa Core Rules: reattempts in 30 days, until April 2026'),
        ('visa', 720, '2026-04-01', 20, 'Visa Core Rules, April 2026: reattempts in 30 days'),
        ('mastercard', 24, '2026-01-01', 10,
         'Mastercard Transaction Processing Excellence: attempts in 24 hours')
    """,
    """
    CREATE TABLE dunnings (
        charge_id uuid NOT NULL CONSTRAINT fk_dunnings_charge_id REFERENCES charges,
        state text NOT NULL,
        began_at timestamptz NOT NULL,
        tries smallint NOT NULL,
        links smallint NOT NULL,
        step text NOT NULL,
        step_at timestamptz NOT NULL,
        why text,
        ended_at timestamptz,
        CONSTRAINT pk_dunnings PRIMARY KEY (charge_id),
        CONSTRAINT ck_dunnings_state CHECK (state IN ('going_on', 'given_up', 'settled')),
        CONSTRAINT ck_dunnings_step CHECK (step IN ('try_card', 'send_link', 'give_up'))
    )
    """,
    """
    CREATE INDEX ix_dunnings_given_up ON dunnings (ended_at, charge_id) WHERE state = 'given_up'
    """,
    """
    CREATE TABLE collections_holds (
        hold_id uuid NOT NULL,
        patient_id uuid NOT NULL,
        charge_id uuid CONSTRAINT fk_collections_holds_charge_id REFERENCES charges,
        reason text NOT NULL,
        opened_by text NOT NULL,
        opened_at timestamptz NOT NULL,
        ended_by text,
        ended_at timestamptz,
        CONSTRAINT pk_collections_holds PRIMARY KEY (hold_id),
        CONSTRAINT ck_collections_holds_reason CHECK
            (reason IN ('dispute', 'estimate_dispute', 'hardship', 'clinical')),
        CONSTRAINT ck_collections_holds_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL))
    )
    """,
    """
    CREATE INDEX ix_collections_holds_open ON collections_holds (patient_id)
        WHERE ended_at IS NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
