"""What a chart names, premedication and adverse events, is rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE chart_words (
    kind text NOT NULL,
    word text NOT NULL,
    effective_from date NOT NULL,
    name text NOT NULL,
    in_use boolean NOT NULL,
    source text NOT NULL,
    clinician_id uuid CONSTRAINT fk_chart_words_clinician_id REFERENCES clinicians,
    signed_by text,
    CONSTRAINT pk_chart_words PRIMARY KEY (kind, word, effective_from),
    CONSTRAINT ck_chart_words_kind CHECK (kind IN ('premedication', 'adverse_event')),
    CONSTRAINT ck_chart_words_signed CHECK ((clinician_id IS NULL) = (signed_by IS NULL))
)
"""

BEFOREHAND = "FAQ: pre-medicated against nausea and vomiting, which one in ten has"
FAQ = "FAQ: what may come with an infusion"
WORDS = (
    ("premedication", "scopolamine_patch", "Scopolamine patch", BEFOREHAND),
    ("premedication", "meclizine", "Meclizine", BEFOREHAND),
    ("premedication", "ondansetron", "Ondansetron (Zofran)", BEFOREHAND),
    ("premedication", "promethazine", "Promethazine (Phenergan)", BEFOREHAND),
    ("premedication", "prochlorperazine", "Prochlorperazine (Compazine)", BEFOREHAND),
    ("premedication", "mild_sedative", "A mild sedative", "FAQ: a mild sedative if anxious"),
    ("adverse_event", "nausea", "Nausea", FAQ),
    ("adverse_event", "vomiting", "Vomiting", FAQ),
    ("adverse_event", "dizziness", "Dizziness", FAQ),
    ("adverse_event", "malaise", "Malaise", FAQ),
    ("adverse_event", "headache", "Headache", FAQ),
    ("adverse_event", "distortions", "Visual or auditory distortions", FAQ),
    ("adverse_event", "other", "Anything else, in words", "the practice's rule: nothing is unsaid"),
)
INSERT = """
INSERT INTO chart_words (kind, word, effective_from, name, in_use, source)
VALUES (:kind, :word, '2020-01-01', :name, true, :source)
"""


def upgrade() -> None:
    op.execute(TABLE)
    for kind, word, name, source in WORDS:
        op.execute(sa.text(INSERT).bindparams(kind=kind, word=word, name=name, source=source))
