"""A patient walks out: what it means for the visit, and the call that somebody owes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.walk_outs import (
    WalkOut,
    WalkOutAnswer,
    WelfareCall,
    WelfareCallAnswer,
    WelfareCallNote,
)
from services.scheduling.handlers.shown import show_visit
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.handlers.visits.arrival import go_home
from services.scheduling.handlers.visits.discharges import let_go
from services.scheduling.handlers.visits.ended import say_aborted
from services.scheduling.rules.clinic.policy import at_wall
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import life
from services.scheduling.rules.visits import walk_outs as rules
from services.scheduling.rules.visits.life import SendHomeReason, Step, VisitState
from services.scheduling.rules.visits.walk_outs import CallOutcome, LeftBy
from services.scheduling.store import HeldVisit, charts
from services.scheduling.store import walk_outs as kept
from services.scheduling.store.doses import dose_state_of
from services.scheduling.tables import Appointment
from services.scheduling.tables.leaving import WalkOut as WalkOutRow
from shared.auth import Actor
from shared.events.scheduling import PatientWalkedOut, WalkOutPhase, WalkOutSettled
from shared.http.problems import Refused
from shared.messaging import Transaction


async def walk_out(
    appointment_id: UUID, wish: WalkOut, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note, signed, that the patient left. Nothing keeps them: only the truth of it is asked.

    A drip that ran is over by it, and bans driving from its end on; the dose stays to be recorded.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = life.broken_by_step(Step.WALK_OUT, held.state)
    if not broken:
        zone = ZoneInfo(held.location.zone)
        broken = rules.broken_by_left_at(wish.left_at, await _seen_at(tx, held), tx.now, zone)
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.WALK_OUT)
    if broken:
        return Refused.by_rules(broken, "The walk-out is not recorded")
    phase = rules.phase_of(held.state)
    visit = await _gone(tx, held, phase, wish)
    account = wish.model_dump(exclude={"clinician_id", "left_at"}, mode="json")
    kept.add_walk_out(tx, visit, wish.clinician_id, by.subject, account)
    tx.publish(PatientWalkedOut(phase=phase, **visit.model_dump()))
    return show_visit(tx, visit)


async def _seen_at(tx: Transaction, held: HeldVisit) -> datetime:
    """The last moment at which the patient was here, by the chart."""
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    day = at_wall(visit.starts_at.astimezone(zone).date(), 0, zone)
    readings = await charts.readings_of(tx, visit.appointment_id)
    seen = [day, *(each.taken_at for each in readings)]
    known = (visit.cleared_at, visit.started_at, visit.stopped_at)
    return max(seen + [each for each in known if each is not None])


async def _gone(
    tx: Transaction, held: HeldVisit, phase: WalkOutPhase, wish: WalkOut
) -> Appointment:
    """The visit of a patient who is gone."""
    if phase is WalkOutPhase.BEFORE_START:
        return await go_home(
            held, SendHomeReason.LEFT_UNSEEN, wish.left_at, tx, left_at=wish.left_at
        )
    if phase is WalkOutPhase.RUNNING:
        over = await say_aborted(held, wish.reason, tx, stopped_at=wish.left_at)
        held = replace(held, visit=over)
    return await let_go(tx, held, None, wish.left_at, VisitState.LEFT, left_at=wish.left_at)


async def note_call(
    appointment_id: UUID, wish: WelfareCall, by: Actor, tx: Transaction
) -> WelfareCallAnswer | Refused:
    """Note in the chart that somebody called after a walk-out. Who was not reached is owed one."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    walked = await kept.find_walk_out(tx, appointment_id)
    if walked is None:
        return Refused.because(
            "no_walk_out",
            "No walk-out of this visit is on record; note that the patient left first.",
            field="appointment_id",
            source="a call follows a patient who left before being let go",
        )
    note = WelfareCallNote(**wish.model_dump())
    made = charts.add_note(tx, appointment_id, by.subject, note.model_dump(mode="json"))
    if wish.outcome is not CallOutcome.NOT_REACHED and walked.called_at is None:
        walked = await kept.note_called(tx, walked, by.subject)
        await settle_if_done(held.visit, tx)
    return WelfareCallAnswer(
        **made.model_dump(exclude={"note"}),
        patient_id=held.visit.patient_id,
        outcome=wish.outcome,
        do=rules.what_to_do(
            called=walked.called_at is not None,
            dose=await dose_state_of(tx, held.visit),
            left_by=LeftBy(_account(tx, walked)["left_by"]),
            is_drip=held.visit.infusion_id is not None,
        ),
    )


async def settle_if_done(visit: Appointment, tx: Transaction) -> None:
    """Say of a walk-out, once, that nothing is owed any more."""
    if visit.left_at is None:
        return
    walked = await kept.find_walk_out(tx, visit.appointment_id)
    assert walked is not None, "who left has a walk-out on record"
    dose = await dose_state_of(tx, visit)
    called = walked.called_at is not None
    if walked.settled_at is None and rules.is_settled(called=called, dose=dose):
        await kept.settle(tx, walked)
        tx.publish(WalkOutSettled(settled_at=tx.now, **visit.model_dump()))


async def find_shown_walk_out(tx: Transaction, appointment_id: UUID) -> WalkOutAnswer | None:
    walked = await kept.find_walk_out(tx, appointment_id)
    if walked is None:
        return None
    return WalkOutAnswer(**walked.model_dump(exclude={"account"}), **_account(tx, walked))


def _account(tx: Transaction, walked: WalkOutRow) -> dict[str, str]:
    return kept.account_of(tx, walked.appointment_id, walked.account)
