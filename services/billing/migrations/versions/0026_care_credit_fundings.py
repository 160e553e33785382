"""What CareCredit says that it sent: the lines of its reports, and what they are tied to."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0016"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE care_credit_fundings (
        funding_id uuid NOT NULL,
        reference text NOT NULL,
        gross_cents integer NOT NULL,
        fee_cents integer NOT NULL,
        funded_on date NOT NULL,
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        tender_id uuid CONSTRAINT fk_care_credit_fundings_tender_id REFERENCES care_credit_tenders,
        CONSTRAINT pk_care_credit_fundings PRIMARY KEY (funding_id),
        CONSTRAINT uq_care_credit_fundings_reference_funded_on_gross_cents
            UNIQUE (reference, funded_on, gross_cents),
        CONSTRAINT ck_care_credit_fundings_fee CHECK (
            gross_cents <> 0
            AND fee_cents BETWEEN least(gross_cents, 0) AND greatest(gross_cents, 0))
    )
    """,
    """
    CREATE INDEX ix_care_credit_fundings_untied ON care_credit_fundings (reference)
        WHERE tender_id IS NULL
    """,
    "CREATE INDEX ix_care_credit_fundings_tender_id ON care_credit_fundings (tender_id)",
    """
    CREATE TRIGGER care_credit_fundings_append_only BEFORE UPDATE ON care_credit_fundings
        FOR EACH ROW
        WHEN (old.tender_id IS NOT NULL
              OR to_jsonb(old) - 'tender_id' IS DISTINCT FROM to_jsonb(new) - 'tender_id')
        EXECUTE FUNCTION append_only()
    """,
    """
    CREATE TRIGGER care_credit_fundings_no_delete BEFORE DELETE ON care_credit_fundings
        FOR EACH ROW EXECUTE FUNCTION append_only()
    """,
    "ALTER TABLE reconciliation_breaks DROP CONSTRAINT ck_reconciliation_breaks_kind",
    """
    ALTER TABLE reconciliation_breaks ADD CONSTRAINT ck_reconciliation_breaks_kind
        CHECK (kind IN ('not_in_books', 'not_at_stripe', 'amount_differs', 'payout_differs',
                        'balance_differs', 'not_funded', 'taken_back'))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
