"""Rooms: a visit whose type needs one has it to itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scheduling.rules.clinic.slots import Slot
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Used:
    """A room for a while, by a visit or a plan that is held. Half-open, as slots are."""

    room_id: UUID
    starts_at: datetime
    ends_at: datetime

    def meets(self, slot: Slot) -> bool:
        return self.starts_at < slot.ends_at and slot.starts_at < self.ends_at


def free_room(rooms: Sequence[UUID], used: Iterable[Used], slot: Slot) -> UUID | None:
    """The room that a visit has in its slot: its own while that is free, else the first free."""
    busy = {each.room_id for each in used if each.meets(slot)}
    first = [] if slot.room_id is None else [slot.room_id]
    return next((room for room in (*first, *rooms) if room in rooms and room not in busy), None)


def no_room(rooms: Sequence[UUID], source: str, field: str) -> Broken:
    if not rooms:
        return Broken(
            "room_missing",
            "Such a visit needs a room, and none is on record of this place; record its rooms.",
            source,
            field,
        )
    return Broken(
        "room_taken",
        f"Such a visit needs a room, and none of {len(rooms)} is free in this time; take another"
        " time.",
        "one visit at a time per room",
        field,
    )
