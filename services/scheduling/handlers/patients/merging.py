"""Two files of one person become one: the other is closed, and points to the one that stays."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.answers import PatientAnswer
from services.scheduling.forms.wishes import MergeFile
from services.scheduling.handlers.patients.screening import shown_of
from services.scheduling.rules.patients import merging as rules
from services.scheduling.rules.patients.intake import person_of
from services.scheduling.store import merging as kept
from services.scheduling.store import screening as screenings
from services.scheduling.tables import Patient
from shared.auth import Actor
from shared.events.scheduling import PatientHeld, PatientMerged, PatientUpdated
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def merge_file(
    patient_id: UUID, wish: MergeFile, by: Actor, tx: Transaction
) -> PatientAnswer | Refused:
    """Close a file that is one too many of its person. Answers with the one that stays.

    What is known against an infusion goes with the patient: a concern of either file holds.
    """
    into_id = wish.into_patient_id
    files = {each: await store.lock_patient(tx, each) for each in sorted({patient_id, into_id})}
    duplicate, into = files[patient_id], files[into_id]
    if duplicate is None:
        return Refused.not_found("patient", "patient_id")
    if into is None:
        return Refused.not_found("patient", "into_patient_id")
    broken = [
        *rules.broken_by_same(patient_id, into_id),
        *rules.broken_by_closed(duplicate.merged_into),
        *rules.broken_by_closed(into.merged_into, "into_patient_id"),
    ] or await _broken_by_files(duplicate, into, wish, tx)
    if broken:
        return Refused.by_rules(broken, "The file is not merged")
    await kept.close_file(tx, patient_id, into_id, wish.reason, by.subject)
    tx.publish(PatientMerged(patient_id=patient_id, into_patient_id=into_id, merged_at=tx.now))
    for closed in await kept.merged_into(tx, into_id):
        tx.publish(PatientUpdated(patient_id=closed, updated_at=tx.now))
    await _carry_concerns(duplicate, into, by, tx)
    stays = await store.find_patient(tx, into_id)
    assert stays is not None, "it is held"
    return PatientAnswer(patient_id=into_id, **shown_of(stays, tx.now.date()))


async def _broken_by_files(
    duplicate: Patient, into: Patient, wish: MergeFile, tx: Transaction
) -> list[Broken]:
    cards = [store.patient_card(tx, each) for each in (duplicate, into)]
    other = await kept.standing_of(tx, into.patient_id)
    return [
        *rules.broken_by_unlike(
            alike=person_of(cards[0]) == person_of(cards[1]),
            said_same=wish.other_name_is_same_person,
        ),
        *rules.broken_by_standing(
            await kept.standing_of(tx, duplicate.patient_id), other_has_history=other.history
        ),
    ]


async def _carry_concerns(duplicate: Patient, into: Patient, by: Actor, tx: Transaction) -> None:
    """Hold the patient for what only the closed file knew."""
    known = store.concerns_of(tx, into)
    more = set(store.concerns_of(tx, duplicate)) - set(known)
    if not more:
        return
    held = screenings.screened_of(into).held(tx.now.date())
    concerns = sorted({*known, *more})
    screenings.add_screening(tx, into.patient_id, concerns, clinician_id=None, by=by, until=None)
    await screenings.set_concerns(tx, into.patient_id, concerns, None)
    if not held:
        tx.publish(PatientHeld(patient_id=into.patient_id, held_at=tx.now))
