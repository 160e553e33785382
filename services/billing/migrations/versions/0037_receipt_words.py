"""What a receipt says, and why a superbill was corrected, are the clinic's words from a day on."""

from __future__ import annotations

import json

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

RECEIPT = {
    "title": "Receipt for medical care",
    "description": "Medical treatment by a licensed clinician, office visit",
    "notice": "For a health savings, flexible spending or health reimbursement account. It says"
    " neither why nor how the patient was treated.",
}
CORRECTIONS = {
    "refund": "Money was refunded after the earlier version was issued.",
    "record": "The record of the visit was corrected.",
    "payment": "What was paid changed after the earlier version was issued.",
    "visit": "Another visit of the month has its statement now.",
}

STATEMENTS = (
    f"""
    ALTER TABLE superbill_wordings
        ADD COLUMN receipt jsonb NOT NULL DEFAULT '{json.dumps(RECEIPT)}',
        ADD COLUMN corrections jsonb NOT NULL DEFAULT '{json.dumps(CORRECTIONS)}',
        ADD CONSTRAINT ck_superbill_wordings_receipt
            CHECK (receipt ?& '{{title,description,notice}}'::text[]),
        ADD CONSTRAINT ck_superbill_wordings_corrections
            CHECK (corrections ?& '{{refund,record,payment,visit}}'::text[])
    """,
    "ALTER TABLE superbill_wordings ALTER receipt DROP DEFAULT, ALTER corrections DROP DEFAULT",
    """
    ALTER TABLE superbills ADD COLUMN wording_id smallint NOT NULL DEFAULT 1
        CONSTRAINT fk_superbills_wording_id REFERENCES superbill_wordings
    """,
    "ALTER TABLE superbills ALTER wording_id DROP DEFAULT",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
