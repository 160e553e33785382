"""The drip of a visit, or what else is given: cleared, started, ended, or stopped early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.drip_ends import AbortInfusion, CompleteInfusion
from services.scheduling.forms.wishes import Nothing, StartInfusion
from services.scheduling.handlers.shown import protocol_of, show_visit, standing, unsettled_of
from services.scheduling.handlers.visits.arrival import asked_of, broken_by_day
from services.scheduling.handlers.visits.doses import broken_by_plan
from services.scheduling.handlers.visits.drip_ends import broken_by_ended_at
from services.scheduling.handlers.visits.drip_places import broken_by_drips
from services.scheduling.handlers.visits.ended import say_aborted, say_completed
from services.scheduling.handlers.visits.monitoring import expect_entry
from services.scheduling.handlers.visits.readings import Judged, newest_reading
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.patients.screening import broken_by_screening
from services.scheduling.rules.series.gaps import advice_on_series, broken_by_long_gap
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.visits import life as rules
from services.scheduling.rules.visits.gates import Consented, Readiness, broken_by_start
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.rules.visits.readings import Phase
from services.scheduling.store import HeldVisit
from services.scheduling.store import charts as kept
from services.scheduling.store.doses import newest_plan
from services.scheduling.store.house import figure_of
from services.scheduling.store.screening import screened_of
from services.scheduling.tables import Appointment
from services.scheduling.tables.visits import Consent, DosePlan
from shared.auth import Actor
from shared.events.scheduling import InfusionStarted
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def clear_to_start(
    appointment_id: UUID, _: Nothing, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """A nurse's word that every gate is open. The start asks all of them once more."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    shut, _ground = await _gates(tx, held, Step.CLEAR)
    if shut:
        return Refused.by_rules(shut, "The visit is not cleared to start")
    visit = await store.change_visit(
        tx, held.visit, state=VisitState.CLEARED, cleared_at=tx.now, cleared_by=by.subject
    )
    return show_visit(tx, visit)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the drip of a visit would rest on."""

    consent: Consent
    judged: Judged | None
    plan: DosePlan | None


async def _gates(
    tx: Transaction, held: HeldVisit, step: Step
) -> tuple[list[Broken], Ground | None]:
    """All that keeps the drip from starting, and what it would rest on.

    Of a visit whose drip has started, or never will, it is only that.
    """
    visit, state = held.visit, held.state
    shut = rules.broken_by_step(step, state)
    if state not in rules.FROM[Step.CHECK_IN]:
        return shut, None
    consent = await kept.consent_on_file(tx, visit.patient_id, visit.visit_type)
    judged = await newest_reading(tx, held, Phase.BEFORE)
    plan = await newest_plan(tx, visit.appointment_id)
    ready = Readiness(
        consent=None
        if consent is None
        else Consented(consent.expires_at, consent.withdrawn_at is not None),
        screening=broken_by_screening(screened_of(held.patient), _today(held, tx)),
        ride_recorded=visit.ride_mode is not None,
        fasted=visit.fasted,
        vitals=None if judged is None else judged.vitals,
        dose_planned=plan is not None,
    )
    fresh_min = await figure_of(tx, HouseFigure.READING_FRESH_MIN)
    asked = await asked_of(tx, held)
    shut += [*broken_by_day(held, tx.now), *broken_by_start(ready, asked, tx.now, fresh_min)]
    shut += [] if plan is None else await broken_by_plan(tx, held, plan)
    shut += await _broken_by_age(tx, held)
    shut += await _broken_by_long_gap(tx, held)
    if consent is None:
        return shut, None
    return shut, Ground(consent, judged, plan)


async def _broken_by_age(tx: Transaction, held: HeldVisit) -> list[Broken]:
    """Whether the patient is old enough: a birth date may be corrected after the booking."""
    policy = await store.policy_of(tx, held.visit.location_id, held.visit.visit_type)
    today, born = _today(held, tx), store.patient_card(tx, held.patient).birth_date
    return broken_by_age(policy.figures_on(today), born, today, "birth_date")


async def _broken_by_long_gap(tx: Transaction, held: HeldVisit) -> list[Broken]:
    """Whether the gap before this infusion is longer than the longest, with nobody's word for it.

    A booking is refused for the same; infusions that were lost leave such a gap behind. One of
    which nobody said what became of it may have been given: no gap is too long because it was not.
    """
    if held.course is None:
        return []
    zone = ZoneInfo(held.location.zone)
    policy = await store.policy_of(tx, held.visit.location_id, held.visit.visit_type)
    protocol = protocol_of(policy, held.course.series, zone)
    maybe = unsettled_of(_visits_until(held), tx.now, zone)
    given = [*_until_now(held, tx, zone), *maybe]
    beside = sorted(given, key=lambda each: each.starts_at)[-2:]
    return broken_by_long_gap(protocol, beside, zone, "appointment_id") if beside[1:] else []


def _until_now(held: HeldVisit, tx: Transaction, zone: ZoneInfo) -> list[Infusion]:
    """The infusions of its series up to this visit."""
    return standing(_visits_until(held), tx.now, zone)


def _visits_until(held: HeldVisit) -> list[Appointment]:
    assert held.course is not None, "only of a series"
    return [each for each in held.course.visits if each.starts_at <= held.visit.starts_at]


def _today(held: HeldVisit, tx: Transaction) -> date:
    return tx.now.astimezone(ZoneInfo(held.location.zone)).date()


async def start_infusion(
    appointment_id: UUID, wish: StartInfusion, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Start the drip, once the visit is cleared and every gate is open still."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken, ground = await _gates(tx, held, Step.START)
    chair_id = wish.chair_id or held.visit.chair_id
    assert chair_id is not None, "an infusion has its chair"
    if not rules.broken_by_step(Step.START, held.state):
        broken += await broken_by_drips(tx, held, chair_id)
    if await store.find_clinician(tx, wish.clinician_id) is None:
        broken.append(unknown("clinician", "clinician_id"))
    if broken or ground is None:
        return Refused.by_rules(broken, "The infusion does not start")
    infusion_id = new_id()
    asked = await asked_of(tx, held)
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.RUNNING,
        fasting_asked=asked.fasting_min > 0,
        ride_asked=asked.ride_needed,
        dose_asked=asked.dose_needed,
        vitals_asked=asked.vitals_needed,
        orientation_asked=asked.orientation_needed,
        infusion_id=infusion_id,
        chair_id=chair_id,
        clinician_id=wish.clinician_id,
        started_at=tx.now,
        consent_id=ground.consent.consent_id,
        screened_until=held.patient.screened_until,
        reading_id=None if ground.judged is None else ground.judged.reading.reading_id,
        dose_plan_id=None if ground.plan is None else ground.plan.plan_id,
    )
    if asked.vitals_needed:
        await expect_entry(tx, appointment_id)
    tx.publish(
        InfusionStarted(
            patient_id=visit.patient_id,
            infusion_id=infusion_id,
            appointment_id=appointment_id,
            location_id=visit.location_id,
            started_at=tx.now,
        )
    )
    return show_visit(tx, visit, await _advice(tx, held))


async def _advice(tx: Transaction, held: HeldVisit) -> list[str]:
    """What of the gap before this infusion is not advised."""
    if held.course is None:
        return []
    zone = ZoneInfo(held.location.zone)
    policy = await store.policy_of(tx, held.visit.location_id, held.visit.visit_type)
    protocol = protocol_of(policy, held.course.series, zone)
    return advice_on_series(protocol, _until_now(held, tx, zone)[-2:], zone)


async def complete_infusion(
    appointment_id: UUID, wish: CompleteInfusion, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Stop the drip. It is said to be completed once what ran is on record, where that is asked."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.COMPLETE, held.state)
    broken = broken or broken_by_ended_at(held, wish.ended_at, tx.now)
    if broken:
        return Refused.by_rules(broken, "The infusion is not completed")
    over = {"state": VisitState.COMPLETED, "stopped_at": wish.ended_at or tx.now}
    if held.visit.dose_asked or held.visit.dose_plan_id is not None:
        return show_visit(tx, await store.change_visit(tx, held.visit, **over))
    return show_visit(tx, await say_completed(held, tx, **over))


async def abort_infusion(
    appointment_id: UUID, wish: AbortInfusion, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Stop the drip before its end. The series is one infusion short; the patient recovers here."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.ABORT, held.state)
    broken = broken or broken_by_ended_at(held, wish.ended_at, tx.now)
    if broken:
        return Refused.by_rules(broken, "The infusion is not aborted")
    visit = await say_aborted(held, wish.reason, tx, stopped_at=wish.ended_at or tx.now)
    return show_visit(tx, visit)
