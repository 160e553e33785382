"""The ledger, which nobody changes: double entry by the shape of its rows."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE ledger_accounts (
        account text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        CONSTRAINT pk_ledger_accounts PRIMARY KEY (account),
        CONSTRAINT ck_ledger_accounts_kind
            CHECK (kind IN ('asset', 'liability', 'income', 'contra', 'expense'))
    )
    """,
    """
    CREATE TABLE ledger_transfers (
        transfer_id uuid NOT NULL,
        reason text NOT NULL,
        source_id text NOT NULL,
        leg smallint NOT NULL,
        debit text NOT NULL CONSTRAINT fk_ledger_transfers_debit REFERENCES ledger_accounts,
        credit text NOT NULL CONSTRAINT fk_ledger_transfers_credit REFERENCES ledger_accounts,
        amount_cents integer NOT NULL,
        patient_id uuid,
        charge_id uuid,
        reverses uuid CONSTRAINT fk_ledger_transfers_reverses REFERENCES ledger_transfers,
        happened_at timestamptz NOT NULL,
        posted_at timestamptz NOT NULL,
        CONSTRAINT pk_ledger_transfers PRIMARY KEY (transfer_id),
        CONSTRAINT uq_ledger_transfers_reason_source_id_leg UNIQUE (reason, source_id, leg),
        CONSTRAINT ck_ledger_transfers_amount CHECK (amount_cents > 0),
        CONSTRAINT ck_ledger_transfers_accounts CHECK (debit <> credit),
        CONSTRAINT ck_ledger_transfers_patient CHECK (patient_id IS NOT NULL
            OR NOT (ARRAY[debit, credit]
                    && ARRAY['patient_receivable', 'patient_credit', 'unmatched_money'])),
        CONSTRAINT ck_ledger_transfers_charge CHECK (charge_id IS NULL OR patient_id IS NOT NULL)
    )
    """,
    "CREATE INDEX ix_ledger_transfers_patient_id ON ledger_transfers (patient_id, charge_id)",
    """
    CREATE UNIQUE INDEX uq_ledger_transfers_reverses ON ledger_transfers (reverses)
        WHERE reverses IS NOT NULL
    """,
)

ACCOUNTS = """
INSERT INTO ledger_accounts (account, kind, name) VALUES
    ('patient_receivable', 'asset', 'Owed by patients'),
    ('stripe_clearing', 'asset', 'Held by Stripe until it is paid out'),
    ('care_credit_clearing', 'asset', 'Paid with CareCredit, not funded yet'),
    ('cash', 'asset', 'Cash at hand'),
    ('checks', 'asset', 'Checks at hand'),
    ('bank', 'asset', 'Bank'),
    ('dispute_hold', 'asset', 'Held back by Stripe while a payment is disputed'),
    ('patient_credit', 'liability', 'Paid ahead by patients, not earned yet'),
    ('unmatched_money', 'liability', 'Taken beside what was owed, to be given back'),
    ('refund_pending', 'liability', 'Refunds on their way to patients'),
    ('revenue_infusion', 'income', 'Infusions'),
    ('revenue_consult', 'income', 'Consults and sessions'),
    ('discount', 'contra', 'Discounts'),
    ('refunds', 'contra', 'Given up with a refund'),
    ('bad_debt', 'expense', 'Written off'),
    ('stripe_fees', 'expense', 'Fees of Stripe'),
    ('care_credit_fees', 'expense', 'Fees of CareCredit'),
    ('dispute_fees', 'expense', 'Fees of disputed payments')
"""

# The backbone's `append_only()` keeps what is posted. What mirrors is compared only where a row
# says that it reverses another, so an ordinary posting runs no function.
TRIGGERS = (
    """
    CREATE FUNCTION ledger_mirrors() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM ledger_transfers AS t
          WHERE t.transfer_id = NEW.reverses AND t.reverses IS NULL
            AND (t.debit, t.credit, t.amount_cents) = (NEW.credit, NEW.debit, NEW.amount_cents)
            AND (t.patient_id, t.charge_id)
                IS NOT DISTINCT FROM (NEW.patient_id, NEW.charge_id);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a reversal mirrors the transfer that it names'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_mirrors';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER ledger_mirrors BEFORE INSERT ON ledger_transfers
        FOR EACH ROW WHEN (NEW.reverses IS NOT NULL) EXECUTE FUNCTION ledger_mirrors()
    """,
    *(
        statement
        for table in ("ledger_accounts", "ledger_transfers")
        for statement in (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION append_only()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
        )
    ),
)


def upgrade() -> None:
    for statement in (*TABLES, ACCOUNTS, *TRIGGERS):
        op.execute(statement)
