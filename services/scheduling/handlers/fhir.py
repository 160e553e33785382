"""What FHIR clients read: the resources of the clinic's calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select
from starlette.datastructures import URL

from services.scheduling import store
from services.scheduling.documents import fhir as fhir_resources
from services.scheduling.documents.fhir import Json
from services.scheduling.forms.answers import AppointmentSummary, TakenTime
from services.scheduling.rules.fhir_dates import Span, read_span
from services.scheduling.store import BY_START, shown_visits
from shared.http.pages import Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken

T = TypeVar("T", bound=BaseModel)

NOT_UNDERSTOOD = "The search is not understood"


class Resource(BaseModel):
    """A FHIR resource. `patient_id` is whom it is about, for the audit log, and is not sent."""

    model_config = ConfigDict(extra="allow")

    resourceType: str  # noqa: N815  # as FHIR has it
    patient_id: UUID | None = Field(default=None, exclude=True)


def resource(found: Json, patient_id: UUID | None = None) -> Resource:
    return Resource(patient_id=patient_id, **found)


def unknown_resource(kind: str) -> Refused:
    return Refused.not_found(kind.casefold(), "id")


async def read_appointment(appointment_id: UUID, tx: Transaction) -> Resource | Refused:
    visit = await shown_visits.find_visit(tx, appointment_id)
    if visit is None:
        return unknown_resource("Appointment")
    names = await shown_visits.names_beside(tx, [_shown(visit)])
    return resource(fhir_resources.appointment(_shown(visit), names), visit.patient_id)


async def search_appointments(
    patient_id: UUID | None, dates: Sequence[str], asked: Paging, url: URL, tx: Transaction
) -> Resource | Refused:
    """Visits by their start. Every `date` holds: two of them are a span."""
    spans = _spans(dates, "date")
    if isinstance(spans, Refused):
        return spans
    found = await _page(tx, shown_visits.visits_in(spans, patient_id), asked, _shown)
    if isinstance(found, Refused):
        return found
    visits, cursor = found
    names = await shown_visits.names_beside(tx, visits)
    shown = [fhir_resources.appointment(visit, names) for visit in visits]
    return resource(fhir_resources.bundle(shown, *_links(url, cursor)), patient_id)


async def read_slot(slot_id: UUID, tx: Transaction) -> Resource | Refused:
    taken = await shown_visits.find_taken(tx, slot_id)
    if taken is None:
        return unknown_resource("Slot")
    return resource(fhir_resources.slot(_taken(taken)), taken.patient_id)


async def search_slots(
    schedule_id: UUID, starts: Sequence[str], asked: Paging, url: URL, tx: Transaction
) -> Resource | Refused:
    """What is taken of a chair, or of a clinician who leads sessions, by its start."""
    spans = _spans(starts, "start")
    if isinstance(spans, Refused):
        return spans
    found = await _page(tx, shown_visits.taken_in(spans, schedule_id), asked, _taken)
    if isinstance(found, Refused):
        return found
    taken, cursor = found
    shown = [fhir_resources.slot(each) for each in taken]
    return resource(fhir_resources.bundle(shown, *_links(url, cursor)))


def _spans(dates: Sequence[str], field: str) -> list[Span] | Refused:
    read = [read_span(each, field) for each in dates]
    broken = [each for each in read if isinstance(each, Broken)]
    if broken:
        return Refused.by_rules(broken, NOT_UNDERSTOOD)
    return [each for each in read if isinstance(each, Span)]


async def _page(
    tx: Transaction, rows: Select[Any], asked: Paging, item: Callable[[object], T]
) -> tuple[list[T], str | None] | Refused:
    found = await page(tx, rows, by=BY_START, asked=asked, item=item)
    if isinstance(found, Refused):
        return found.model_copy(update={"status": 409})
    return found.items, found.next_cursor


def _shown(row: object) -> AppointmentSummary:
    return AppointmentSummary.model_validate(row, from_attributes=True)


def _taken(row: object) -> TakenTime:
    return TakenTime.model_validate(row, from_attributes=True)


def _links(url: URL, cursor: str | None) -> tuple[str, str | None]:
    """Where this page is and where the next one is, as the server sees itself."""
    return str(url), None if cursor is None else str(url.include_query_params(_cursor=cursor))


async def read_schedule(schedule_id: UUID, tx: Transaction) -> Resource | Refused:
    """A chair's, or that of a clinician who may lead sessions."""
    chair = await shown_visits.find_chair(tx, schedule_id)
    if chair is not None:
        return resource(fhir_resources.schedule(chair))
    clinician = await store.find_clinician(tx, schedule_id)
    if clinician is not None:
        return resource(fhir_resources.schedule_of_clinician(clinician))
    return unknown_resource("Schedule")


async def search_schedules(location_id: UUID, url: URL, tx: Transaction) -> Resource:
    """The schedules of a place's chairs."""
    chairs = await shown_visits.chairs_named_at(tx, location_id)
    shown = [fhir_resources.schedule(chair) for chair in chairs]
    return resource(fhir_resources.bundle(shown, str(url)))


async def read_patient(patient_id: UUID, tx: Transaction) -> Resource | Refused:
    found = await store.find_patient(tx, patient_id)
    if found is None:
        return unknown_resource("Patient")
    return resource(fhir_resources.patient(store.patient_card(tx, found)), patient_id)
