"""Who asks what something is going to cost, and the texts that the answer carries."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, StringConstraints

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.estimates import terms
from services.billing.rules.charges.pricing import broken_by_fee
from services.billing.rules.estimates import clock
from services.billing.rules.estimates.items import Person, broken_by_free
from services.billing.store import estimate_courses as courses
from services.billing.store import estimates as store
from services.billing.store.estimate_courses import CourseKind
from services.billing.store.visits import zone_of_location
from services.billing.tables import EstimateCourse, EstimateWording
from shared.claims import PRINTABLE
from shared.events.billing import EstimateReason
from shared.events.scheduling import TypeCode
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken

Infusions = Annotated[int, Field(ge=1, le=20)]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=PRINTABLE),
]
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=PRINTABLE),
]


FIRST_BIRTH_DATE = date(1900, 1, 1)


class Wish(BaseModel):
    """What somebody asks the cost of. Without a first day it is priced as of today."""

    visit_type: TypeCode
    planned_infusions: Infusions
    location_id: UUID
    first_on: Day | None = None


class AskEstimate(BaseModel):
    """A patient asks: about a series that is booked, or about what they wish for."""

    series_id: UUID | None = None
    wish: Wish | None = None


class EstimateAsked(BaseModel):
    """It is built and issued by itself; `due_at` is when it would be late."""

    course_id: UUID
    patient_id: UUID
    due_at: datetime


class AskPrice(Wish):
    """Somebody who is no patient asks, at the desk or by phone: any question about cost counts."""

    name: PersonName
    birth_date: date


class PriceAsked(BaseModel):
    course_id: UUID
    due_at: datetime


async def ask_estimate(
    patient_id: UUID, wish: AskEstimate, tx: Transaction
) -> EstimateAsked | Refused:
    """A patient's request. 45 CFR 149.610(b)(1)(vi)(C)."""
    if (wish.series_id is None) == (wish.wish is None):
        return Refused.by_rules(
            [
                Broken(
                    "series_or_wish",
                    "Say either which booked series the estimate is for (series_id), or what is"
                    " wished for (wish).",
                    "45 CFR 149.610(c)(1): the primary service",
                    "series_id",
                )
            ]
        )
    if wish.series_id is not None:
        return await _ask_for_series(patient_id, wish.series_id, tx)
    assert wish.wish is not None, "one of the two is given"
    zone = await zone_of_location(tx, wish.wish.location_id)
    due_on = clock.due_on_request(tx.now.astimezone(zone).date())
    if broken := await _broken_by_wish(wish.wish, zone, tx):
        return Refused.by_rules(broken)
    course_id = _open(CourseKind.REQUEST, wish.wish, due_on, zone, tx, patient_id=patient_id)
    due_at = clock.late_from(due_on, zone)
    return EstimateAsked(course_id=course_id, patient_id=patient_id, due_at=due_at)


async def _ask_for_series(
    patient_id: UUID, series_id: UUID, tx: Transaction
) -> EstimateAsked | Refused:
    """What is due already stays due when it was due earlier."""
    course = await courses.lock(tx, series_id)
    if course is None or course.kind is not CourseKind.SERIES or course.patient_id != patient_id:
        return Refused.not_found("series", "series_id")
    if course.ended_at is not None:
        return Refused.by_rules(
            [
                Broken(
                    "series_ended",
                    "This series has ended: nothing of it is expected any more. The patient's"
                    " charges and superbills say what it cost.",
                    "45 CFR 149.610(a)(2): an estimate is of expected charges",
                    "series_id",
                )
            ]
        )
    due_on = clock.due_on_request(tx.now.astimezone(course.zone).date())
    due_at = clock.late_from(due_on, course.zone)
    if course.is_waited_for and course.due_at is not None and course.due_at <= due_at:
        due_at = course.due_at
    else:
        await terms.set_due(tx, series_id, due_on, course.zone)
    terms.ask(tx, series_id, EstimateReason.REQUESTED)
    return EstimateAsked(course_id=series_id, patient_id=patient_id, due_at=due_at)


