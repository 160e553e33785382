"""What a single treatment is given for, or a session was held for, put right by a signature."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.visit_corrections import CorrectVisit, VisitCorrectionAnswer
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules.series.corrections import broken_by_no_codes, broken_by_same
from services.scheduling.rules.signing import Act
from services.scheduling.store import sessions, shown_visits
from services.scheduling.store import visit_corrections as kept
from services.scheduling.tables import Appointment
from services.scheduling.tables.visit_corrections import VisitCorrection
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def correct_visit(
    appointment_id: UUID, wish: CorrectVisit, by: Actor, tx: Transaction
) -> VisitCorrectionAnswer | Refused:
    """Put right, signed, the diagnoses of a visit that has its own. What stood there is kept."""
    found = await _held(appointment_id, tx)
    if found is None:
        return Refused.not_found("appointment", "appointment_id")
    visit, zone = found
    broken = broken_by_no_codes(has_codes=visit.diagnoses is not None, series_id=visit.series_id)
    if not broken:
        had = store.diagnoses_of_visit(tx, visit)
        broken += broken_by_same(changed=wish.diagnoses != had)
    broken += await broken_by_signer(
        tx,
        wish.clinician_id,
        by,
        Act.INDICATION,
        is_controlled=await _is_controlled(visit, zone, tx),
    )
    if broken:
        return Refused.by_rules(broken, "The visit stays as it is")
    row = await kept.add_correction(
        tx, visit, wish.diagnoses, wish.clinician_id, by.subject, wish.reason
    )
    return _show(tx, visit.patient_id, row)


async def _held(appointment_id: UUID, tx: Transaction) -> tuple[Appointment, str] | None:
    """A visit in a chair or a session, and by which clock its place goes."""
    drip = await store.lock_visit(tx, appointment_id)
    if drip is not None:
        return drip.visit, drip.location.zone
    held = await sessions.lock_session(tx, appointment_id)
    return None if held is None else (held.session, held.location.zone)


async def _is_controlled(visit: Appointment, zone: str, tx: Transaction) -> bool:
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    return policy.figures_on(visit.starts_at.astimezone(ZoneInfo(zone)).date()).is_controlled


async def list_corrections(
    appointment_id: UUID, tx: Transaction
) -> list[VisitCorrectionAnswer] | Refused:
    visit = await shown_visits.find_visit(tx, appointment_id)
    if visit is None:
        return Refused.not_found("appointment", "appointment_id")
    return [
        _show(tx, visit.patient_id, each) for each in await kept.corrections_of(tx, appointment_id)
    ]


def _show(tx: Transaction, patient_id: UUID, row: VisitCorrection) -> VisitCorrectionAnswer:
    return VisitCorrectionAnswer(
        patient_id=patient_id,
        **row.model_dump(exclude={"corrected"}),
        **kept.corrected_of(tx, row),
    )
