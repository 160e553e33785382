"""`python -m bench.ways.check_then_insert`: scheduling, with series booked as is often done.

Look whether the chair and the patient are free, and insert. The rules, those of age, hours and
other series among them, the rows, the events, the sealing and the idempotency keys are scheduling's
own; nothing is locked, and the bench takes away the exclusion constraints. What two desks ask for
at once, both may get.
"""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from services.scheduling import app, store
from services.scheduling.forms.answers import SeriesAnswer
from services.scheduling.forms.wishes import BookSeries
from services.scheduling.handlers.rooms import slot_of
from services.scheduling.handlers.series.booking import say_booked
from services.scheduling.handlers.series.whole_plans import (
    broken_by_dates,
    broken_by_other_series,
    broken_by_prescriber,
)
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import broken_by_hours
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.series import course as rules
from services.scheduling.rules.series import holds
from services.scheduling.store import holds as kept
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.service import Parts, main

router = APIRouter(tags=["scheduling"])


@router.post("/series", dependencies=[allow(Role.FRONT_DESK)])
async def book_series(wish: BookSeries, desk: AtDesk) -> SeriesAnswer:
    """Book all infusions of a series that seem to be free."""
    return await desk.decide(check_then_insert, wish)


async def check_then_insert(wish: BookSeries, tx: Transaction) -> SeriesAnswer | Refused:
    patient = await store.find_patient(tx, wish.patient_id)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    location = await store.find_location(tx, wish.location_id)
    if location is None:
        return Refused.not_found("location", "location_id")
    policy = await store.policy_of(tx, wish.location_id, wish.visit_type)
    zone = ZoneInfo(location.zone)
    wished = [
        slot_of(policy, each.starts_at, each.chair_id, wish.patient_id, zone)
        for each in wish.appointments
    ]
    starts = [slot.starts_at for slot in wished]
    first = min(starts).astimezone(zone).date()
    birth_date = store.patient_card(tx, patient).birth_date
    taken = await store.taken_slots(
        tx,
        {slot.chair_id for slot in wished},
        wish.patient_id,
        since=min(starts),
        until=max(slot.ends_at for slot in wished),
    )
    broken = [
        *rules.broken_by_open_series(has_open=await store.has_open_series(tx, wish.patient_id)),
        *holds.broken_by_other_hold(has_hold=await kept.has_hold(tx, wish.patient_id)),
        *broken_by_age(policy.figures_on(first), birth_date, first),
        *broken_by_dates(starts, policy, location, tx.now),
        *await broken_by_other_series(tx, wish.patient_id, starts, policy, location),
        *(
            wrong
            for slot in wished
            for wrong in broken_by_hours(policy, slot.starts_at, slot.ends_at, zone, "starts_at")
        ),
        *await broken_by_prescriber(tx, wish.prescriber_id),
        *(
            wrong
            for slot in wished
            for wrong in slots.broken_by_taken(slot, taken, "chair_id", "starts_at")
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The series is not booked")
    series_id = new_id()
    store.add_series(
        tx,
        series_id=series_id,
        planned_infusions=len(wished),
        **wish.model_dump(exclude={"appointments", "instead_of"}),
    )
    for sequence_no, slot in enumerate(wished, start=1):
        store.add_visit(tx, slot, series_id, sequence_no, wish.location_id, wish.visit_type)
    return await say_booked(series_id, location, policy, tx)


def build() -> Parts:
    """Scheduling, with one route before its own."""
    parts = app.build()
    return replace(parts, routers=[router, *parts.routers])


if __name__ == "__main__":
    main(build)
