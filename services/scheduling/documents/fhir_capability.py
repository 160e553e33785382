"""What the FHIR side of scheduling can do, as FHIR says it: its CapabilityStatement."""

from __future__ import annotations

from services.scheduling.documents.fhir import MEDIA_TYPE, VERSION, Json

_DATES = (
    "When it starts; given twice, both hold. Prefixes eq, ne, gt, ge, lt, le, sa and eb. A value"
    " without an hour is a day of the clinic's own calendar."
)
_SEARCHES: dict[str, dict[str, tuple[str, str]]] = {
    "Appointment": {
        "_id": ("token", "The visit's id."),
        "identifier": ("token", "urn:practice:series|ID: the visits of a series."),
        "status": ("token", "One of appointmentstatus."),
        "patient": ("reference", "Whose visit it is."),
        "actor": ("reference", "A Patient, a Location (the chair), a Practitioner who leads it."),
        "location": ("reference", "The chair, or the place that it stands at."),
        "date": ("date", _DATES),
    },
    "Patient": {
        "_id": ("token", "The patient's id."),
        "identifier": (
            "token",
            "urn:practice:patient|ID, or urn:practice:source:NAME|ID for one imported as such.",
        ),
    },
    "Schedule": {"actor": ("reference", "A chair, or the place whose chairs are asked for.")},
    "Slot": {
        "_id": ("token", "The id of what takes the time."),
        "schedule": ("reference", "A chair's, or that of a clinician who leads sessions."),
        "status": ("token", "busy or busy-tentative; what is free is found by $find."),
        "start": ("date", _DATES),
    },
}
_FOR_ALL = {
    "_count": ("number", "How many are on a page."),
    "_summary": ("token", "count: how many there are, and none of them; or false."),
}
_FIND: Json = {
    "name": "find",
    "definition": "http://ihe.net/fhir/ITI/Scheduling/OperationDefinition/appointment-find",
}


def _resource(kind: str) -> Json:
    found: Json = {"type": kind, "interaction": [{"code": "read"}]}
    if kind in _SEARCHES:
        found["interaction"].append({"code": "search-type"})
        found["searchParam"] = [
            {"name": name, "type": type_, "documentation": meaning}
            for name, (type_, meaning) in (_SEARCHES[kind] | _FOR_ALL).items()
        ]
    return found


CAPABILITY: Json = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-11-28",
    "kind": "instance",
    "software": {"name": "practice scheduling"},
    "implementation": {"description": "Reads of scheduling; booking is the staff API's."},
    "fhirVersion": VERSION,
    "format": [MEDIA_TYPE, "json"],
    "rest": [
        {
            "mode": "server",
            "documentation": (
                "Searches go by GET, or with a form by POST to _search. A parameter that is not"
                " known is ignored, named in the answer and not in its self link; with"
                " Prefer: handling=strict it is refused."
            ),
            "security": {
                "description": "A bearer token with a role; every read is in the audit log."
            },
            "resource": [
                _resource("Appointment") | {"operation": [_FIND]},
                *(_resource(kind) for kind in ("Location", "Patient", "Practitioner")),
                *(_resource(kind) for kind in ("Schedule", "Slot")),
            ],
        }
    ],
}
