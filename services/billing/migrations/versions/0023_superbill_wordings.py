"""What superbills say of themselves, by how their money stands."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0027"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE superbill_wordings (
        wording_id smallint NOT NULL,
        effective_from date NOT NULL,
        statements jsonb NOT NULL,
        gathers text NOT NULL,
        source text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_superbill_wordings PRIMARY KEY (wording_id),
        CONSTRAINT ck_superbill_wordings_statements
            CHECK (statements ?& '{paid,reduced,refunded,owed}'::text[])
    )
    """,
    "CREATE INDEX ix_superbill_wordings_effective_from"
    " ON superbill_wordings (effective_from, wording_id)",
    """
    CREATE TRIGGER superbill_wordings_append_only BEFORE UPDATE OR DELETE ON superbill_wordings
        FOR EACH ROW EXECUTE FUNCTION append_only()
    """,
)

_RENDERED = "The services listed were rendered on the date of service by the clinician named above"
_OUT_OF_NETWORK = (
    " It is not a bill and not a claim. The clinic is out of network and accepts no assignment of"
    " benefits: please reimburse the patient"
)

WORDS = {
    "paid": {
        "title": "Paid statement for out-of-network reimbursement",
        "notice": "This is a statement of services that were rendered and paid in full."
        + _OUT_OF_NETWORK
        + ". It promises no coverage.",
        "assertion": _RENDERED + ", and the fee was received as shown.",
    },
    "reduced": {
        "title": "Paid statement for out-of-network reimbursement, at a reduced charge",
        "notice": "This is a statement of services that were rendered. The charge was reduced, and"
        " what is left of it is paid."
        + _OUT_OF_NETWORK
        + " on no more than what stands here as paid by the patient. It promises no coverage.",
        "assertion": _RENDERED + ", and the fee was reduced and received as shown.",
    },
    "refunded": {
        "title": "Statement of services, refunded in full",
        "notice": "What was paid for these services was given back in full: there is nothing to"
        " reimburse. Please do not hand this version in, nor one that it replaces. It is not a"
        " bill and not a claim.",
        "assertion": _RENDERED + ". What was received for them was given back as shown.",
    },
    "owed": {
        "title": "Statement of services, not paid in full",
        "notice": "A payment that an earlier version of this statement counted did not come, and"
        " the balance is owed. Please do not hand this version in, nor the one that it replaces:"
        " another version follows once the balance is paid. It is not a bill and not a claim.",
        "assertion": _RENDERED + ". What was received of the fee is shown; the balance is owed.",
    },
}
GATHERS = "It gathers the statements {numbers}: hand in either this one or those, not both."
SOURCE = "fields of a superbill, and that payers return one with a balance; the words are ours"

WORDING = """
INSERT INTO superbill_wordings VALUES
    (1, '2022-01-01', CAST(:words AS jsonb), :gathers, :source, now())
"""


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    op.get_bind().execute(
        sa.text(WORDING), {"words": json.dumps(WORDS), "gathers": GATHERS, "source": SOURCE}
    )
