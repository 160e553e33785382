"""Intake, contact details, and how one person is told from another."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.answers import PatientAnswer
from services.scheduling.forms.wishes import RegisterPatient, UpdatePatient
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.handlers.patients.screening import shown_of
from services.scheduling.rules.patients import intake as rules
from services.scheduling.rules.patients.screening import Screening
from services.scheduling.store import patients as people
from services.scheduling.store import screening as kept
from services.scheduling.store.merging import merged_into
from services.scheduling.work import KeepFingerprints
from shared.auth import Actor
from shared.claims import PatientCard
from shared.events.scheduling import PatientHeld, PatientRegistered, PatientUpdated
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken


async def register_patient(
    wish: RegisterPatient, by: Actor | None, tx: Transaction
) -> PatientAnswer | Refused:
    """Put a patient on file, held where a concern is known; nobody is screened by it.

    Who looks like somebody on file takes an explicit word. `by` is who asks; a file that is
    imported has nobody.
    """
    patient_id = new_id()
    card = card_of(wish, patient_id)
    await people.lock_person(tx, card)
    broken = await broken_by_intake(wish, tx)
    if broken:
        return Refused.by_rules(broken, "The patient is not registered")
    concerns = sorted(set(wish.concerns))
    store.add_patient(tx, card, concerns)
    tx.publish(PatientRegistered(patient_id=patient_id, registered_at=tx.now))
    if concerns or wish.denied:
        kept.add_screening(
            tx, patient_id, concerns, wish.denied, clinician_id=None, by=by, until=None
        )
    if concerns:
        tx.publish(PatientHeld(patient_id=patient_id, held_at=tx.now))
    return PatientAnswer(
        patient_id=patient_id,
        held=bool(concerns),
        screening=Screening.CONCERN if concerns else Screening.NOT_SCREENED,
        screened_until=None,
    )


def card_of(wish: RegisterPatient, patient_id: UUID) -> PatientCard:
    said = wish.model_dump(exclude={"concerns", "denied", rules.ANOTHER_PERSON})
    return PatientCard(patient_id=patient_id, **said)


async def broken_by_intake(wish: RegisterPatient, tx: Transaction) -> list[Broken]:
    """What keeps a person from being registered, as things stand on file."""
    return [
        *rules.broken_by_birth_date(wish.birth_date, tx.now.date()),
        *await _broken_by_look_alikes(card_of(wish, new_id()), wish, tx),
    ]


async def _broken_by_look_alikes(
    card: PatientCard, wish: RegisterPatient | UpdatePatient, tx: Transaction
) -> list[Broken]:
    """Whether somebody else on file is like this, of whom nobody said that it is another."""
    if wish.same_name_is_another_person:
        return []
    return rules.broken_by_look_alike(await people.look_alikes(tx, card))


async def keep_fingerprints(_: KeepFingerprints, tx: Transaction) -> None:
    """Give the next patients who have none, or one by an older key, theirs by the newest."""
    patients = await people.without_fingerprint(tx, AT_ONCE)
    for patient in patients:
        await people.keep_fingerprint(tx, patient)
    if len(patients) == AT_ONCE:
        tx.do(KeepFingerprints())


AT_ONCE = 500
"""A technical bound: so many cards are opened in one transaction."""


async def update_patient(
    patient_id: UUID, wish: UpdatePatient, tx: Transaction
) -> PatientAnswer | Refused:
    """Change a patient's card. Copies elsewhere are refreshed only when something did change.

    Whose name or birth date is corrected to somebody else's takes the word that a new one takes.
    """
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    before = store.patient_card(tx, patient)
    after = PatientCard.model_validate(before.model_dump(mode="json") | wish.changes())
    broken = rules.broken_by_birth_date(after.birth_date, tx.now.date())
    if rules.person_of(after) != rules.person_of(before):
        await people.lock_person(tx, after)
        broken += await _broken_by_look_alikes(after, wish, tx)
    if broken:
        return Refused.by_rules(broken, "The patient is not changed")
    if after != before:
        await store.change_card(tx, after)
        for each in (patient_id, *await merged_into(tx, patient_id)):
            tx.publish(PatientUpdated(patient_id=each, updated_at=tx.now))
    return PatientAnswer(patient_id=patient_id, **shown_of(patient, tx.now.date()))
