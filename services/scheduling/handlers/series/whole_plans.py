"""A whole series that is asked for, judged once for booking it and for holding it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.wishes import WishedAppointment
from services.scheduling.handlers.patients.files import broken_by_file
from services.scheduling.handlers.rooms import broken_by_place, slot_of, with_rooms
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.waitlist.openings import look_after
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.series import course as rules
from services.scheduling.rules.series import holds, protocols
from services.scheduling.rules.series.holds import HoldState
from services.scheduling.store import holds as kept
from services.scheduling.tables import Chair, Location, Patient
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


@dataclass(frozen=True, slots=True)
class Judged:
    """The slots of a plan, all that forbids them, the place, held until the commit, its figures."""

    wished: list[Slot]
    broken: list[Broken]
    location: Location | None
    policy: Policy


async def judge_plan(
    tx: Transaction,
    patient_id: UUID,
    location_id: UUID,
    visit_type: str,
    appointments: Sequence[WishedAppointment],
    instead_of: UUID | None = None,
) -> Judged:
    """Hold the patient, the days and the chairs, and say all that stands in the way.

    The chairs of a hold that it takes the place of count as free.
    """
    patient = await store.lock_patient(tx, patient_id)
    own, by_hold = await _own_chairs(tx, patient_id, instead_of)
    location = await store.keep_location(tx, location_id)
    policy = await store.policy_of(tx, location_id, visit_type)
    if not policy.in_series:
        types = await store.series_types(tx)
        return Judged([], [rules.type_not_in_series(types)], location, policy)
    zone = ZoneInfo("UTC" if location is None else location.zone)
    wished = [
        slot_of(policy, each.starts_at, each.chair_id, patient_id, zone) for each in appointments
    ]
    by_place = await broken_by_place(
        tx, policy, location_id, wished, zone, lambda n: f"appointments.{n}.starts_at", own
    )
    chairs = await store.lock_chairs(tx, {each.chair_id for each in appointments})
    wished, no_room = await with_rooms(
        tx, policy, location_id, wished, zone, lambda n: f"appointments.{n}.starts_at", own
    )
    has_open = await store.has_open_series(tx, patient_id)
    other_series = (
        []
        if has_open  # which says it all
        else await broken_by_other_series(
            tx, patient_id, [each.starts_at for each in wished], policy, location
        )
    )
    broken = [
        *broken_by_file(patient),
        *([] if location is not None else [unknown("location", "location_id")]),
        *rules.broken_by_open_series(has_open=has_open),
        *by_hold,
        *_broken_by_age(tx, patient, policy, wished, zone),
        *broken_by_dates([each.starts_at for each in wished], policy, location, tx.now),
        *other_series,
        *by_place,
        *await _broken_by_chairs(wished, location_id, chairs, tx, own),
        *no_room,
    ]
    return Judged(wished, broken, location, policy)


async def _own_chairs(
    tx: Transaction, patient_id: UUID, instead_of: UUID | None
) -> tuple[list[UUID], list[Broken]]:
    """The chairs of the hold that a plan takes the place of, and what of holds forbids it."""
    open_ = await kept.open_hold(tx, patient_id)
    hold = None if open_ is None else await kept.lock_hold(tx, open_.hold_id)
    held_id = None if hold is None or hold.state != HoldState.HELD else hold.hold_id
    if instead_of != held_id:
        return [], holds.broken_by_other_hold(has_hold=held_id is not None, named=instead_of)
    if held_id is None:
        return [], []
    return [each.appointment_id for each in await kept.held_chairs(tx, held_id)], []


async def free_chairs(tx: Transaction, hold_id: UUID, state: HoldState) -> None:
    """End a hold that was not booked: others may have its chairs."""
    for chair in await kept.held_chairs(tx, hold_id):
        look_after(chair, tx)
    await kept.end_hold(tx, hold_id, state)


async def release(tx: Transaction, hold_id: UUID) -> None:
    """Release a hold before its time."""
    await free_chairs(tx, hold_id, HoldState.RELEASED)
    tx.cancel(hold_key(hold_id))


def hold_key(hold_id: UUID) -> str:
    return f"hold/{hold_id}"


def _broken_by_age(
    tx: Transaction,
    patient: Patient | None,
    policy: Policy,
    wished: Sequence[Slot],
    zone: ZoneInfo,
) -> list[Broken]:
    """Whether the patient is old enough on the first day."""
    if patient is None or not wished:
        return []
    day = min(slot.starts_at for slot in wished).astimezone(zone).date()
    return broken_by_age(policy.figures_on(day), store.patient_card(tx, patient).birth_date, day)


def broken_by_dates(
    starts: Sequence[datetime], policy: Policy, location: Location | None, now: datetime
) -> list[Broken]:
    """What the calendar says; without a location there is no local day to count by."""
    if location is None:
        return []
    zone = ZoneInfo(location.zone)
    protocol = policy.protocol_on(now.astimezone(zone).date())
    return rules.broken_by_booking(policy.planning, protocol, protocols.numbered(starts), zone, now)


async def broken_by_other_series(
    tx: Transaction,
    patient_id: UUID,
    starts: Sequence[datetime],
    policy: Policy,
    location: Location | None,
) -> list[Broken]:
    """What the patient's infusions of other series say of a new one."""
    if location is None:
        return []
    zone = ZoneInfo(location.zone)
    protocol = policy.protocol_on(tx.now.astimezone(zone).date())
    return await broken_by_given(
        tx, policy, protocol, patient_id, starts, zone, lambda n: f"appointments.{n}.starts_at"
    )


async def broken_by_prescriber(tx: Transaction, prescriber_id: UUID) -> list[Broken]:
    prescriber = await store.find_clinician(tx, prescriber_id)
    if prescriber is None:
        return [unknown("clinician", "prescriber_id")]
    return rules.broken_by_prescriber(prescriber.dea_number, "prescriber_id")


async def _broken_by_chairs(
    wished: Sequence[Slot],
    location_id: UUID,
    chairs: dict[UUID, Chair],
    tx: Transaction,
    besides: Collection[UUID],
) -> list[Broken]:
    if not wished:
        return []
    taken = await store.taken_slots(
        tx,
        chairs.keys(),
        wished[0].patient_id,
        since=min(slot.starts_at for slot in wished),
        until=max(slot.ends_at for slot in wished),
        besides=besides,
    )
    broken: list[Broken] = []
    for n, slot in enumerate(wished):
        field = f"appointments.{n}"
        chair = chairs.get(slot.chair_id)
        broken += slots.broken_by_chair(store.chair_place(chair), location_id, f"{field}.chair_id")
        broken += slots.broken_by_taken(
            slot, [*taken, *wished[:n]], f"{field}.chair_id", f"{field}.starts_at"
        )
    return broken
