"""Who may sign what, as it is asked for and answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.figures import Day, Source
from services.scheduling.forms.wish import Wish
from services.scheduling.rules.signing import Act
from shared.claims import Name


class SigningRuleWish(Wish):
    """`credentials`: one of these, such as `MD`; none named is any. Signed by `clinician_id`."""

    act: Act
    effective_from: Day
    credentials: Annotated[list[Name], Field(max_length=20)]
    dea_needed: bool
    source: Source
    clinician_id: UUID


class SigningRuleAnswer(BaseModel):
    """What an act asks of its signer from a day on; the latest whose day has come is in force."""

    act: Act
    effective_from: date
    credentials: list[str]
    dea_needed: bool
    source: str
    revision: int
