"""Pages on which patients pay; each stands for a try that the patient makes."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE payment_attempts DROP CONSTRAINT ck_payment_attempts_state",
    """
    ALTER TABLE payment_attempts ADD CONSTRAINT ck_payment_attempts_state
        CHECK (state IN ('pending', 'offered', 'captured', 'declined', 'abandoned'))
    """,
    "ALTER TABLE payment_attempts DROP CONSTRAINT ck_payment_attempts_card",
    """
    ALTER TABLE payment_attempts ADD CONSTRAINT ck_payment_attempts_card
        CHECK (card_id IS NOT NULL OR state <> 'pending')
    """,
    """
    CREATE TABLE pay_links (
        pay_link_id uuid NOT NULL
            CONSTRAINT fk_pay_links_pay_link_id REFERENCES payment_attempts,
        charge_id uuid NOT NULL CONSTRAINT fk_pay_links_charge_id REFERENCES charges,
        state text NOT NULL,
        why text NOT NULL,
        stripe_session_id text,
        sealed bytea,
        sent_no smallint NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT pk_pay_links PRIMARY KEY (pay_link_id),
        CONSTRAINT uq_pay_links_stripe_session_id UNIQUE (stripe_session_id),
        CONSTRAINT ck_pay_links_state CHECK
            (state IN ('pending', 'open', 'paid', 'expired', 'withdrawn', 'failed')),
        CONSTRAINT ck_pay_links_page CHECK
            ((stripe_session_id IS NULL) = (sealed IS NULL)
             AND (state <> 'open' OR sealed IS NOT NULL)),
        CONSTRAINT ck_pay_links_ended CHECK
            ((state IN ('pending', 'open')) = (ended_at IS NULL))
    )
    """,
    "CREATE INDEX ix_pay_links_charge_id ON pay_links (charge_id)",
    """
    CREATE UNIQUE INDEX uq_pay_links_out ON pay_links (charge_id)
        WHERE state IN ('pending', 'open')
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