async def ask_price(wish: AskPrice, tx: Transaction) -> PriceAsked | Refused:
    """A stranger's question. The desk hands the document over: nobody else can reach them."""
    zone = await zone_of_location(tx, wish.location_id)
    broken = await _broken_by_wish(wish, zone, tx)
    if not FIRST_BIRTH_DATE <= wish.birth_date <= tx.now.astimezone(zone).date():
        broken.append(
            Broken(
                "birth_date",
                "The birth date lies ahead, or before 1900. Check the day.",
                "45 CFR 149.610(c)(1): the patient's name and date of birth",
                "birth_date",
            )
        )
    if broken:
        return Refused.by_rules(broken)
    due_on = clock.due_on_request(tx.now.astimezone(zone).date())
    person = Person(wish.name, wish.birth_date)
    course_id = _open(CourseKind.INQUIRY, wish, due_on, zone, tx, person=person)
    return PriceAsked(course_id=course_id, due_at=clock.late_from(due_on, zone))


async def _broken_by_wish(wish: Wish, zone: ZoneInfo, tx: Transaction) -> list[Broken]:
    if broken := _broken_by_day(wish, zone, tx):
        return broken
    at = clock.priced_at(wish.first_on, tx.now, zone)
    [fee_cents] = await store.fees_on(tx, wish.visit_type, [at.astimezone(zone).date()])
    return broken_by_free(fee_cents)


def _broken_by_day(wish: Wish, zone: ZoneInfo, tx: Transaction) -> list[Broken]:
    if wish.first_on is None:
        return []
    if wish.first_on < tx.now.astimezone(zone).date():
        return [
            Broken(
                "first_day_past",
                "The first day is over. Give one that is to come, or none.",
                "45 CFR 149.610(a)(2): an estimate is of expected charges",
                "wish.first_on",
            )
        ]
    return broken_by_fee(wish.first_on, tx.now) and [
        Broken(
            "first_day_far_ahead",
            "The first day lies more than two years ahead. Check the year.",
            "45 CFR 149.610(b)(1)(x): an estimate covers twelve months at most",
            "wish.first_on",
        )
    ]


def _open(
    kind: CourseKind,
    wish: Wish,
    due_on: date,
    zone: ZoneInfo,
    tx: Transaction,
    *,
    patient_id: UUID | None = None,
    person: Person | None = None,
) -> UUID:
    course_id = new_id()
    tx.insert(
        EstimateCourse,
        course_id=course_id,
        kind=kind.value,
        patient_id=patient_id,
        person=person and courses.seal_person(tx, course_id, person),
        visit_type=wish.visit_type,
        planned_infusions=wish.planned_infusions,
        location_id=wish.location_id,
        zone=zone.key,
        first_on=wish.first_on,
        opened_at=tx.now,
        due_at=clock.late_from(due_on, zone),
    )
    terms.ask(tx, course_id)
    terms.set_timers(tx, course_id, due_on, zone)
    return course_id


class ServiceWords(BaseModel):
    """What a visit type is called in plain words."""

    visit_type: TypeCode
    words: Text


class NewWording(BaseModel):
    """What estimates say from a day on, until the next wording begins."""

    effective_from: Day
    services: Annotated[list[ServiceWords], Field(min_length=1, max_length=20)]
    separately: Annotated[list[Text], Field(max_length=20)]
    disclaimers: Annotated[list[Text], Field(min_length=1, max_length=20)]
    source: Text


class WordingRecorded(NewWording):
    wording_id: int


async def record_wording(wish: NewWording, tx: Transaction) -> WordingRecorded | Refused:
    """Add a wording. None is ever changed: an estimate says what it said."""
    if broken_by_fee(wish.effective_from, tx.now):
        return Refused.by_rules(
            [
                Broken(
                    "wording_far_ahead",
                    "A wording begins within the next two years. Check the year.",
                    "a figure of ours against mistyped years",
                    "effective_from",
                )
            ]
        )
    wording_id = await store.next_wording_id(tx)
    values = wish.model_dump() | {"services": {one.visit_type: one.words for one in wish.services}}
    tx.insert(EstimateWording, wording_id=wording_id, recorded_at=tx.now, **values)
    return WordingRecorded(wording_id=wording_id, **wish.model_dump())
