"""`Appointment/$find`: when a visit of one type can be had, as visits that are proposed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.datastructures import URL

from services.scheduling import store
from services.scheduling.documents import fhir as fhir_resources
from services.scheduling.documents.fhir import Json
from services.scheduling.handlers.fhir import NOT_UNDERSTOOD, Resource, resource
from services.scheduling.handlers.free_starts import NOBODY, Free, free_starts
from services.scheduling.rules.slots import BOOKABLE_AHEAD
from services.scheduling.store import shown_visits
from services.scheduling.tables import Location
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown

SPAN_MAX = timedelta(days=31)
"""The house's limit on one question: a month, of which each start in each quarter hour is shown."""


async def find_free(
    location_id: UUID,
    visit_type: str,
    start: datetime,
    end: datetime,
    patient_id: UUID | None,
    count: int,
    url: URL,
    tx: Transaction,
) -> Resource | Refused:
    """The first free starts from `start` on that end by `end`. None of them is held."""
    location = await store.find_location(tx, location_id)
    if location is None:
        return Refused.by_rules([unknown("location", "location_id")], NOT_UNDERSTOOD)
    broken = _broken_by_span(start, end, tx.now)
    if broken:
        return Refused.by_rules(broken, NOT_UNDERSTOOD)
    zone = ZoneInfo(location.zone)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    broken = await _broken_by_type(location, visit_type, first, tx)
    if broken:
        return Refused.by_rules(broken, NOT_UNDERSTOOD)
    free = await free_starts(tx, location, visit_type, first, last, patient_id or NOBODY)
    found = await _proposals(free, visit_type, start, end, patient_id, count, tx)
    return resource(fhir_resources.bundle(found or [_why_none(free)], str(url)), patient_id)


def _broken_by_span(start: datetime, end: datetime, now: datetime) -> list[Broken]:
    if end <= start:
        return [Broken("find_span", "The end is not after the start.", "the calendar", "end")]
    if end - start > SPAN_MAX:
        limit = "the house's limit on one question"
        return [Broken("find_span", f"Ask for at most {SPAN_MAX.days} days at once.", limit, "end")]
    if end <= now or start > now + BOOKABLE_AHEAD:
        detail = f"Visits are booked for times to come, up to {BOOKABLE_AHEAD.days} days ahead."
        return [Broken("bookable_time", detail, "the calendar", "start")]
    return []


async def _broken_by_type(
    location: Location, visit_type: str, day: date, tx: Transaction
) -> list[Broken]:
    policy = await store.policy_of(tx, location.location_id, visit_type)
    figures = policy.visit_on(day)
    if figures is None:
        return [unknown("visit_type", "visit-type")]
    if figures.chair_needed:
        return []
    detail = "Such a visit needs no chair, so none is searched; it is booked by a booking link."
    return [Broken("no_chair_needed", detail, figures.sources["chair_needed"], "visit-type")]


async def _proposals(
    free: Free,
    visit_type: str,
    start: datetime,
    end: datetime,
    patient_id: UUID | None,
    count: int,
    tx: Transaction,
) -> list[Json]:
    shown = [each for each in free.starts if start <= each.starts_at and each.ends_at <= end]
    chairs = await shown_visits.chairs_by_id(tx, {each.resource_id for each in shown[:count]})
    return [
        fhir_resources.proposal(
            visit_type, chairs[each.resource_id], each.starts_at, each.ends_at, patient_id
        )
        for each in shown[:count]
    ]


def _why_none(free: Free) -> Json:
    """An answer without a proposal says what stands in the way."""
    why = {each.detail: each for each in free.why_none} or {
        "": Broken("time_window", "Nothing free lies between start and end.", "", "start")
    }
    issues = [("business-rule", each.rule, None, each.detail) for each in why.values()]
    return fhir_resources.outcome(issues, severity="information")
