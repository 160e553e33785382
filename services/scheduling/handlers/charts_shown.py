"""What is on a chart, as those who treat see it."""

from __future__ import annotations

from collections.abc import Sequence

from services.scheduling.forms.visits import (
    ConsentAnswer,
    DoseAnswer,
    NoteAnswer,
    OutsideAnswer,
    ReadingAnswer,
    VitalsOverrideAnswer,
)
from services.scheduling.rules.readings import Limit, Measure, Phase, outside
from services.scheduling.store import charts as kept
from services.scheduling.tables import Appointment
from services.scheduling.tables.visits import ChartNote, Consent, Dose, Reading, VitalsOverride
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


def show_note(tx: Transaction, visit: Appointment, note: ChartNote) -> NoteAnswer:
    return NoteAnswer(
        **note.model_dump(exclude={"note"}),
        patient_id=visit.patient_id,
        note=kept.note_of(tx, note),
    )


def show_dose(tx: Transaction, visit: Appointment, dose: Dose) -> DoseAnswer:
    given = kept.given_of(tx, dose)
    return DoseAnswer(
        **dose.model_dump(),
        patient_id=visit.patient_id,
        **kept.plan_of(tx, dose),
        lot=given.get("lot"),
        drawn_ug=given.get("drawn_ug"),
        given_ug=given.get("given_ug"),
        above_plan_reason=given.get("above_plan_reason"),
        wasted_ug=given["drawn_ug"] - given["given_ug"] if given else None,
    )
