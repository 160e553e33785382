"""What is on a chart, as those who treat see it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.scheduling.forms.visits import (
    ConsentAnswer,
    DoseAnswer,
    DosePlanAnswer,
    NoteAnswer,
    OutsideAnswer,
    ReadingAnswer,
    VitalsOverrideAnswer,
)
from services.scheduling.rules.visits.readings import Limit, Measure, Phase, outside
from services.scheduling.store import charts as kept
from services.scheduling.store import doses
from services.scheduling.tables import Appointment
from services.scheduling.tables.visits import ChartNote, Consent, Reading, VitalsOverride
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
    shown = [
        DosePlanAnswer(**plan.model_dump(), **doses.plan_of(tx, plan)) for plan in reversed(plans)
    ]
    dose = await doses.find_dose(tx, visit.appointment_id)
    given = doses.given_of(tx, dose)
    return DoseAnswer(
        **shown[-1].model_dump(),
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        plans=shown,
        lot=given.get("lot"),
        drawn_ug=given.get("drawn_ug"),
        given_ug=given.get("given_ug"),
        off_plan_reason=given.get("off_plan_reason"),
        wasted_ug=given["drawn_ug"] - given["given_ug"] if given else None,
        not_given_reason=doses.not_given_of(tx, dose),
        not_given_signed_by=None if dose is None else dose.clinician_id,
        recorded_at=None if dose is None else dose.recorded_at,
        recorded_by=None if dose is None else dose.recorded_by,
        witnessed_at=None if dose is None else dose.witnessed_at,
        witnessed_by=None if dose is None else dose.witnessed_by,
    )


async def show_dose(tx: Transaction, visit: Appointment) -> DoseAnswer:
    """Of a visit that has a plan."""
    shown = await find_shown_dose(tx, visit)
    assert shown is not None, "it was just stored"
    return shown
