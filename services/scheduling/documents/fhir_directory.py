"""Who and where, as FHIR R4 has them: patients, practitioners, places, their chairs and rooms."""

from __future__ import annotations

from uuid import UUID

from services.scheduling.documents.fhir import Json, reference
from services.scheduling.forms.answers import ChairAnswer
from services.scheduling.rules.fhir.search import PRACTICE_PATIENT
from services.scheduling.tables import Room
from shared.claims import Address, ClinicianCard, LocationCard, PatientCard

PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
NPI = "http://hl7.org/fhir/sid/us-npi"


def patient(card: PatientCard, merged_into: UUID | None = None) -> Json:
    """A patient. A file that was merged into another is not active, and names its replacement."""
    replaced = {
        "active": False,
        "link": [{"other": {"reference": f"Patient/{merged_into}"}, "type": "replaced-by"}],
    }
    return ({} if merged_into is None else replaced) | {
        "resourceType": "Patient",
        "id": str(card.patient_id),
        "identifier": [{"system": PRACTICE_PATIENT, "value": str(card.patient_id)}],
        "name": [{"use": "official", "family": card.last_name, "given": [card.first_name]}],
        "telecom": [_phone(card.phone), {"system": "email", "value": card.email}],
        "birthDate": card.birth_date.isoformat(),
        "address": [_address(card.address)],
    }


def practitioner(card: ClinicianCard) -> Json:
    """A clinician as superbills print them; a DEA number is for prescriptions, and stays here."""
    return {
        "resourceType": "Practitioner",
        "id": str(card.clinician_id),
        "active": True,
        "identifier": [{"system": NPI, "value": card.npi}],
        "name": [{"use": "official", "text": card.name}],
        "telecom": [_phone(card.phone)],
        "address": [_address(card.address)],
        "qualification": [
            {"identifier": [{"value": card.license_number}], "code": {"text": card.credential}}
        ],
    }


def place(card: LocationCard) -> Json:
    return _location(card.location_id, card.name) | {
        "telecom": [_phone(card.phone)],
        "address": _address(card.address),
    }


def chair(found: ChairAnswer) -> Json:
    """A chair is a place of its own, and a part of where it stands."""
    return _part(found.chair_id, found.name, found.location_id)


def room(found: Room) -> Json:
    """A room is a place of its own too."""
    is_room = {"coding": [{"system": PHYSICAL_TYPE, "code": "ro", "display": "Room"}]}
    return _part(found.room_id, found.name, found.location_id) | {"physicalType": is_room}


def _part(id_: UUID, name: str, of: UUID) -> Json:
    return _location(id_, name) | {"partOf": reference("Location", of)}


def _location(id_: UUID, name: str) -> Json:
    return {
        "resourceType": "Location",
        "id": str(id_),
        "status": "active",
        "name": name,
        "mode": "instance",
    }


def _phone(number: str) -> Json:
    return {"system": "phone", "value": number}


def _address(at: Address) -> Json:
    return {
        "line": [line for line in (at.line1, at.line2) if line],
        "city": at.city,
        "state": at.state,
        "postalCode": at.postal_code,
        "country": "US",
    }
