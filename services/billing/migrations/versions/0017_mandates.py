"""What patients agree to when a card is saved, word for word, and who agreed to which words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE mandate_texts (
        text_id smallint NOT NULL,
        effective_from date NOT NULL,
        body text NOT NULL,
        content_sha256 bytea NOT NULL,
        source text NOT NULL,
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_mandate_texts PRIMARY KEY (text_id),
        CONSTRAINT ck_mandate_texts_body CHECK (body <> ''),
        CONSTRAINT ck_mandate_texts_content_sha256
            CHECK (content_sha256 = sha256(convert_to(body, 'UTF8')))
    )
    """,
    "CREATE INDEX ix_mandate_texts_effective_from ON mandate_texts (effective_from, text_id)",
    """
    CREATE TABLE mandates (
        mandate_id uuid NOT NULL,
        patient_id uuid NOT NULL,
        setup_id uuid NOT NULL CONSTRAINT fk_mandates_setup_id REFERENCES card_setups,
        text_id smallint NOT NULL CONSTRAINT fk_mandates_text_id REFERENCES mandate_texts,
        way text NOT NULL,
        taken_by text,
        ip bytea,
        agreed_at timestamptz NOT NULL,
        withdrawn_at timestamptz,
        withdrawn_by text,
        CONSTRAINT pk_mandates PRIMARY KEY (mandate_id),
        CONSTRAINT uq_mandates_setup_id UNIQUE (setup_id),
        CONSTRAINT ck_mandates_way CHECK (way IN ('hosted_page', 'in_person')),
        CONSTRAINT ck_mandates_taken_by CHECK ((way = 'in_person') = (taken_by IS NOT NULL)),
        CONSTRAINT ck_mandates_ip CHECK (ip IS NULL OR way = 'hosted_page'),
        CONSTRAINT ck_mandates_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
    )
    """,
    "CREATE INDEX ix_mandates_patient_id ON mandates (patient_id, agreed_at, mandate_id)",
    "ALTER TABLE card_setups ADD text_id smallint NOT NULL"
    " CONSTRAINT fk_card_setups_text_id REFERENCES mandate_texts",
    """
    CREATE TRIGGER mandate_texts_append_only BEFORE UPDATE OR DELETE ON mandate_texts
        FOR EACH ROW EXECUTE FUNCTION append_only()
    """,
    # It is withdrawn once; only `reseal` changes anything else, and that only in how it is sealed.
    """
    CREATE TRIGGER mandates_append_only BEFORE UPDATE ON mandates FOR EACH ROW
        WHEN (to_jsonb(old) - '{ip,withdrawn_at,withdrawn_by}'::text[]
                IS DISTINCT FROM to_jsonb(new) - '{ip,withdrawn_at,withdrawn_by}'::text[]
              OR (old.withdrawn_at IS NOT NULL
                  AND (old.withdrawn_at, old.withdrawn_by)
                      IS DISTINCT FROM (new.withdrawn_at, new.withdrawn_by))
              OR (old.ip IS DISTINCT FROM new.ip
                  AND current_setting('practice.reseals', true) IS DISTINCT FROM 'on'))
        EXECUTE FUNCTION append_only()
    """,
    """
    CREATE TRIGGER mandates_no_delete BEFORE DELETE ON mandates
        FOR EACH ROW EXECUTE FUNCTION append_only()
    """,
)

BODY = (
    "I allow the clinic to save this card with its card processor and to charge it later, when I"
    " am not present, for each visit of mine that has taken place. What is charged is the fee for"
    " that visit, or what is left of it, as my estimate and the clinic's price list say; nothing"
    " is added for paying by card. If the bank refuses, the clinic may try again on later days or"
    " send me a page to pay on. I can take this permission back at any time by telling the"
    " clinic, in person or by phone; the card is then removed and no longer charged, and what I"
    " still owe I pay in another way. Payments that were made already are refunded as the"
    " clinic's refund policy says."
)
SOURCE = "docs.stripe.com/payments/save-and-reuse: when, how much, how to cancel"

TEXT = """
INSERT INTO mandate_texts (text_id, effective_from, body, content_sha256, source, recorded_by,
                           recorded_at)
VALUES (1, '2026-01-01', CAST(:body AS text),
        sha256(convert_to(CAST(:body AS text), 'UTF8')), :source, 'migration', now())
"""


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    op.get_bind().execute(sa.text(TEXT), {"body": BODY, "source": SOURCE})
