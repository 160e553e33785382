"""Doses: every plan, and what ran of the newest. Figures, lots and reasons are sealed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlmodel import col

from services.scheduling.rules.visits.amounts import Scale, amount_in
from services.scheduling.rules.visits.doses import DoseState, dose_state, judged
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Appointment
from services.scheduling.tables.visits import Dose, DosePlan
from shared.ids import new_id
from shared.messaging import Transaction


def add_plan(
    tx: Transaction, appointment_id: UUID, clinician_id: UUID, by: str, plan: Mapping[str, Any]
) -> DosePlan:
    plan_id = new_id()
    row = DosePlan(
        plan_id=plan_id,
        appointment_id=appointment_id,
        clinician_id=clinician_id,
        planned=seal(tx, dict(plan), "dose_plans", "planned", plan_id),
        planned_at=tx.now,
        planned_by=by,
    )
    tx.insert(DosePlan, **row.model_dump())
    return row


async def plans_of(tx: Transaction, appointment_id: UUID) -> list[DosePlan]:
    """All of a visit's, the newest first."""
    rows = select(DosePlan).where(col(DosePlan.appointment_id) == appointment_id)
    order = col(DosePlan.planned_at).desc(), col(DosePlan.plan_id).desc()
    return await every(tx, rows.order_by(*order), DosePlan)


async def newest_plan(tx: Transaction, appointment_id: UUID) -> DosePlan | None:
    return next(iter(await plans_of(tx, appointment_id)), None)


def plan_of(tx: Transaction, plan: DosePlan) -> dict[str, Any]:
    """The dose in its scale, `weight_g`, a `reason` where there was to be one.

    And what it was planned against, by `HIGHEST`: the most that the series had had by then.
    """
    return unseal(tx, plan.planned, "dose_plans", "planned", plan.plan_id)


async def weight_before(tx: Transaction, visit: Appointment) -> int | None:
    """The grams that the patient weighs by the newest plan of another visit of theirs."""
    theirs = select(col(Appointment.appointment_id)).where(
        col(Appointment.patient_id) == visit.patient_id,
        col(Appointment.appointment_id) != visit.appointment_id,
    )
    newest = (
        select(DosePlan)
        .where(col(DosePlan.appointment_id).in_(theirs))
        .order_by(col(DosePlan.planned_at).desc(), col(DosePlan.plan_id).desc())
        .limit(1)
    )
    plan = await one(tx, newest, DosePlan)
    return None if plan is None else int(plan_of(tx, plan)["weight_g"])


def record_given(
    tx: Transaction, plan: DosePlan, by: str, given: Mapping[str, Any], *, wasted: bool
) -> Dose:
    sealed = seal(tx, dict(given), "doses", "given", plan.appointment_id)
    return _record(tx, plan, by, given=sealed, wasted=wasted, not_given=None, clinician_id=None)


def record_not_given(
    tx: Transaction, plan: DosePlan, by: str, clinician_id: UUID, reason: str
) -> Dose:
    why = seal(tx, {"reason": reason}, "doses", "not_given", plan.appointment_id)
    return _record(tx, plan, by, given=None, wasted=None, not_given=why, clinician_id=clinician_id)


def _record(tx: Transaction, plan: DosePlan, by: str, **values: Any) -> Dose:
    row = Dose(
        appointment_id=plan.appointment_id,
        plan_id=plan.plan_id,
        recorded_at=tx.now,
        recorded_by=by,
        **values,
    )
    tx.insert(Dose, **row.model_dump())
    return row


async def witness_waste(tx: Transaction, appointment_id: UUID, by: str) -> None:
    await tx.execute(
        update(Dose)
        .where(col(Dose.appointment_id) == appointment_id)
        .values(witnessed_at=tx.now, witnessed_by=by)
    )


async def find_dose(tx: Transaction, appointment_id: UUID) -> Dose | None:
    return await one(tx, select(Dose).where(col(Dose.appointment_id) == appointment_id), Dose)


async def dose_state_of(tx: Transaction, visit: Appointment) -> DoseState:
    """How far the dose of a visit is on record; of a drip that never started none is asked."""
    dose = await find_dose(tx, visit.appointment_id)
    asked = visit.dose_asked or visit.dose_plan_id is not None
    return dose_state(
        asked=asked and visit.infusion_id is not None,
        recorded=dose is not None,
        given=dose is not None and dose.given is not None,
        wasted=dose is not None and dose.wasted is True,
        witnessed=dose is not None and dose.witnessed_by is not None,
    )


def given_of(tx: Transaction, dose: Dose | None) -> dict[str, Any]:
    """`lot`, what was drawn up and given in its scale; nothing where nothing is recorded."""
    if dose is None or dose.given is None:
        return {}
    return unseal(tx, dose.given, "doses", "given", dose.appointment_id)


def not_given_of(tx: Transaction, dose: Dose | None) -> str | None:
    """Why nothing ran."""
    if dose is None or dose.not_given is None:
        return None
    opened = unseal(tx, dose.not_given, "doses", "not_given", dose.appointment_id)
    return str(opened["reason"])


def unwitnessed_at(location_id: UUID | None) -> Select[Any]:
    """Visits, of a place or of all, whose left-over drug has no witness yet."""
    rows = (
        select(Appointment)
        .join(Dose, col(Dose.appointment_id) == col(Appointment.appointment_id))
        .where(col(Dose.wasted).is_(True), col(Dose.witnessed_at).is_(None))
    )
    return rows if location_id is None else rows.where(col(Appointment.location_id) == location_id)


HIGHEST = {
    Scale.MASS: "highest_ug_per_kg",
    Scale.VOLUME: "highest_ul",
    Scale.UNITS: "highest_miu",
}
"""Under which name a plan says it of its scale, as the limits judge it."""


async def highest_given(tx: Transaction, series_id: UUID, scale: Scale) -> int | None:
    """The most of a scale that ran in one infusion of a series, as the limits judge it."""
    its_own = (
        select(col(Dose.appointment_id))
        .join(Appointment, col(Appointment.appointment_id) == col(Dose.appointment_id))
        .where(col(Appointment.series_id) == series_id, col(Dose.given).is_not(None))
    )
    doses = await every(tx, select(Dose).where(col(Dose.appointment_id).in_(its_own)), Dose)
    plans = await every(
        tx,
        select(DosePlan).where(col(DosePlan.plan_id).in_([dose.plan_id for dose in doses])),
        DosePlan,
    )
    weights = {plan.plan_id: plan_of(tx, plan)["weight_g"] for plan in plans}
    given = ((dose, amount_in(given_of(tx, dose), "given")) for dose in doses)
    ran = (
        judged(amount, weights[dose.plan_id])
        for dose, amount in given
        if amount is not None and amount.scale is scale
    )
    return max((each for each in ran if each), default=None)
