"""What a visit needs of the place where it is given: hours, a nurse, a chair."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.rules import slots
from services.scheduling.rules.policy import Policy, broken_by_hours, broken_by_nurses
from services.scheduling.rules.slots import Slot
from shared.messaging import Transaction
from shared.refusals import Broken


def slot_of(
    policy: Policy, starts_at: datetime, chair_id: UUID, patient_id: UUID, zone: ZoneInfo
) -> Slot:
    """A visit in its chair, for as long as the figures of its local day say.

    A day before all figures is long past, which the rules say; the first figures do for it.
    """
    figures = policy.visit_on(starts_at.astimezone(zone).date()) or policy.visits[0]
    ends_at = starts_at + timedelta(minutes=figures.holds_min)
    return Slot(starts_at, ends_at, chair_id, patient_id)


async def broken_by_place(
    tx: Transaction,
    policy: Policy,
    location_id: UUID,
    wished: Sequence[Slot],
    zone: ZoneInfo,
    field: Callable[[int], str],
    besides: Collection[UUID] = (),
) -> list[Broken]:
    """What of these visits lies outside the hours, or has no nurse; without some visits.

    Where nurses are counted, the days are held until the commit.
    """
    broken = [
        wrong
        for n, slot in enumerate(wished)
        for wrong in broken_by_hours(policy, slot.starts_at, slot.ends_at, zone, field(n))
    ]
    if not wished or not policy.rosters:
        return broken
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
    others = [(slot.starts_at, slot.ends_at) for slot in taken if slot.chair_id in chairs]
    for n, slot in enumerate(wished):
        beside = [*others, *((each.starts_at, each.ends_at) for each in wished[:n])]
        broken += broken_by_nurses(policy, slot.starts_at, slot.ends_at, beside, zone, field(n))
    return broken


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
        *slots.broken_by_chair(
            None if chair is None else chair.location_id, location_id, "chair_id"
        ),
        *slots.broken_by_taken(wished, taken, "chair_id", "starts_at"),
    ]
