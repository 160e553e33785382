"""Overrides as they are asked for and answered."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.visits import OutsideAnswer
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Text
from services.scheduling.rules.series.overrides import Overridden, Signed
from shared.events import Moment


class _Signed(Wish):
    clinician_id: UUID
    reason: Text


class Extend(_Signed):
    """So many infusions more than were planned."""

    rule: Literal[Overridden.SIZE]
    infusions: Annotated[int, Field(ge=1, le=99)]


class Hasten(_Signed):
    """Infusions in rapid succession: so many local days apart, fewer than the rule says."""

    rule: Literal[Overridden.GAP]
    gap_min_days: Annotated[int, Field(ge=1, le=31)]


class Lengthen(_Signed):
    """Infusions up to so many local days apart, more than the longest gap."""

    rule: Literal[Overridden.LONG_GAP]
    gap_max_days: Annotated[int, Field(ge=1, le=31)]


SignOverride = Annotated[Extend | Hasten | Lengthen, Field(discriminator="rule")]


class SignedAnswer(BaseModel):
    """Any override as it is listed: for a series, a treatment, a reading or the dose of a visit.

    `outside` is what of that reading was past a soft limit.
    """

    override_id: UUID
    kind: Signed
    patient_id: UUID
    series_id: UUID | None
    appointment_id: UUID | None
    infusions: int | None
    gap_min_days: int | None
    gap_max_days: int | None
    outside: list[OutsideAnswer]
    reason: str
    clinician_id: UUID
    signed_by: str
    signed_at: Moment
    withdrawn_at: Moment | None
    withdrawn_by: str | None


class OverrideAnswer(BaseModel):
    override_id: UUID
    series_id: UUID | None
    appointment_id: UUID | None
    patient_id: UUID
    rule: Overridden
    infusions: int | None
    gap_min_days: int | None
    gap_max_days: int | None
    reason: str
    clinician_id: UUID
    signed_by: str
    signed_at: Moment
    withdrawn_at: Moment | None
    withdrawn_by: str | None
