"""Screening and clearance: what is known of a patient, who signed it, and until when it holds."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.answers import PatientAnswer
from services.scheduling.forms.screening import (
    ClearanceAnswer,
    RecordClearance,
    RecordScreening,
    ScreeningAnswer,
    ScreeningFile,
)
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.patients import screening as rules
from services.scheduling.rules.patients.screening import Screened, Screening
from services.scheduling.rules.signing import Act
from services.scheduling.store import screening as kept
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Patient
from shared.auth import Actor
from shared.events.scheduling import PatientCleared, PatientHeld
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_screening(
    patient_id: UUID, wish: RecordScreening, by: Actor, tx: Transaction
) -> PatientAnswer | Refused:
    """Note what a clinician found, at intake or later; a concern holds the patient at once.

    To find nothing any more where a concern is on file is a clearance, and signed like one.
    """
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    today = tx.now.date()
    held = kept.screened_of(patient).held(today)
    ends_concern = not wish.concerns and bool(store.concerns_of(tx, patient))
    max_days = await figure_of(tx, HouseFigure.SCREENING_MAX_DAYS)
    broken = [
        *rules.broken_by_finding(wish.concerns, wish.valid_until, today, max_days),
        *await broken_by_signer(
            tx, wish.clinician_id, by, Act.CLEARANCE if ends_concern else Act.SCREENING
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The screening is not recorded")
    concerns = sorted(set(wish.concerns))
    kept.add_screening(
        tx, patient_id, concerns, clinician_id=wish.clinician_id, by=by, until=wish.valid_until
    )
    await kept.set_concerns(tx, patient_id, concerns, wish.valid_until)
    if concerns and not held:
        tx.publish(PatientHeld(patient_id=patient_id, held_at=tx.now))
    if held and not concerns:
        tx.publish(PatientCleared(patient_id=patient_id, cleared_at=tx.now))
    now = Screening.CONCERN if concerns else Screening.CLEAR
    return _answer(patient_id, Screened(now, wish.valid_until), today)


async def record_clearance(
    patient_id: UUID, wish: RecordClearance, by: Actor, tx: Transaction
) -> PatientAnswer | Refused:
    """End a hold until a day, or renew what ended it, by the word of the clinician who asks."""
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    today = tx.now.date()
    screened = kept.screened_of(patient)
    max_days = await figure_of(tx, HouseFigure.SCREENING_MAX_DAYS)
    broken = [
        *rules.broken_by_clearance(screened, wish.valid_until, today),
        *rules.broken_by_end(wish.valid_until, today, max_days),
        *await broken_by_signer(tx, wish.clinician_id, by, Act.CLEARANCE),
    ]
    if broken:
        return Refused.by_rules(broken, "The clearance is not recorded")
    await kept.add_clearance(
        tx, patient_id, wish.clinician_id, by, wish.note, until=wish.valid_until
    )
    if screened.held(today):
        tx.publish(PatientCleared(patient_id=patient_id, cleared_at=tx.now))
    return _answer(patient_id, Screened(Screening.CLEARED, wish.valid_until), today)


async def read_screening(patient_id: UUID, tx: Transaction) -> ScreeningFile | Refused:
    patient = await store.find_patient(tx, patient_id)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    return ScreeningFile(
        patient_id=patient_id,
        **shown_of(patient, tx.now.date()),
        screenings=[
            ScreeningAnswer(**row.model_dump(), **kept.found_by(tx, row))
            for row in await kept.screenings_of(tx, patient_id)
        ],
        clearances=[
            ClearanceAnswer(**row.model_dump(exclude={"note"}), note=kept.note_of(tx, row))
            for row in await kept.clearances_of(tx, patient_id)
        ],
    )


def shown_of(patient: Patient, today: date) -> dict[str, Any]:
    """What every answer about a patient says of the screening."""
    return _shown(kept.screened_of(patient), today)


def _answer(patient_id: UUID, screened: Screened, today: date) -> PatientAnswer:
    return PatientAnswer(patient_id=patient_id, **_shown(screened, today))


def _shown(screened: Screened, today: date) -> dict[str, Any]:
    return {
        "held": screened.held(today),
        "screening": screened.screening,
        "screened_until": screened.until,
    }
