"""A whole plan is held while the patient decides: booked as it is, released, or run out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import SeriesAnswer
from services.scheduling.forms.courses import BookHold, HeldChair, HoldAnswer, HoldPlan
from services.scheduling.handlers.rooms import broken_by_place
from services.scheduling.handlers.series.booking import say_booked
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs
from services.scheduling.handlers.series.whole_plans import (
    broken_by_dates,
    broken_by_other_series,
    broken_by_prescriber,
    free_chairs,
    hold_key,
    judge_plan,
    release,
)
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot, broken_by_chair
from services.scheduling.rules.series import course as series_rules
from services.scheduling.rules.series import holds as rules
from services.scheduling.rules.series.holds import HoldState
from services.scheduling.store import holds as kept
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Appointment
from services.scheduling.tables.holds import Hold
from services.scheduling.work import ExpireHold
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken


async def hold_plan(wish: HoldPlan, tx: Transaction) -> HoldAnswer | Refused:
    """Keep every chair of a plan for one patient, or none and say all that stands in the way."""
    judged = await judge_plan(
        tx, wish.patient_id, wish.location_id, wish.visit_type, wish.appointments, wish.instead_of
    )
    if judged.broken:
        return Refused.by_rules(judged.broken, "The plan is not held")
    if wish.instead_of is not None:
        await release(tx, wish.instead_of)
    expires_at = tx.now + timedelta(minutes=await figure_of(tx, HouseFigure.HOLD_MIN))
    hold = await kept.add_hold(tx, judged.wished, wish.location_id, wish.visit_type, expires_at)
    look_at_free_chairs(hold.location_id, tx)
    tx.do(ExpireHold(hold_id=hold.hold_id), due=expires_at, key=hold_key(hold.hold_id))
    return await _show(hold, tx)


async def book_hold(hold_id: UUID, wish: BookHold, tx: Transaction) -> SeriesAnswer | Refused:
    """Make a series of the chairs that are held: they change what they are for, and stay taken."""
    found = await kept.find_hold(tx, hold_id)
    if found is None:
        return Refused.not_found("hold", "hold_id")
    await store.lock_patient(tx, found.patient_id)
    hold = await kept.lock_hold(tx, hold_id)
    assert hold is not None, "holds are kept"
    zone = await store.zone_at(tx, hold.location_id)
    broken = rules.broken_by_hold(HoldState(hold.state), hold.expires_at, tx.now, zone)
    if broken:
        return Refused.by_rules(broken, "The hold is not booked")
    location = await store.find_location(tx, hold.location_id)
    assert location is not None, "a hold has its place"
    await store.keep_location(tx, hold.location_id)
    policy = await store.policy_of(tx, hold.location_id, hold.visit_type)
    held = await kept.held_chairs(tx, hold_id)
    has_open = await store.has_open_series(tx, hold.patient_id)
    broken = [
        *series_rules.broken_by_open_series(has_open=has_open),
        *broken_by_dates([each.starts_at for each in held], policy, location, tx.now),
        *await broken_by_other_series(
            tx, hold.patient_id, [each.starts_at for each in held], policy, location
        ),
        *await broken_by_prescriber(tx, wish.prescriber_id),
        *await _broken_by_place(tx, hold, held, policy, zone),
    ]
    if broken:
        return Refused.by_rules(broken, "The hold is not booked")
    series_id = new_id()
    store.add_series(
        tx,
        series_id=series_id,
        patient_id=hold.patient_id,
        location_id=hold.location_id,
        visit_type=hold.visit_type,
        planned_infusions=len(held),
        **wish.model_dump(),
    )
    await kept.book_chairs(tx, held, series_id)
    await kept.end_hold(tx, hold_id, HoldState.BOOKED, series_id=series_id)
    tx.cancel(hold_key(hold_id))
    return await say_booked(series_id, location, policy, tx)


async def _broken_by_place(
    tx: Transaction, hold: Hold, held: Sequence[Appointment], policy: Policy, zone: ZoneInfo
) -> list[Broken]:
    """What the place can do no longer for a plan that it had the hours, nurses and chairs for."""
    wished = [
        Slot(each.starts_at, each.ends_at, each.chair_id, each.patient_id)
        for each in held
        if each.chair_id is not None
    ]
    broken = await broken_by_place(
        tx,
        policy,
        hold.location_id,
        wished,
        zone,
        lambda _: "hold_id",
        besides=[each.appointment_id for each in held],
    )
    chairs = await store.lock_chairs(tx, {slot.chair_id for slot in wished})
    for chair in chairs.values():
        broken += broken_by_chair(store.chair_place(chair), hold.location_id, "hold_id")
    return broken


async def release_hold(hold_id: UUID, tx: Transaction) -> HoldAnswer | Refused:
    """Give the chairs of a held plan back. Released again, it stays released."""
    hold = await kept.lock_hold(tx, hold_id)
    if hold is None:
        return Refused.not_found("hold", "hold_id")
    if hold.state != HoldState.RELEASED:
        zone = await store.zone_at(tx, hold.location_id)
        broken = rules.broken_by_hold(HoldState(hold.state), hold.expires_at, tx.now, zone)
        if broken:
            return Refused.by_rules(broken, "The hold is not released")
        await release(tx, hold_id)
    return await read_hold(hold_id, tx)


async def expire_hold(work: ExpireHold, tx: Transaction) -> None:
    """Free what nobody booked in time. Whatever became of the hold before stands."""
    hold = await kept.lock_hold(tx, work.hold_id)
    if hold is not None and hold.state == HoldState.HELD and hold.expires_at <= tx.now:
        await free_chairs(tx, work.hold_id, HoldState.EXPIRED)


async def read_hold(hold_id: UUID, tx: Transaction) -> HoldAnswer | Refused:
    hold = await kept.find_hold(tx, hold_id)
    return Refused.not_found("hold", "hold_id") if hold is None else await _show(hold, tx)


async def _show(hold: Hold, tx: Transaction) -> HoldAnswer:
    chairs = await kept.held_chairs(tx, hold.hold_id)
    return HoldAnswer(
        **hold.model_dump(), appointments=[HeldChair(**each.model_dump()) for each in chairs]
    )
