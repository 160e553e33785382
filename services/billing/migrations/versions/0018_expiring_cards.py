"""When a card expires, when a visit is, and how long before the one somebody asks the patient."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE cards ADD last4 text CONSTRAINT ck_cards_last4 CHECK (last4 ~ '^[0-9]{4}$'),"
    " ADD expires_at timestamptz",
    "ALTER TABLE visits ADD starts_at timestamptz",
    "CREATE INDEX ix_visits_patient_id ON visits (patient_id, starts_at)",
    """
    CREATE TABLE card_expiry_policies (
        effective_from date NOT NULL,
        within_days smallint NOT NULL,
        source text NOT NULL,
        CONSTRAINT pk_card_expiry_policies PRIMARY KEY (effective_from),
        CONSTRAINT ck_card_expiry_policies_within_days CHECK (within_days BETWEEN 0 AND 366)
    )
    """,
    """
    INSERT INTO card_expiry_policies VALUES
        ('2026-01-01', 30, 'house figure: the patient is asked at one more visit or two')
    """,
    """
    CREATE TRIGGER card_expiry_policies_append_only BEFORE UPDATE OR DELETE ON card_expiry_policies
        FOR EACH ROW EXECUTE FUNCTION append_only()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
