"""`/fhir`: the clinic's calendar for programs that speak FHIR R4. Reads only."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.routing import compile_path

from services.scheduling.documents.fhir_capability import CAPABILITY
from services.scheduling.forms.fhir import (
    AppointmentSearch,
    FreeSearch,
    PatientSearch,
    ScheduleSearch,
    SlotSearch,
)
from services.scheduling.handlers.fhir import directory, find, visits
from services.scheduling.handlers.fhir.searchset import Resource
from services.scheduling.import_keys import ImportKeys
from services.scheduling.routes.fhir_answers import FhirResponse, FhirRoute
from services.scheduling.routes.fhir_posted import FhirSearchRoute, only_a_form
from services.scheduling.routes.fhir_searching import searched
from shared.auth import Role, allow, public
from shared.http.desk import AtDesk
from shared.http.problems import problem

READERS = allow(Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER)
NOTHING_HERE = public("there is nothing here to read")
PATIENT_READERS = allow(Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER, Role.BILLER)

router = APIRouter(
    prefix="/fhir", tags=["fhir"], route_class=FhirRoute, default_response_class=FhirResponse
)


async def answer_elsewhere(request: Request) -> Response:
    """Says in FHIR that a path is unknown, or that it is asked in another way."""
    path = request.url.path
    by_name = {method for named, _, method in _THERE if named == path}
    allowed = by_name or {method for _, there, method in _THERE if there.match(path)}
    if not allowed:
        return problem(404)
    return problem(405, headers={"Allow": ", ".join(sorted(allowed))})


for searched_by_form in ("Appointment", "Slot", "Schedule", "Patient"):
    router.add_api_route(  # before what is read by id, for which `_search` would be one
        f"/{searched_by_form}/_search",
        answer_elsewhere,
        methods=["GET", "HEAD"],
        dependencies=[NOTHING_HERE],
        include_in_schema=False,
    )


@router.get("/metadata", dependencies=[public("a capability statement names no patient")])
async def read_capability() -> Resource:
    """What of FHIR is understood here."""
    return FhirResponse(CAPABILITY)  # type: ignore[return-value]  # the whole response


@router.get("/Appointment", dependencies=[READERS])
async def search_appointments(
    asked: Annotated[AppointmentSearch, Query()], desk: AtDesk, request: Request
) -> Resource:
    """Visits by their start; `date` may be given twice, for a span."""
    how = searched(request, asked)
    return await desk.read(visits.search_appointments, asked, how, desk.actor)


@router.get("/Appointment/$find", dependencies=[READERS])
async def find_free(
    asked: Annotated[FreeSearch, Query()], desk: AtDesk, request: Request
) -> Resource:
    """The free starts of a visit type at a place, as proposed visits. None of them is held."""
    return await desk.read(find.find_free, asked, searched(request, asked))


@router.get("/Appointment/{appointment_id}", dependencies=[READERS])
async def read_appointment(appointment_id: UUID, desk: AtDesk) -> Resource:
    """A visit as a FHIR Appointment."""
    return await desk.read(visits.read_appointment, appointment_id)


@router.get("/Slot", dependencies=[READERS])
async def search_slots(
    asked: Annotated[SlotSearch, Query()], desk: AtDesk, request: Request
) -> Resource:
    """What is taken of a chair; what is free depends on the visit, and is `$find`'s to say."""
    return await desk.read(visits.search_slots, asked, searched(request, asked))


@router.get("/Slot/{slot_id}", dependencies=[READERS])
async def read_slot(slot_id: UUID, desk: AtDesk) -> Resource:
    """A visit's hold on its chair as a FHIR Slot."""
    return await desk.read(visits.read_slot, slot_id)


@router.get("/Schedule", dependencies=[READERS])
async def search_schedules(
    asked: Annotated[ScheduleSearch, Query()], desk: AtDesk, request: Request
) -> Resource:
    """The schedules of the chairs at a place."""
    return await desk.read(visits.search_schedules, asked, searched(request, asked))


@router.get("/Schedule/{schedule_id}", dependencies=[READERS])
async def read_schedule(schedule_id: UUID, desk: AtDesk) -> Resource:
    """A chair's plan as a FHIR Schedule."""
    return await desk.read(visits.read_schedule, schedule_id)


@router.get("/Location/{location_id}", dependencies=[READERS])
async def read_fhir_location(location_id: UUID, desk: AtDesk) -> Resource:
    """A place, or a chair or a room in it, as a FHIR Location."""
    return await desk.read(directory.read_location, location_id)


@router.get("/Practitioner/{practitioner_id}", dependencies=[READERS])
async def read_practitioner(practitioner_id: UUID, desk: AtDesk) -> Resource:
    """A clinician as a FHIR Practitioner."""
    return await desk.read(directory.read_practitioner, practitioner_id)


@router.get("/Patient", dependencies=[PATIENT_READERS])
async def search_patients(
    asked: Annotated[PatientSearch, Query()], desk: AtDesk, request: Request
) -> Resource:
    """Patients by id, here or in the system that they were imported from."""
    keys: ImportKeys = request.app.state.import_keys
    how = searched(request, asked)
    return await desk.read(directory.search_patients, asked, how, desk.actor, keys)


@router.get("/Patient/{patient_id}", dependencies=[PATIENT_READERS])
async def read_fhir_patient(patient_id: UUID, desk: AtDesk) -> Resource:
    """A patient's card as a FHIR Patient."""
    return await desk.read(directory.read_patient, patient_id)


for kind, search, readers in (
    ("Appointment", search_appointments, READERS),
    ("Slot", search_slots, READERS),
    ("Schedule", search_schedules, READERS),
    ("Patient", search_patients, PATIENT_READERS),
):
    router.add_api_route(
        f"/{kind}/_search",
        search,
        methods=["POST"],
        name=f"{search.__name__}_by_form",
        dependencies=[readers, Depends(only_a_form)],
        route_class_override=FhirSearchRoute,
        openapi_extra=FhirSearchRoute.form,
    )

_THERE = [
    (route.path, compile_path(route.path)[0], method)
    for route in router.routes
    if isinstance(route, FhirRoute) and route.include_in_schema
    for method in route.methods or ()
]


router.add_api_route(
    "/{rest:path}",
    answer_elsewhere,
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    dependencies=[NOTHING_HERE],
    include_in_schema=False,
)
