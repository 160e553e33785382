"""`Appointment/$find`: when a visit of one type can be had, as visits that are proposed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.documents import fhir as fhir_resources
from services.scheduling.documents.fhir import Json
from services.scheduling.documents.fhir_bundle import outcome
from services.scheduling.forms.fhir import FreeSearch, Searched
from services.scheduling.handlers.fhir.searchset import Reading, Resource, in_bundle
from services.scheduling.handlers.free_starts import NOBODY, Free, FreeStart, free_starts
from services.scheduling.handlers.series.patient_gaps import allowed_to
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import AHEAD_SOURCE
from services.scheduling.rules.fhir.search import read_references
from services.scheduling.store import shown_visits
from services.scheduling.tables import Location
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown

SPAN_MAX = timedelta(days=31)
"""A technical bound on one question: a month, of which each start in each quarter hour is shown."""


async def find_free(asked: FreeSearch, how: Searched, tx: Transaction) -> Resource | Refused:
    """The first free starts from `start` on that end by `end`. None of them is held.

    For a patient they are those that the patient's own visits, gaps and driving bans allow.
    """
    reading = Reading()
    location = await _location(asked.location, reading, tx)
    patient_id = await _patient(asked.patient, reading, tx)
    if location is None:
        return reading.refused
    policy = await store.policy_of(tx, location.location_id, asked.visit_type)
    ahead_days = policy.planning.bookable_ahead_days
    reading.broken += _broken_by_span(asked.start, asked.end, tx.now, ahead_days)
    if reading.broken:
        return reading.refused
    zone = ZoneInfo(location.zone)
    first, last = asked.start.astimezone(zone).date(), asked.end.astimezone(zone).date()
    reading.broken += _broken_by_type(policy, first)
    if reading.broken:
        return reading.refused
    free = await free_starts(tx, location, asked.visit_type, first, last, patient_id or NOBODY)
    within = [s for s in free.starts if asked.start <= s.starts_at and s.ends_at <= asked.end]
    free = Free(within, free.why_none or [_NONE_WITHIN])
    if patient_id is not None:
        free = await allowed_to(tx, patient_id, location, asked.visit_type, policy, free)
    found = await _proposals(free.starts[: asked.count], asked.visit_type, patient_id, tx)
    return in_bundle(found or [_why_none(free)], how).model_copy(update={"patient_id": patient_id})


_NONE_WITHIN = Broken(
    "time_window", "Nothing free lies between start and end.", "the calendar", "start"
)


async def _location(asked: str, reading: Reading, tx: Transaction) -> Location | None:
    named = reading.take(read_references(asked, ("Location",), "location-reference"))
    found = await store.find_location(tx, named[0]) if named else None
    if named and found is None:
        reading.broken.append(unknown("location", "location-reference"))
    return found


async def _patient(asked: str | None, reading: Reading, tx: Transaction) -> UUID | None:
    if asked is None:
        return None
    named = reading.take(read_references(asked, ("Patient",), "patient-reference"))
    if not named:
        return None
    if await store.find_patient(tx, named[0]) is None:
        reading.broken.append(unknown("patient", "patient-reference"))
    return named[0]


def _broken_by_span(start: datetime, end: datetime, now: datetime, ahead_days: int) -> list[Broken]:
    if end <= start:
        return [Broken("find_span", "The end is not after the start.", "the calendar", "end")]
    if end - start > SPAN_MAX:
        limit = "the house's limit on one question"
        return [Broken("find_span", f"Ask for at most {SPAN_MAX.days} days at once.", limit, "end")]
    if end <= now or start > now + timedelta(days=ahead_days):
        detail = f"Visits are booked for times to come, up to {ahead_days} days ahead."
        return [Broken("bookable_time", detail, AHEAD_SOURCE, "start")]
    return []


def _broken_by_type(policy: Policy, day: date) -> list[Broken]:
    figures = policy.visit_on(day)
    if figures is None:
        return [unknown("visit_type", "visit-type")]
    if figures.chair_needed:
        return []
    detail = "Such a visit needs no chair, so none is searched; it is booked by a booking link."
    return [Broken("no_chair_needed", detail, figures.sources["chair_needed"], "visit-type")]


async def _proposals(
    starts: list[FreeStart], visit_type: str, patient_id: UUID | None, tx: Transaction
) -> list[Json]:
    chairs = await shown_visits.chairs_by_id(tx, {each.resource_id for each in starts})
    return [
        fhir_resources.proposal(
            visit_type, chairs[each.resource_id], each.starts_at, each.ends_at, patient_id
        )
        for each in starts
    ]


def _why_none(free: Free) -> Json:
    """An answer without a proposal says what stands in the way."""
    why = {each.detail: each for each in free.why_none}
    issues = [("business-rule", each.rule, None, each.detail) for each in why.values()]
    return outcome(issues, severity="information")
