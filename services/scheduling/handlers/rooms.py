"""What a visit needs of the place where it is given: hours, a nurse, a chair, a room."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import Policy, broken_by_hours, broken_by_nurses
from services.scheduling.rules.clinic.rooms import Used, free_room, no_room
from services.scheduling.rules.clinic.slots import Slot
from shared.messaging import Transaction
from shared.refusals import Broken


def slot_of(
    policy: Policy,
    starts_at: datetime,
    chair_id: UUID,
    patient_id: UUID,
    zone: ZoneInfo,
    room_id: UUID | None = None,
) -> Slot:
    """A visit in its chair, for as long as the figures of its local day say.

    A day before all figures is long past, which the rules say; the first figures do for it. The
    room is the one that it has now.
    """
    figures = policy.figures_on(starts_at.astimezone(zone).date())
    ends_at = starts_at + timedelta(minutes=figures.holds_min)
    stops_at = ends_at - timedelta(minutes=figures.recovery_min)
    return Slot(
        starts_at,
        ends_at,
        chair_id,
        patient_id,
        stops_at + timedelta(minutes=figures.no_drive_min) if figures.no_drive_min else None,
        minds_ban=not figures.begins_in_ban,
        room_id=room_id,
    )


async def broken_by_place(
    tx: Transaction,
    policy: Policy,
    location_id: UUID,
    wished: Sequence[Slot],
    zone: ZoneInfo,
    field: Callable[[int], str],
    besides: Collection[UUID] = (),
) -> list[Broken]:
    """What of these visits lies outside the hours, or has no nurse; without some visits."""
    outside = [
        wrong
        for n, slot in enumerate(wished)
        for wrong in broken_by_hours(policy, slot.starts_at, slot.ends_at, zone, field(n))
    ]
    return outside + await broken_by_watch(
        tx, policy, location_id, wished, zone, field, besides=besides
    )


async def broken_by_watch(
    tx: Transaction,
    policy: Policy,
    location_id: UUID,
    wished: Sequence[Slot],
    zone: ZoneInfo,
    field: Callable[[int], str],
    *,
    besides: Collection[UUID] = (),
    as_well: Collection[Slot] = (),
) -> list[Broken]:
    """What of these visits no nurse watches; without some visits, and with some not on record.

    Where nurses are counted, the days are held until the commit.
    """
    if not wished or not policy.rosters:
        return []
    days = {slot.starts_at.astimezone(zone).date() for slot in wished}
    await store.lock_days(tx, location_id, days)
    chairs = set(await store.chairs_at(tx, location_id))
    taken = await store.taken_slots(
        tx,
        chairs,
        wished[0].patient_id,
        since=min(slot.starts_at for slot in wished),
        until=max(slot.ends_at for slot in wished),
        besides=besides,
    )
    others = [
        (slot.starts_at, slot.ends_at) for slot in (*taken, *as_well) if slot.chair_id in chairs
    ]
    broken: list[Broken] = []
    for n, slot in enumerate(wished):
        beside = [*others, *((each.starts_at, each.ends_at) for each in wished[:n])]
        broken += broken_by_nurses(policy, slot.starts_at, slot.ends_at, beside, zone, field(n))
    return broken


async def with_rooms(
    tx: Transaction,
    policy: Policy,
    location_id: UUID,
    wished: Sequence[Slot],
    zone: ZoneInfo,
    field: Callable[[int], str],
    besides: Collection[UUID] = (),
) -> tuple[list[Slot], list[Broken]]:
    """The visits with the rooms that their types need, or which of them finds none.

    The rooms of the place are held until the commit. A slot that names a room keeps it, if free.
    """
    figures = [policy.figures_on(slot.starts_at.astimezone(zone).date()) for slot in wished]
    if not any(each.room_needed for each in figures):
        return [replace(slot, room_id=None) for slot in wished], []
    rooms = await store.lock_rooms(tx, location_id)
    used = await store.rooms_used(
        tx,
        rooms,
        since=min(slot.starts_at for slot in wished),
        until=max(slot.ends_at for slot in wished),
        besides=besides,
    )
    placed: list[Slot] = []
    broken: list[Broken] = []
    for n, (slot, of) in enumerate(zip(wished, figures, strict=True)):
        room_id = free_room(rooms, used, slot) if of.room_needed else None
        if of.room_needed and room_id is None:
            broken.append(no_room(rooms, of.sources["room_needed"], field(n)))
        if room_id is not None:
            used.append(Used(room_id, slot.starts_at, slot.ends_at))
        placed.append(replace(slot, room_id=room_id))
    return placed, broken


async def broken_by_chair(
    wished: Slot, location_id: UUID, tx: Transaction, *, besides: Collection[UUID] = ()
) -> list[Broken]:
    """Whether the chair stands there and is free, and the patient too, without some visits.

    The chair is held until the commit.
    """
    chair = (await store.lock_chairs(tx, {wished.chair_id})).get(wished.chair_id)
    taken = await store.taken_slots(
        tx,
        {wished.chair_id},
        wished.patient_id,
        since=wished.starts_at,
        until=wished.ends_at,
        besides=besides,
    )
    return [
        *slots.broken_by_chair(store.chair_place(chair), location_id, "chair_id"),
        *slots.broken_by_taken(wished, taken, "chair_id", "starts_at"),
    ]
