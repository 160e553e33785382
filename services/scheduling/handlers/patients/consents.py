"""Consents: recorded as they were signed, withdrawn, never changed."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.visits import ConsentAnswer, RecordConsent
from services.scheduling.forms.wishes import Nothing
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.handlers.visits.charts_shown import show_consent
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.patients import consents as rules
from services.scheduling.store import charts as kept
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Patient
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_consent(
    patient_id: UUID, wish: RecordConsent, by: Actor, tx: Transaction
) -> ConsentAnswer | Refused:
    """Keep what was signed, by the patient or a named representative, and until when it holds."""
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    valid_days = await figure_of(tx, HouseFigure.CONSENT_VALID_DAYS)
    expires_at = rules.expires_at(wish.signed_at, valid_days)
    broken = [
        *rules.broken_by_signing(wish.signed_at, expires_at, tx.now),
        *rules.broken_by_scope(wish.kind, wish.visit_types, await store.infusion_types(tx)),
    ]
    if broken:
        return Refused.by_rules(broken, "The consent is not recorded")
    consent = kept.add_consent(
        tx,
        _signer(tx, patient, wish),
        patient_id=patient_id,
        recorded_by=by.subject,
        kind=wish.kind,
        form=wish.form,
        version=wish.version,
        visit_types=sorted(set(wish.visit_types)),
        signed_at=wish.signed_at,
        expires_at=expires_at,
    )
    return show_consent(tx, consent)


def _signer(tx: Transaction, patient: Patient, wish: RecordConsent) -> dict[str, str]:
    if wish.representative is not None:
        return wish.representative.model_dump()
    card = store.patient_card(tx, patient)
    return {"name": f"{card.first_name} {card.last_name}"}


async def withdraw_consent(
    consent_id: UUID, _: Nothing, by: Actor, tx: Transaction
) -> ConsentAnswer | Refused:
    """End a consent: no infusion starts on it. One that runs is the nurse's to stop."""
    found = await kept.find_consent(tx, consent_id)
    if found is None:
        return Refused.not_found("consent", "consent_id")
    await store.lock_patient(tx, found.patient_id)
    consent = await kept.find_consent(tx, consent_id)
    assert consent is not None, "a consent is never deleted"
    broken = rules.broken_by_withdrawal(withdrawn=consent.withdrawn_at is not None)
    if broken:
        return Refused.by_rules(broken, "The consent is not withdrawn")
    return show_consent(tx, await kept.withdraw_consent(tx, consent, by.subject))


async def list_consents(patient_id: UUID, tx: Transaction) -> list[ConsentAnswer] | Refused:
    if await store.find_patient(tx, patient_id) is None:
        return Refused.not_found("patient", "patient_id")
    return [show_consent(tx, each) for each in await kept.consents_of(tx, patient_id)]
