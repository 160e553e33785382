"""FHIR R4 resources (4.0.1), made of what scheduling keeps.

A chair is a `Location`, as a room is, and has the `Schedule` of the same id, as a clinician who
leads sessions does; a booked visit is an `Appointment` and the busy `Slot` of the same id. A chair
that is held for a plan is a `Slot` that is busy for now, and no `Appointment`. Free slots have no
id: nothing of them is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.scheduling.forms.answers import AppointmentSummary, ChairAnswer, TakenTime
from services.scheduling.rules.visits.life import FREED, VisitState
from services.scheduling.tables import Chair, Clinician

Json = dict[str, Any]

VERSION = "4.0.1"
MEDIA_TYPE = "application/fhir+json"
VISIT_TYPES = "urn:practice:visit-type"
APPOINTMENT_STATUS = "http://hl7.org/fhir/appointmentstatus"
SLOT_STATUS = "http://hl7.org/fhir/slotstatus"
SLOT_CODES = ("busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error")
APPOINTMENT_CODES = (
    *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
    *("entered-in-error", "checked-in", "waitlist"),
)
SERIES = "urn:practice:series"

STATUS: dict[VisitState, str] = {
    VisitState.BOOKED: "booked",
    VisitState.CONFIRMED: "booked",
    VisitState.CHECKED_IN: "checked-in",
    VisitState.CLEARED: "checked-in",
    VisitState.RUNNING: "fulfilled",
    VisitState.COMPLETED: "fulfilled",
    VisitState.RECOVERING: "fulfilled",
    VisitState.DISCHARGED: "fulfilled",
    VisitState.LEFT: "fulfilled",
    VisitState.CANCELLED: "cancelled",
    VisitState.NO_SHOW: "noshow",
    VisitState.SENT_HOME: "cancelled",
    VisitState.ABORTED: "fulfilled",
    VisitState.ATTENDED: "fulfilled",
}
"""Appointment.status: once care is given, planning is over and the appointment fulfilled."""


def states_of(codes: frozenset[str]) -> list[VisitState]:
    """The states of a visit that are shown as one of these."""
    return [state for state, code in STATUS.items() if code in codes]


def appointment(visit: AppointmentSummary, names: Mapping[UUID, str]) -> Json:
    """A visit; `names` are those of chairs and rooms, and of clinicians who lead sessions.

    One that takes no time any more has no slot.
    """
    minutes = (visit.ends_at - visit.starts_at).total_seconds() // 60
    found: Json = {
        "resourceType": "Appointment",
        "id": str(visit.appointment_id),
        "meta": {"versionId": str(visit.revision)},
        "status": STATUS[visit.state],
        "serviceType": [_coded(visit.visit_type)],
        "start": _instant(visit.starts_at),
        "end": _instant(visit.ends_at),
        "minutesDuration": int(minutes),
        "participant": [
            _participant("Patient", visit.patient_id),
            _participant(*_taken(visit), names[_taken(visit)[1]]),
        ],
    }
    if visit.room_id is not None:
        found["participant"].append(_participant("Location", visit.room_id, names[visit.room_id]))
    if visit.state not in FREED:
        found["slot"] = [reference("Slot", visit.appointment_id)]
    if visit.series_id is not None:
        found["identifier"] = [{"system": SERIES, "value": str(visit.series_id)}]
    return found


def _taken(visit: AppointmentSummary | TakenTime) -> tuple[str, UUID]:
    """What a visit takes beside its patient: a chair, or the time of the clinician who leads it."""
    if visit.chair_id is not None:
        return "Location", visit.chair_id
    assert visit.led_by is not None, "a visit without a chair is a session"
    return "Practitioner", visit.led_by


def proposal(
    visit_type: str, chair: Chair, starts_at: datetime, ends_at: datetime, patient_id: UUID | None
) -> Json:
    """A visit that could be booked. Nothing is held."""
    taking_part = [_participant("Location", chair.chair_id, chair.name, "needs-action")]
    if patient_id is not None:
        taking_part.insert(0, _participant("Patient", patient_id, status="needs-action"))
    times = {"start": _instant(starts_at), "end": _instant(ends_at)}
    free = {
        "resourceType": "Slot",
        "id": "slot",
        "schedule": reference("Schedule", chair.chair_id),
        "status": "free",
        "serviceType": [_coded(visit_type)],
        **times,
    }
    return {
        "resourceType": "Appointment",
        "contained": [free],
        "status": "proposed",
        "serviceType": [_coded(visit_type)],
        "slot": [{"reference": "#slot"}],
        **times,
        "minutesDuration": int((ends_at - starts_at).total_seconds() // 60),
        "participant": taking_part,
    }


def slot(visit: TakenTime) -> Json:
    """The time that a visit takes of its chair, or a hold, and no more of whose it is."""
    return {
        "resourceType": "Slot",
        "id": str(visit.appointment_id),
        "schedule": reference("Schedule", _taken(visit)[1]),
        "status": slot_status(is_held=visit.hold_id is not None),
        "start": _instant(visit.starts_at),
        "end": _instant(visit.ends_at),
    }


def slot_status(*, is_held: bool) -> str:
    return "busy-tentative" if is_held else "busy"


def schedule(chair: ChairAnswer) -> Json:
    return {
        "resourceType": "Schedule",
        "id": str(chair.chair_id),
        "active": True,
        "actor": [
            reference("Location", chair.chair_id, chair.name),
            reference("Location", chair.location_id),
        ],
    }


def schedule_of_clinician(clinician: Clinician) -> Json:
    return {
        "resourceType": "Schedule",
        "id": str(clinician.clinician_id),
        "active": True,
        "actor": [reference("Practitioner", clinician.clinician_id, clinician.name)],
    }


def reference(kind: str, id_: UUID, display: str | None = None) -> Json:
    """A reference to what can be read here, under the same address."""
    found = {"reference": f"{kind}/{id_}"}
    return found if display is None else found | {"display": display}


def _participant(
    kind: str, id_: UUID, display: str | None = None, status: str = "accepted"
) -> Json:
    return {"actor": reference(kind, id_, display), "required": "required", "status": status}


def _coded(visit_type: str) -> Json:
    return {"coding": [{"system": VISIT_TYPES, "code": visit_type}]}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
