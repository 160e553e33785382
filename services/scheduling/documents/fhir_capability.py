"""What the FHIR side of scheduling can do, as FHIR says it: its CapabilityStatement."""

from __future__ import annotations

from services.scheduling.documents.fhir import MEDIA_TYPE, VERSION, Json

_PAGE = {"name": "_count", "type": "number"}


def _resource(kind: str, *interactions: str, **search: str) -> Json:
    found: Json = {"type": kind, "interaction": [{"code": each} for each in interactions]}
    if search:
        named = [{"name": name, "type": kind_} for name, kind_ in search.items()]
        found["searchParam"] = [*named, _PAGE]
    return found


CAPABILITY: Json = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-11-25",
    "kind": "instance",
    "software": {"name": "practice scheduling"},
    "implementation": {"description": "Reads of scheduling; booking is the staff API's."},
    "fhirVersion": VERSION,
    "format": [MEDIA_TYPE],
    "rest": [
        {
            "mode": "server",
            "security": {
                "description": "A bearer token with a role; every read is in the audit log."
            },
            "resource": [
                _resource("Appointment", "read", "search-type", patient="reference", date="date")
                | {
                    "operation": [
                        {
                            "name": "find",
                            "definition": (
                                "http://ihe.net/fhir/ITI/Scheduling/OperationDefinition/"
                                "appointment-find"
                            ),
                        }
                    ]
                },
                _resource("Patient", "read"),
                _resource("Schedule", "read", "search-type", actor="reference"),
                _resource("Slot", "read", "search-type", schedule="reference", start="date"),
            ],
        }
    ],
}
