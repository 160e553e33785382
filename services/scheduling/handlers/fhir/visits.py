"""What FHIR clients read of the clinic's calendar: visits, what they take, whose time it is."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.documents import fhir as fhir_resources
from services.scheduling.documents.fhir import (
    APPOINTMENT_CODES,
    APPOINTMENT_STATUS,
    SERIES,
    SLOT_CODES,
    SLOT_STATUS,
    Json,
    slot_status,
    states_of,
)
from services.scheduling.documents.fhir_bundle import outcome
from services.scheduling.forms.answers import AppointmentSummary, ChairAnswer, TakenTime
from services.scheduling.forms.fhir import AppointmentSearch, ScheduleSearch, Searched, SlotSearch
from services.scheduling.handlers.fhir.searchset import (
    Reading,
    Resource,
    answer_search,
    in_bundle,
    resource,
    unknown_resource,
)
from services.scheduling.rules.fhir import search as rules
from services.scheduling.rules.fhir.dates import read_span
from services.scheduling.store import BY_START, shown_visits
from services.scheduling.store.shown_visits import BY_CHAIR, Wanted
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction

ACTORS = ("Patient", "Location", "Practitioner")


async def read_appointment(appointment_id: UUID, tx: Transaction) -> Resource | Refused:
    visit = await shown_visits.find_visit(tx, appointment_id)
    if visit is None:
        return unknown_resource("Appointment")
    names = await shown_visits.names_beside(tx, [_shown(visit)])
    return resource(fhir_resources.appointment(_shown(visit), names), visit.patient_id)


async def search_appointments(
    asked: AppointmentSearch, how: Searched, reader: Actor, tx: Transaction
) -> Resource | Refused:
    """Visits by their start. Each patient whose visits are shown is in the audit log."""
    wanted = _wanted(asked)
    if isinstance(wanted, Refused):
        return wanted

    async def show(visits: list[AppointmentSummary]) -> list[Json]:
        names = await shown_visits.names_beside(tx, visits)
        return [fhir_resources.appointment(visit, names) for visit in visits]

    rows = shown_visits.visits_wanted(wanted)
    return await answer_search(
        tx,
        rows,
        by=BY_START,
        asked=asked,
        how=how,
        item=_shown,
        show=show,
        shown_to=reader,
        as_entity="appointment",
    )


def _wanted(asked: AppointmentSearch) -> Wanted | Refused:
    reading = Reading()
    spans = reading.take_all([read_span(each, "date") for each in asked.date])
    referred = [
        None if given is None else reading.take(rules.read_references(given, kinds, field))
        for given, kinds, field in (
            (asked.patient, ("Patient",), "patient"),
            (asked.actor, ACTORS, "actor"),
            (asked.location, ("Location",), "location"),
        )
    ]
    codes = None
    if asked.status is not None:
        codes = reading.take(
            rules.read_codes(asked.status, APPOINTMENT_STATUS, APPOINTMENT_CODES, "status")
        )
    if reading.broken:
        return reading.refused
    patients, actors, places = referred
    return Wanted(
        spans=spans,
        ids=None if asked.id_ is None else rules.read_ids(asked.id_),
        patients=patients,
        actors=actors,
        places=places,
        series=None
        if asked.identifier is None
        else rules.ids_in(SERIES, rules.read_identifiers(asked.identifier)),
        states=None if codes is None else states_of(codes),
    )


async def read_slot(slot_id: UUID, tx: Transaction) -> Resource | Refused:
    taken = await shown_visits.find_taken(tx, slot_id)
    if taken is None:
        return unknown_resource("Slot")
    return resource(fhir_resources.slot(_taken(taken)), taken.patient_id)


async def search_slots(asked: SlotSearch, how: Searched, tx: Transaction) -> Resource | Refused:
    """What is taken of a chair, or of a clinician who leads sessions, by its start.

    Nothing that is free is stored, so nothing free is found here; the answer says where it is.
    """
    reading = Reading()
    spans = reading.take_all([read_span(each, "start") for each in asked.start])
    of = codes = None
    if asked.schedule is not None:
        of = reading.take(rules.read_references(asked.schedule, ("Schedule",), "schedule"))
    if asked.status is not None:
        codes = reading.take(rules.read_codes(asked.status, SLOT_STATUS, SLOT_CODES, "status"))
    if reading.broken:
        return reading.refused
    ids = None if asked.id_ is None else rules.read_ids(asked.id_)
    shown_as = {slot_status(is_held=is_held): is_held for is_held in (False, True)}
    held = {shown_as[code] for code in codes or shown_as if code in shown_as}
    if not held and not asked.is_counted_only:
        return in_bundle([_free_elsewhere()] if codes == frozenset({"free"}) else [], how)

    async def show(taken: list[TakenTime]) -> list[Json]:
        return [fhir_resources.slot(each) for each in taken]

    rows = shown_visits.taken_in(spans, of, ids, held)
    return await answer_search(tx, rows, by=BY_START, asked=asked, how=how, item=_taken, show=show)


def _free_elsewhere() -> Json:
    text = "What is free depends on the visit and is not stored; ask Appointment/$find."
    return outcome([("informational", "free_by_find", "status", text)], severity="information")


async def read_schedule(schedule_id: UUID, tx: Transaction) -> Resource | Refused:
    """A chair's, or that of a clinician who may lead sessions."""
    chair = await shown_visits.find_chair(tx, schedule_id)
    if chair is not None:
        return resource(fhir_resources.schedule(_chair(chair)))
    clinician = await store.find_clinician(tx, schedule_id)
    if clinician is not None:
        return resource(fhir_resources.schedule_of_clinician(clinician))
    return unknown_resource("Schedule")


async def search_schedules(
    asked: ScheduleSearch, how: Searched, tx: Transaction
) -> Resource | Refused:
    """The schedules of a place's chairs, by the chairs' names."""
    reading = Reading()
    actors = reading.take(rules.read_references(asked.actor, ("Location",), "actor"))
    if actors is None:
        return reading.refused

    async def show(chairs: list[ChairAnswer]) -> list[Json]:
        return [fhir_resources.schedule(chair) for chair in chairs]

    rows = shown_visits.chairs_of(actors)
    return await answer_search(tx, rows, by=BY_CHAIR, asked=asked, how=how, item=_chair, show=show)


def _shown(row: object) -> AppointmentSummary:
    return AppointmentSummary.model_validate(row, from_attributes=True)


def _taken(row: object) -> TakenTime:
    return TakenTime.model_validate(row, from_attributes=True)


def _chair(row: object) -> ChairAnswer:
    return ChairAnswer.model_validate(row, from_attributes=True)
