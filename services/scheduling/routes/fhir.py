"""`/fhir`: the clinic's calendar for programs that speak FHIR R4. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException as AnyHTTPException

from services.scheduling.documents import fhir as fhir_resources
from services.scheduling.documents.fhir import MEDIA_TYPE
from services.scheduling.documents.fhir_capability import CAPABILITY
from services.scheduling.handlers import fhir, fhir_find
from services.scheduling.handlers.fhir import Resource
from services.scheduling.routes.planning import TypeName
from shared.auth import Role, allow, public
from shared.events import Moment
from shared.http.desk import AtDesk
from shared.http.pages import MAX_ITEMS, Paging

READERS = allow(Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER)

ISSUES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    409: "business-rule",
    413: "too-long",
    422: "invalid",
}
"""FHIR's issue types for the answers that are not a success."""


class FhirResponse(JSONResponse):
    media_type = MEDIA_TYPE


class FhirRoute(APIRoute):
    """Answers as FHIR does: resources, and an OperationOutcome for whatever is no success."""

    refusal_content: ClassVar[dict[str, Any]] = {MEDIA_TYPE: {"schema": {"type": "object"}}}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_as_fhir(request: Request) -> Response:
            handlers = request.app.exception_handlers
            try:
                found = await answer(request)
            except RequestValidationError as error:
                found = await handlers[RequestValidationError](request, error)
            except AnyHTTPException as error:
                found = await handlers[AnyHTTPException](request, error)
            return _as_fhir(found)

        return answer_as_fhir


def _as_fhir(found: Response) -> Response:
    content = json.loads(bytes(found.body))
    headers = {
        name: value
        for name, value in found.headers.items()
        if name not in {"content-length", "content-type"}
    }
    if found.status_code < HTTPException(400).status_code:
        return FhirResponse(content, found.status_code, headers)
    code = ISSUES.get(found.status_code, "exception")
    issues = [
        (code, each["rule"], each.get("field"), each["detail"])
        for each in content.get("violations", ())
    ] or [(code, code, None, content.get("detail") or content["title"])]
    return FhirResponse(fhir_resources.outcome(issues), found.status_code, headers)


def _reference_to(kind: str) -> Any:
    """A reference as FHIR writes it, `Patient/ID`, or the bare id."""
    prefix = f"{kind}/"

    def bare(given: Any) -> Any:
        return given.removeprefix(prefix) if isinstance(given, str) else given

    return BeforeValidator(bare)


Cursor = Annotated[str | None, Query(alias="_cursor", max_length=500)]
Count = Annotated[int, Query(alias="_count", ge=1, le=MAX_ITEMS)]
PatientRef = Annotated[UUID | None, _reference_to("Patient"), Query()]
Dates = Annotated[list[Annotated[str, Query(max_length=40)]], Query(max_length=4)]

router = APIRouter(
    prefix="/fhir", tags=["fhir"], route_class=FhirRoute, default_response_class=FhirResponse
)


@router.get("/metadata", dependencies=[public("a capability statement names no patient")])
async def read_capability() -> Resource:
    """What of FHIR is understood here."""
    return FhirResponse(CAPABILITY)  # type: ignore[return-value]  # the whole response


@router.get("/Appointment", dependencies=[READERS])
async def search_appointments(
    request: Request,
    desk: AtDesk,
    patient: PatientRef = None,
    date: Dates = [],  # noqa: B006  # FastAPI copies it
    _count: Count = 50,
    _cursor: Cursor = None,
) -> Resource:
    """Visits by their start; `date` may be given twice, for a span."""
    asked = Paging(_count, _cursor)
    return await desk.read(
        fhir.search_appointments, patient, date, asked, request.url, patient_id=patient
    )


@router.get("/Appointment/$find", dependencies=[READERS])
async def find_free(
    request: Request,
    desk: AtDesk,
    start: Moment,
    end: Moment,
    visit_type: Annotated[TypeName, Query(alias="visit-type")],
    location: Annotated[UUID, _reference_to("Location"), Query(alias="location-reference")],
    patient: Annotated[
        UUID | None, _reference_to("Patient"), Query(alias="patient-reference")
    ] = None,
    _count: Count = 50,
) -> Resource:
    """The free starts of a visit type at a place, as proposed visits. None of them is held."""
    return await desk.read(
        fhir_find.find_free,
        location,
        visit_type,
        start,
        end,
        patient,
        _count,
        request.url,
        patient_id=patient,
    )


@router.get("/Appointment/{appointment_id}", dependencies=[READERS])
async def read_appointment(appointment_id: UUID, desk: AtDesk) -> Resource:
    """A visit as a FHIR Appointment."""
    return await desk.read(fhir.read_appointment, appointment_id)


@router.get("/Slot", dependencies=[READERS])
async def search_slots(
    request: Request,
    desk: AtDesk,
    schedule: Annotated[UUID, _reference_to("Schedule"), Query()],
    start: Dates = [],  # noqa: B006  # FastAPI copies it
    _count: Count = 50,
    _cursor: Cursor = None,
) -> Resource:
    """What is taken of a chair; what is free depends on the visit, and is `$find`'s to say."""
    asked = Paging(_count, _cursor)
    return await desk.read(fhir.search_slots, schedule, start, asked, request.url)


@router.get("/Slot/{slot_id}", dependencies=[READERS])
async def read_slot(slot_id: UUID, desk: AtDesk) -> Resource:
    """A visit's hold on its chair as a FHIR Slot."""
    return await desk.read(fhir.read_slot, slot_id)


@router.get("/Schedule", dependencies=[READERS])
async def search_schedules(
    request: Request, desk: AtDesk, actor: Annotated[UUID, _reference_to("Location"), Query()]
) -> Resource:
    """The schedules of the chairs at a place."""
    return await desk.read(fhir.search_schedules, actor, request.url)


@router.get("/Schedule/{schedule_id}", dependencies=[READERS])
async def read_schedule(schedule_id: UUID, desk: AtDesk) -> Resource:
    """A chair's plan as a FHIR Schedule."""
    return await desk.read(fhir.read_schedule, schedule_id)


@router.get(
    "/Patient/{patient_id}",
    dependencies=[allow(Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER, Role.BILLER)],
)
async def read_fhir_patient(patient_id: UUID, desk: AtDesk) -> Resource:
    """A patient's card as a FHIR Patient."""
    return await desk.read(fhir.read_patient, patient_id)
