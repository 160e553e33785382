"""The end of a drip that was said wrongly, put right before anybody was told what follows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.drip_ends import CorrectEnd, EndCorrectionAnswer, ExtendBan
from services.scheduling.handlers.shown import show_visit
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.handlers.visits.monitoring import expect_entry
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import drip_ends as rules
from services.scheduling.rules.visits.life import (
    Step,
    VisitState,
    broken_by_step,
    no_drive_until,
)
from services.scheduling.store import HeldVisit, drips
from services.scheduling.store import drip_ends as kept
from services.scheduling.tables import Appointment
from shared.auth import Actor
from shared.events.scheduling import DrivingBanExtended
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


def broken_by_ended_at(held: HeldVisit, ended_at: datetime | None, now: datetime) -> list[Broken]:
    """Whether a drip can have ended then; one that is said to end now can."""
    started_at = held.visit.started_at
    if ended_at is None or started_at is None:
        return []
    return rules.broken_by_ended_at(ended_at, started_at, now, ZoneInfo(held.location.zone))


async def correct_end(
    appointment_id: UUID, wish: CorrectEnd, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Put right, signed, when a drip ended, or that it goes on. What stood there is kept."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    visit = held.visit
    broken = rules.broken_by_told(told=visit.ran is not None, gone=visit.no_drive_until is not None)
    broken = broken or broken_by_step(Step.CORRECT_END, held.state)
    if not broken and visit.stopped_at is not None:
        broken = [
            *broken_by_ended_at(held, wish.ended_at, tx.now),
            *rules.broken_by_same(visit.stopped_at, wish.ended_at),
            *rules.broken_by_aborted(
                aborted=held.state is VisitState.ABORTED, ended_at=wish.ended_at
            ),
        ]
        if not broken and wish.ended_at is None:
            broken = await _broken_by_going_on(tx, held)
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.CHART_CORRECTION)
    if broken or visit.stopped_at is None:
        return Refused.by_rules(broken, "The end of the infusion stays as it is")
    kept.add_end_correction(
        tx,
        appointment_id,
        visit.stopped_at,
        wish.ended_at,
        wish.clinician_id,
        by.subject,
        wish.reason,
    )
    return show_visit(tx, await _with_end(tx, visit, wish.ended_at))


async def _with_end(tx: Transaction, visit: Appointment, ended_at: datetime | None) -> Appointment:
    """A ride that was seen before the drip ended takes nobody home: it is seen again."""
    seen_at = visit.ride_seen_at
    seen = seen_at is not None and ended_at is not None and ended_at <= seen_at
    again = {} if seen else {"ride_seen": None, "ride_seen_at": None}
    if ended_at is not None:
        return await store.change_visit(tx, visit, stopped_at=ended_at, **again)
    if visit.vitals_asked:
        await expect_entry(tx, visit.appointment_id)
    return await store.change_visit(tx, visit, state=VisitState.RUNNING, stopped_at=None, **again)


async def _broken_by_going_on(tx: Transaction, held: HeldVisit) -> list[Broken]:
    """Its chair is held until the commit, as a start in it is."""
    visit = held.visit
    assert visit.chair_id is not None, "an infusion has its chair"
    await store.keep_location(tx, visit.location_id)
    await store.lock_chairs(tx, {visit.chair_id})
    return rules.broken_by_going_on(
        visit.appointment_id,
        visit.chair_id,
        visit.patient_id,
        await drips.busy_drips(tx, visit.location_id, visit.patient_id),
        ZoneInfo(held.location.zone),
    )


async def extend_ban(
    appointment_id: UUID, wish: ExtendBan, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Keep, signed, that a driving ban is longer than its patient was told, and have it told.

    The end that was told and billed stays on record.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    no_drive_min = policy.figures_on(wish.ended_at.astimezone(zone).date()).no_drive_min
    until = no_drive_until(wish.ended_at, no_drive_min)
    broken = [
        *broken_by_ended_at(held, wish.ended_at, tx.now),
        *rules.broken_by_extending(visit.no_drive_until, until),
        *await broken_by_signer(tx, wish.clinician_id, by, Act.CHART_CORRECTION),
    ]
    if broken or visit.no_drive_until is None:
        return Refused.by_rules(broken, "The driving ban stays as it was told")
    extension_id = kept.add_ban_extension(
        tx,
        appointment_id,
        wish.ended_at,
        visit.no_drive_until,
        until,
        wish.clinician_id,
        by.subject,
        wish.reason,
    )
    longer = await store.change_visit(tx, visit, no_drive_until=until)
    said = longer.model_dump() | {"extension_id": extension_id, "extended_at": tx.now}
    tx.publish(DrivingBanExtended.model_validate(said))
    return show_visit(tx, longer)


async def shown_end_corrections(tx: Transaction, appointment_id: UUID) -> list[EndCorrectionAnswer]:
    return [
        EndCorrectionAnswer(
            **each.model_dump(exclude={"appointment_id", "why"}), reason=kept.reason_of(tx, each)
        )
        for each in await kept.end_corrections_of(tx, appointment_id)
    ]
