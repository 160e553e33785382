"""The dose of an infusion: planned by a prescriber, recorded with its lot, its waste witnessed."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.visits import DoseAnswer, PlanDose, RecordDose
from services.scheduling.forms.wishes import Nothing
from services.scheduling.handlers.charts_shown import show_dose
from services.scheduling.handlers.readings import limits_of
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules import doses as rules
from services.scheduling.rules.doses import DoseState
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import Step, broken_by_step
from services.scheduling.store import charts as kept
from services.scheduling.tables import Appointment
from services.scheduling.tables.visits import Dose
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def plan_dose(
    appointment_id: UUID, wish: PlanDose, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """Plan what is to run, below the ceiling. A later plan replaces an earlier one."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *broken_by_step(Step.PLAN_DOSE, held.state),
        *rules.broken_by_ceiling(wish.dose_ug, wish.weight_g, await limits_of(tx, held)),
    ]
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.DOSE)
    if broken:
        return Refused.by_rules(broken, "The dose is not planned")
    plan = wish.model_dump(exclude={"clinician_id"})
    await kept.plan_dose(tx, appointment_id, wish.clinician_id, by.subject, plan)
    return await _show(tx, held.visit)


async def record_dose(
    appointment_id: UUID, wish: RecordDose, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """Record what was drawn up and what ran, once; what is left over waits for a witness."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    dose = await kept.find_dose(tx, appointment_id)
    broken = [
        *broken_by_step(Step.RECORD_DOSE, held.state),
        *rules.broken_by_given(
            planned_ug=None if dose is None else kept.plan_of(tx, dose)["dose_ug"],
            drawn_ug=wish.drawn_ug,
            given_ug=wish.given_ug,
            reason=wish.above_plan_reason,
        ),
        *rules.broken_by_recorded(recorded=dose is not None and dose.given is not None),
    ]
    if broken:
        return Refused.by_rules(broken, "The dose is not recorded")
    wasted = wish.given_ug < wish.drawn_ug
    await kept.record_dose(tx, appointment_id, by.subject, wish.model_dump(), wasted=wasted)
    return await _show(tx, held.visit)


async def witness_waste(
    appointment_id: UUID, _: Nothing, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """A second person, signed in as themselves, confirms what was left over."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    dose = await kept.find_dose(tx, appointment_id)
    broken = rules.broken_by_witness(
        wasted=dose is not None and dose.wasted is True,
        witnessed=dose is not None and dose.witnessed_by is not None,
        by_whom_it_gave=dose is not None and dose.given_by == by.subject,
    )
    if broken:
        return Refused.by_rules(broken, "The waste is not witnessed")
    await kept.witness_waste(tx, appointment_id, by.subject)
    return await _show(tx, held.visit)


async def dose_state_of(tx: Transaction, appointment_id: UUID) -> DoseState:
    dose = await kept.find_dose(tx, appointment_id)
    return rules.dose_state(
        planned=dose is not None,
        given=dose is not None and dose.given is not None,
        wasted=dose is not None and dose.wasted is True,
        witnessed=dose is not None and dose.witnessed_by is not None,
    )


async def _show(tx: Transaction, visit: Appointment) -> DoseAnswer:
    dose: Dose | None = await kept.find_dose(tx, visit.appointment_id)
    assert dose is not None, "it was just stored"
    return show_dose(tx, visit, dose)
