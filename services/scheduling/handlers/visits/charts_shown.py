"""What is on a chart, as those who treat see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.doses import (
    DoseAmendmentAnswer,
    DoseAnswer,
    DosePlanAnswer,
    DoseRan,
)
from services.scheduling.forms.visits import (
    ConsentAnswer,
    NoteAnswer,
    OutsideAnswer,
    ReadingAnswer,
    VitalsOverrideAnswer,
)
from services.scheduling.rules.visits.amounts import DoseUnit, amount_in
from services.scheduling.rules.visits.readings import Limit, Measure, Phase, outside
from services.scheduling.store import charts as kept
from services.scheduling.store import doses
from services.scheduling.store.dose_amendments import amended_of, amendments_of
from services.scheduling.tables import Appointment
from services.scheduling.tables.dose_amendments import DoseAmendment
from services.scheduling.tables.visits import (
    ChartNote,
    Consent,
    Dose,
    DosePlan,
    Reading,
    VitalsOverride,
)
from shared.messaging import Transaction


def show_consent(tx: Transaction, consent: Consent) -> ConsentAnswer:
    signer = kept.signer_of(tx, consent)
    return ConsentAnswer(
        **consent.model_dump(exclude={"signer"}),
        signer=signer["name"],
        authority=signer.get("authority"),
    )


def show_reading(
    tx: Transaction,
    visit: Appointment,
    reading: Reading,
    limits: Sequence[Limit],
    *,
    overridden: bool,
) -> ReadingAnswer:
    vitals = kept.vitals_of(tx, reading)
    values = {measure: vitals[measure] for measure in Measure if measure in vitals}
    return ReadingAnswer(
        **vitals,
        reading_id=reading.reading_id,
        appointment_id=reading.appointment_id,
        patient_id=visit.patient_id,
        phase=Phase(reading.phase),
        taken_at=reading.taken_at,
        taken_by=reading.taken_by,
        outside=[
            OutsideAnswer.model_validate(each, from_attributes=True)
            for each in outside(values, limits)
        ],
        overridden=overridden,
    )


def show_override(tx: Transaction, override: VitalsOverride) -> VitalsOverrideAnswer:
    return VitalsOverrideAnswer(**override.model_dump(), **kept.why_of(tx, override))


def show_note(tx: Transaction, patient_id: UUID, note: ChartNote) -> NoteAnswer:
    return NoteAnswer(
        **note.model_dump(exclude={"note"}),
        patient_id=patient_id,
        note=kept.note_of(tx, note),
    )


async def find_shown_dose(tx: Transaction, visit: Appointment) -> DoseAnswer | None:
    """What was planned for a visit, if anything was, and what ran."""
    plans = await doses.plans_of(tx, visit.appointment_id)
    if not plans:
        return None
    unit = await unit_of(tx, visit)
    shown = [_show_plan(tx, plan, unit) for plan in reversed(plans)]
    dose = await doses.find_dose(tx, visit.appointment_id)
    ran = _show_ran(doses.given_of(tx, dose), dose, unit)
    return DoseAnswer(
        **shown[-1].model_dump(),
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        plans=shown,
        **ran.model_dump(),
        not_given_reason=doses.not_given_of(tx, dose),
        not_given_signed_by=None if dose is None else dose.clinician_id,
        amendments=[
            _show_amendment(tx, each, unit)
            for each in await amendments_of(tx, visit.appointment_id)
        ],
    )


def _show_ran(
    said: Mapping[str, Any], who: Dose | DoseAmendment | None, unit: DoseUnit | None
) -> DoseRan:
    """What ran by a record, and whose record it is."""
    return DoseRan(
        lot=said.get("lot"),
        **_ran(said, unit),
        off_plan_reason=said.get("off_plan_reason"),
        recorded_at=None if who is None else who.recorded_at,
        recorded_by=None if who is None else who.recorded_by,
        witnessed_at=None if who is None else who.witnessed_at,
        witnessed_by=None if who is None else who.witnessed_by,
    )


def _show_amendment(
    tx: Transaction, row: DoseAmendment, unit: DoseUnit | None
) -> DoseAmendmentAnswer:
    amended = amended_of(tx, row)
    return DoseAmendmentAnswer(
        **row.model_dump(include={"amendment_id", "clinician_id", "signed_at", "signed_by"}),
        before=_show_ran(amended["before"], row, unit),
        reason=amended["reason"],
        past_limits=amended["past_limits"],
    )


async def unit_of(tx: Transaction, visit: Appointment) -> DoseUnit | None:
    """In which unit the drug of a visit is measured, by the figures of its day."""
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    zone = await store.zone_at(tx, visit.location_id)
    unit = policy.figures_on(visit.starts_at.astimezone(zone).date()).dose_unit
    return None if unit is None else DoseUnit(unit)


def _show_plan(tx: Transaction, plan: DosePlan, unit: DoseUnit | None) -> DosePlanAnswer:
    planned = doses.plan_of(tx, plan)
    dose = amount_in(planned, "dose")
    assert dose is not None, "a plan says a dose"
    return DosePlanAnswer(**plan.model_dump(), **planned, dose=dose.in_unit(unit))


def _ran(said: Mapping[str, Any], unit: DoseUnit | None) -> dict[str, Any]:
    """What was drawn up, ran and is left over, in the measure in which it was said."""
    drawn, given = amount_in(said, "drawn"), amount_in(said, "given")
    if drawn is None or given is None:
        return {"given": None}
    return {
        "given": given.in_unit(unit),
        f"drawn_{drawn.scale}": drawn.parts,
        f"given_{drawn.scale}": given.parts,
        f"wasted_{drawn.scale}": drawn.parts - given.parts,
    }


async def show_dose(tx: Transaction, visit: Appointment) -> DoseAnswer:
    """Of a visit that has a plan."""
    shown = await find_shown_dose(tx, visit)
    assert shown is not None, "it was just stored"
    return shown
