"""A plan that is held for a patient who is still deciding: how long, and what becomes of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import on_the_wall
from shared.refusals import Broken

HELD = "held"
"""The state of a chair's row while a plan is held. It is no state of a visit."""


class HoldState(StrEnum):
    HELD = "held"
    BOOKED = "booked"
    RELEASED = "released"
    EXPIRED = "expired"


def broken_by_hold(
    state: HoldState, expires_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether the chairs are still held; one that has run out is so before it is freed."""
    if state is HoldState.HELD and now < expires_at:
        return []
    ended = {
        HoldState.BOOKED: ("hold_booked", "The hold was turned into a booking; read the series."),
        HoldState.RELEASED: ("hold_released", "The hold was released; ask for plans anew."),
    }
    expired = (
        "hold_expired",
        f"The hold ended at {on_the_wall(expires_at, zone)} and its chairs are being freed; ask"
        " for plans anew.",
    )
    rule, detail = ended.get(state, expired)
    return [Broken(rule, detail, "a hold's life: held until it is booked or runs out", "hold_id")]


def broken_by_other_hold(*, has_hold: bool, named: UUID | None = None) -> list[Broken]:
    """Whether a plan stands beside one that is held; `named` is the one that it is to replace."""
    source = "one series at a time per patient"
    if named is not None:
        detail = "No such plan is held for this patient any more; ask for plans anew."
        return [Broken("hold_over", detail, source, "instead_of")]
    if not has_hold:
        return []
    return [
        Broken(
            "hold_open",
            "A plan is held for this patient already; book that one, release it, or name it in"
            " instead_of to have this one in its place.",
            source,
            "patient_id",
        )
    ]
