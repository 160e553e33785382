"""What a drip that starts now needs: its time, its patient, a chair and a nurse to itself."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.handlers.series.given_before import broken_by_given, given_before
from services.scheduling.handlers.shown import protocol_of, unsettled_of
from services.scheduling.handlers.visits.drug_gaps import broken_by_gap
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.earlier import broken_by_ban
from services.scheduling.rules.visits import drips as rules
from services.scheduling.rules.visits.drips import Window
from services.scheduling.rules.visits.life import broken_by_unsettled
from services.scheduling.store import HeldVisit, drips
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Appointment
from shared.messaging import Transaction
from shared.refusals import Broken


async def broken_by_drips(tx: Transaction, held: HeldVisit, chair_id: UUID) -> list[Broken]:
    """All that stands in a drip's way which no gate asks for, at this moment and in this chair.

    Where nurses are counted, the day is held until the commit, and the chair in any case.
    """
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    await store.keep_location(tx, visit.location_id)
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    today = tx.now.astimezone(zone).date()
    if policy.rosters:
        await store.lock_days(tx, visit.location_id, {today})
    chairs = await store.lock_chairs(tx, {chair_id})
    busy = await drips.busy_drips(tx, visit.location_id, visit.patient_id)
    window = Window(
        await figure_of(tx, HouseFigure.START_EARLY_MIN),
        await figure_of(tx, HouseFigure.START_LATE_MIN),
    )
    here = [each for each in busy if each.location_id == visit.location_id]
    broken = [
        *rules.broken_by_window(visit.starts_at, tx.now, window, zone),
        *rules.broken_by_closed_day(policy, tx.now, zone),
        *await _broken_by_course(tx, held, zone),
        *rules.broken_by_patient(visit.appointment_id, visit.patient_id, busy, zone),
        *rules.broken_by_watch(policy, len(here), tx.now, zone),
    ]
    if chair_id == visit.chair_id or chair_id not in chairs:
        free = await _free_chairs(tx, visit, {each.chair_id for each in here})
        broken += rules.broken_by_chair(chair_id, here, free, zone)
    place = store.chair_place(chairs.get(chair_id))
    if chair_id == visit.chair_id and place is not None:
        broken += slots.broken_by_service(place, "chair_id")
    if chair_id != visit.chair_id:
        broken += slots.broken_by_chair(place, visit.location_id, "chair_id")
        broken += slots.broken_by_taken(
            _span(tx, visit, chair_id), await _taken(tx, visit, [chair_id]), "chair_id", "starts_at"
        )
    return broken


async def _broken_by_course(tx: Transaction, held: HeldVisit, zone: ZoneInfo) -> list[Broken]:
    """Infusions before this one that nobody settled, or of another series and too near."""
    visit = held.visit
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    if held.course is None:
        now = Slot(tx.now, tx.now, visit.chair_id or visit.patient_id, visit.patient_id)
        return [
            *await broken_by_gap(tx, visit, now, policy, zone, to_come=False),
            *await _broken_by_ban(tx, held, policy, zone),
        ]
    protocol = protocol_of(policy, held.course.series, zone)
    unsettled = unsettled_of(held.course.visits, tx.now, zone)
    before = [each.sequence_no for each in unsettled if each.starts_at < visit.starts_at]
    return [
        *broken_by_unsettled(before),
        *await broken_by_given(
            tx,
            policy,
            protocol,
            visit.patient_id,
            [tx.now],
            zone,
            lambda _: "starts_at",
            series_id=visit.series_id,
            to_come=False,
        ),
        *await _broken_by_ban(tx, held, policy, zone),
    ]


async def _broken_by_ban(
    tx: Transaction, held: HeldVisit, policy: Policy, zone: ZoneInfo
) -> list[Broken]:
    """Whether the patient may not drive yet after another drip, and this one minds."""
    if policy.figures_on(tx.now.astimezone(zone).date()).begins_in_ban:
        return []
    given = await given_before(tx, held.visit.patient_id, tx.now, drug=None)
    return broken_by_ban(given, tx.now, "starts_at")


def _span(tx: Transaction, visit: Appointment, chair_id: UUID) -> Slot:
    """From now, or the booked time, until the drip is over that starts now."""
    until = max(visit.ends_at, tx.now + (visit.ends_at - visit.starts_at))
    return Slot(min(visit.starts_at, tx.now), until, chair_id, visit.patient_id)


async def _taken(tx: Transaction, visit: Appointment, chair_ids: list[UUID]) -> list[Slot]:
    span = _span(tx, visit, chair_ids[0])
    return await store.taken_slots(
        tx,
        chair_ids,
        visit.patient_id,
        since=span.starts_at,
        until=span.ends_at,
        besides=[visit.appointment_id],
    )


async def _free_chairs(
    tx: Transaction, visit: Appointment, busy: Collection[UUID]
) -> list[tuple[UUID, str]]:
    """The chairs of the place in which the drip could run instead."""
    names = await drips.chair_names(tx, visit.location_id)
    if not names:
        return []
    taken = await _taken(tx, visit, list(names))
    return [
        (chair_id, name)
        for chair_id, name in names.items()
        if chair_id not in busy
        and not any(
            each.chair_id == chair_id and each.meets(_span(tx, visit, chair_id)) for each in taken
        )
    ]
