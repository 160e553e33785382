"""Who and where, as FHIR clients read it: patients, practitioners, places and chairs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.scheduling import store
from services.scheduling.documents import fhir_directory as resources
from services.scheduling.documents.fhir import Json
from services.scheduling.forms.answers import ChairAnswer
from services.scheduling.forms.fhir import PatientSearch, Searched
from services.scheduling.handlers.fhir.searchset import (
    Resource,
    answer_search,
    resource,
    unknown_resource,
)
from services.scheduling.import_keys import ImportKeys
from services.scheduling.rules.fhir import search as rules
from services.scheduling.store import shown_visits
from services.scheduling.store.imports import imported
from services.scheduling.store.patients import BY_PATIENT, patients_among
from shared.auth import Actor
from shared.claims import PatientCard
from shared.http.problems import Refused
from shared.messaging import Transaction


async def read_location(location_id: UUID, tx: Transaction) -> Resource | Refused:
    """A place, or one of its chairs or rooms."""
    chair = await shown_visits.find_chair(tx, location_id)
    if chair is not None:
        return resource(resources.chair(ChairAnswer.model_validate(chair, from_attributes=True)))
    room = await shown_visits.find_room(tx, location_id)
    if room is not None:
        return resource(resources.room(room))
    place = await store.find_location(tx, location_id)
    if place is None:
        return unknown_resource("Location")
    return resource(resources.place(store.location_card(place)))


async def read_practitioner(practitioner_id: UUID, tx: Transaction) -> Resource | Refused:
    clinician = await store.find_clinician(tx, practitioner_id)
    if clinician is None:
        return unknown_resource("Practitioner")
    return resource(resources.practitioner(store.clinician_card(clinician)))


async def read_patient(patient_id: UUID, tx: Transaction) -> Resource | Refused:
    found = await store.find_patient(tx, patient_id)
    if found is None:
        return unknown_resource("Patient")
    return resource(resources.patient(store.patient_card(tx, found), found.merged_into), patient_id)


async def search_patients(
    asked: PatientSearch, how: Searched, reader: Actor, keys: ImportKeys, tx: Transaction
) -> Resource | Refused:
    """Patients by id, of this house or of the system they were imported from; no other way.

    Without either nobody is found: a list of everyone is not a search.
    """
    among: set[UUID] = set()
    if asked.id_ is not None:
        among = set(rules.read_ids(asked.id_))
    if asked.identifier is not None:
        known_as = await _known_as(asked.identifier, keys, tx)
        among = known_as if asked.id_ is None else among & known_as

    def item(row: Any) -> PatientCard:
        return store.patient_card(tx, row)

    async def show(cards: list[PatientCard]) -> list[Json]:
        return [resources.patient(card) for card in cards]

    rows = patients_among(among)
    return await answer_search(
        tx,
        rows,
        by=BY_PATIENT,
        asked=asked,
        how=how,
        item=item,
        show=show,
        shown_to=reader,
        as_entity="patient",
    )


async def _known_as(asked: str, keys: ImportKeys, tx: Transaction) -> set[UUID]:
    """Whom these identifiers name. Another system's ids are kept as keys, and found by them."""
    identifiers = rules.read_identifiers(asked)
    known = set(rules.ids_in(rules.PRACTICE_PATIENT, identifiers))
    of_sources = {
        keys.key(system.removeprefix(rules.PRACTICE_SOURCE), "patient", value)
        for system, value in identifiers
        if system is not None and system.startswith(rules.PRACTICE_SOURCE)
    }
    found = await imported(tx, of_sources) if of_sources else {}
    return known | set(found.values())
