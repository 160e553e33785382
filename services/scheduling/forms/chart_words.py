"""The words of a chart, as they are asked for and answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from services.scheduling.forms.figures import Day, Source
from services.scheduling.forms.wish import Wish
from services.scheduling.rules.visits.chart_words import WordKind
from shared.claims import Line
from shared.written import told

Word = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^[a-z][a-z0-9_]{1,39}$", "a word in small letters, such as chest_pain")
    ),
]


class ChartWordWish(Wish):
    """A word from a day on, signed by `clinician_id`; not `in_use`, nobody may note it any more."""

    kind: WordKind
    word: Word
    effective_from: Day
    name: Line
    in_use: bool = True
    source: Source
    clinician_id: UUID


class ChartWordAnswer(BaseModel):
    """A word and who signed it; a default has no signer.

    The latest whose day has come counts, in its last revision.
    """

    kind: WordKind
    word: str
    effective_from: date
    name: str
    in_use: bool
    source: str
    clinician_id: UUID | None
    signed_by: str | None
    revision: int
