"""A series is estimated before it begins, again when it changes, and a missed day is told."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.estimates import business_days, clock
from shared.auth import Role
from shared.clock import RunClock
from shared.events.billing import EstimateIssued, EstimateOverdue, SuperbillIssued
from shared.events.scheduling import AppointmentCancelled, CancelReason, SeriesStopped
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.plans import plan_of, series_booked, starts_from, visit_booked
from tests.billing.records import CANARIES
from tests.support.outside_world import OutsideWorld, world_at

STARTS_AT = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)


def calm_monday(after: datetime) -> date:
    """The next Monday that begins three weeks without a holiday and without a clock change."""
    monday = after.date() + timedelta(days=7 - after.weekday())
    while True:
        days = [monday + timedelta(days=n) for n in range(22)]
        noons = {datetime.combine(day, time(12), CLINIC_ZONE).utcoffset() for day in days}
        if len(noons) == 1 and business_days.add(monday, 15) == days[21]:
            return monday
        monday += timedelta(days=7)


@dataclass(slots=True)
class Course:
    """A patient's series, in scheduling's books and in what it says."""

    billing: Billing
    monday: date
    series_id: UUID = field(default_factory=new_id)
    patient_id: UUID = field(default_factory=new_id)
    starts: list[datetime] = field(default_factory=list)
    booked: list[UUID] = field(default_factory=list)

    def at(self, days: int, hour: int = 10) -> datetime:
        """So many days after the Monday, at an hour of the clinic's wall."""
        return datetime.combine(self.monday + timedelta(days=days), time(hour), CLINIC_ZONE)

    def over(self, days: int) -> datetime:
        """When that day is over."""
        return self.at(days + 1, 0).astimezone(UTC)

    def plan(self, **changes: Any) -> None:
        plan = plan_of(self.series_id, self.patient_id, self.starts, **changes)
        self.billing.scheduling.has_plan(plan)

    async def book(self, in_days: int = 4, count: int = 6, **changes: Any) -> None:
        """Book it now, for the Friday. Its events come as scheduling says them."""
        self.starts = starts_from(self.at(in_days), count)
        self.plan(**changes)
        now = self.billing.clock.now()
        await self.billing.hear(series_booked(self.series_id, self.patient_id, self.starts, now))
        for number, at in enumerate(self.starts, start=1):
            await self.add(at, number)
        await self.billing.until_rest()

    async def add(self, at: datetime, number: int) -> None:
        event = visit_booked(self.series_id, self.patient_id, at, number)
        self.booked.append(event.appointment_id)
        await self.billing.hear(event)

    async def lose(self, index: int) -> None:
        del self.starts[index]
        self.plan()
        await self.billing.hear(
            AppointmentCancelled(
                patient_id=self.patient_id,
                appointment_id=self.booked[index],
                location_id=new_id(),
                starts_at=self.at(4),
                reason=CancelReason.PATIENT_ASKED,
                revision=1,
            )
        )

    async def listed(self) -> list[dict[str, Any]]:
        path = f"/patients/{self.patient_id}/estimates"
        return list((await self.billing.told("GET", path))["items"])

    async def after_the_hour(self) -> None:
        """Changes of one hour are one."""
        self.billing.step(timedelta(minutes=61))
        await self.billing.until_rest()


@pytest.fixture(scope="module")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock, Path]]:
    """A world of this file's own: its clock is stepped over months."""
    folder = tmp_path_factory.mktemp("estimates-outside")
    with world_at(STARTS_AT, folder) as (world, run_clock):
        yield world, run_clock, folder / "clock"


@pytest.fixture
def unpriced(billing: Billing) -> Course:
    """On a Monday at ten, in a clinic without a fee."""
    course = Course(billing, calm_monday(billing.clock.now()))
    billing.clock.step_to(course.at(0))
    return course


@pytest.fixture
async def course(unpriced: Course) -> Course:
    await unpriced.billing.set_fee()
    return unpriced


def words_in(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


async def due(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/estimates/due"))["items"])


def states(listed: Sequence[dict[str, Any]]) -> list[tuple[int, str, str, int]]:
    return [(one["version"], one["state"], one["reason"], one["total_cents"]) for one in listed]


async def test_a_booked_series_gets_its_estimate_the_same_day(course: Course):
    await course.book()

    [issued] = await course.billing.said(EstimateIssued)
    assert issued.total_cents == 6 * 39900
    assert (issued.number[-7:], issued.document_version) == ("-000001", 1)
    assert (issued.reason, issued.expires_on) == ("booked", clock.expires_on(course.monday))
    assert issued.course_id == course.series_id
    assert states(await course.listed()) == [(1, "issued", "booked", 239400)]
    assert await due(course.billing) == []
    [row] = await course.billing.rows("SELECT due_at, met_at FROM estimate_courses")
    assert (row.due_at, row.met_at) == (course.over(1), course.at(0))


async def test_it_says_what_is_expected_of_whom_where_and_what_one_may_do(course: Course):
    await course.book()
    [one] = await course.listed()

    shown = await course.billing.told("GET", f"/estimates/{one['estimate_id']}")
    estimate = shown["estimate"]
    [infusion, drug] = estimate["items"]
    assert (infusion["code"], infusion["times"], infusion["each_cents"]) == ("96365", 6, 39900)
    assert (drug["code"], drug["total_cents"]) == ("J3490", 0)
    assert infusion["days"][0] == str(course.starts[0].date())
    assert estimate["diagnoses"] == ["F33.2", "F43.12"]
    assert [each["npi"] for each in estimate["providers"]] == ["1679576722", "1234567893"]
    assert {each["tin"] for each in estimate["providers"]} == {"54-1234567"}
    assert sum(item["total_cents"] for item in estimate["items"]) == estimate["total_cents"]

    answer = await course.billing.ask("GET", f"/estimates/{one['estimate_id']}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    page = words_in(answer.content)
    for said in (
        *(one["number"], "Testa Canary", "05/17/1979", "F33.2", "$2,394.00", "1679576722"),
        *("54-1234567", "dispute", "$400", "not a contract", "separately"),
    ):
        assert said in page, said
    reader = PdfReader(io.BytesIO(answer.content))
    assert list(reader.attachments) == ["estimate.json"]
    conformance = reader.xmp_metadata.rdf_root.toxml() if reader.xmp_metadata else ""
    assert "pdfaid:part" in conformance
    assert "pdfuaid:part" in conformance


async def test_nothing_of_a_patient_is_in_the_clear_or_on_kafka(course: Course):
    await course.book()

    kept = await course.billing.rows(
        "SELECT c::text || e::text || d::text AS row FROM estimate_courses AS c"
        " JOIN estimates AS e USING (course_id) JOIN estimate_documents AS d USING (estimate_id)"
    )
    said = await course.billing.rows("SELECT payload::text AS row FROM outbox")
    for row in (*kept, *said):
        assert not any(canary in row.row for canary in CANARIES)


async def test_booked_less_than_three_business_days_ahead_it_is_made_only_on_request(
    course: Course,
):
    await course.book(in_days=2)
    assert await course.listed() == []

    wish = {"series_id": str(course.series_id)}
    asked = await course.billing.told("POST", f"/patients/{course.patient_id}/estimates", wish)
    await course.billing.until_rest()

    assert datetime.fromisoformat(asked["due_at"]) == course.over(3)
    assert states(await course.listed()) == [(1, "issued", "requested", 239400)]


async def test_a_replaced_visit_changes_nothing_and_one_more_is_estimated_anew(course: Course):
    await course.book()
    await course.lose(5)
    course.starts.append(course.starts[-1] + timedelta(days=4))
    course.plan()
    await course.add(course.starts[-1], 7)
    await course.after_the_hour()
    assert len(await course.listed()) == 1

    course.starts.append(course.starts[-1] + timedelta(days=4))
    course.plan()
    await course.add(course.starts[-1], 8)
    await course.after_the_hour()

    assert states(await course.listed()) == [
        (1, "superseded", "booked", 239400),
        (2, "issued", "infusions_changed", 279300),
    ]
    first, second = await course.billing.said(EstimateIssued)
    assert first.number == second.number
    [row] = await course.billing.rows("SELECT due_at FROM estimate_courses")
    assert row.due_at == course.over(3)  # the day before the first visit


async def test_a_lost_visit_that_is_not_replaced_is_estimated_anew(course: Course):
    await course.book()
    await course.lose(2)
    await course.after_the_hour()
    assert states(await course.listed())[1] == (2, "issued", "infusions_changed", 5 * 39900)


async def test_a_new_fee_is_estimated_anew_for_the_visits_that_it_covers(course: Course):
    await course.book()
    await course.billing.set_fee(45000, effective_from=str(course.starts[3].date()))
    await course.billing.until_rest()
    assert states(await course.listed())[1] == (2, "issued", "fees_changed", 3 * 39900 + 3 * 45000)


async def test_a_visit_moved_past_its_last_day_is_estimated_anew(course: Course):
    await course.book()
    course.starts[-1] = course.at(366)
    course.plan()
    await course.billing.hear(
        AppointmentCancelled(
            patient_id=course.patient_id,
            appointment_id=course.booked[-1],
            location_id=new_id(),
            starts_at=course.at(4),
            reason=CancelReason.CLINIC_ASKED,
            revision=1,
        )
    )
    await course.after_the_hour()
    [_, anew] = await course.listed()
    assert (anew["reason"], anew["state"]) == ("term_passed", "issued")


async def test_a_stopped_series_is_estimated_no_more(course: Course):
    await course.book()
    await course.lose(5)
    stopped = SeriesStopped(
        patient_id=course.patient_id,
        series_id=course.series_id,
        infusions_completed=0,
        stopped_at=course.at(0),
    )
    await course.billing.hear(stopped)
    await course.after_the_hour()
    assert len(await course.listed()) == 1
    wish = {"series_id": str(course.series_id)}
    answer = await course.billing.ask("POST", f"/patients/{course.patient_id}/estimates", wish)
    assert [one["rule"] for one in answer.json()["violations"]] == ["series_ended"]


async def test_without_a_fee_the_estimate_waits_is_reminded_and_told_late_once(unpriced: Course):
    course, billing = unpriced, unpriced.billing
    await course.book()
    [waiting] = await due(billing)
    assert [one["rule"] for one in waiting["blocked_by"]] == ["no_fee_in_force"]
    assert (waiting["reminded_at"], waiting["overdue_at"]) == (None, None)

    billing.clock.step_to(course.at(1, 9))
    await billing.until_rest()
    assert (await due(billing))[0]["reminded_at"] is not None
    assert await billing.said(EstimateOverdue) == []

    billing.clock.step_to(course.over(1))
    await billing.until_rest()
    [late] = await billing.said(EstimateOverdue)
    assert (late.course_id, late.due_at) == (course.series_id, course.over(1))
    assert (await due(billing))[0]["overdue_at"] is not None

    await billing.set_fee()
    await billing.until_rest()
    assert states(await course.listed()) == [(1, "issued", "booked", 239400)]
    assert await due(billing) == []
    assert len(await billing.said(EstimateOverdue)) == 1


async def test_scheduling_that_is_away_delays_an_estimate_and_loses_none(course: Course):
    course.starts = starts_from(course.at(4), 6)
    course.plan()
    course.billing.scheduling.away = True
    await course.billing.hear(
        series_booked(course.series_id, course.patient_id, course.starts, course.at(0))
    )
    assert await course.listed() == []
    course.billing.scheduling.away = False
    await course.billing.until_rest()
    assert len(await course.listed()) == 1


async def test_a_series_that_is_told_many_times_is_estimated_once(course: Course):
    await course.book()
    event = series_booked(course.series_id, course.patient_id, course.starts, course.at(0))
    for _ in range(5):
        await course.billing.hear(event)
    await course.billing.until_rest()
    assert len(await course.billing.said(EstimateIssued)) == 1


async def test_a_plan_of_another_patient_is_parked(course: Course):
    course.starts = starts_from(course.at(4), 6)
    course.billing.scheduling.has_plan(plan_of(course.series_id, new_id(), course.starts))
    await course.billing.hear(
        series_booked(course.series_id, course.patient_id, course.starts, course.at(0))
    )
    await course.billing.until_rest()
    assert set(await course.billing.parked()) == {"claim_of_another"}  # once for each that asked
    assert await course.listed() == []


WISH = {
    "visit_type": "ketamine_mood",
    "planned_infusions": 6,
    "location_id": "0199c0de-0000-7000-8000-00000000d1d1",
}


async def test_a_patient_who_asks_has_an_estimate_without_a_booking(course: Course):
    billing, patient = course.billing, course.patient_id
    billing.scheduling.has_patient(patient)
    billing.scheduling.has_location(UUID(WISH["location_id"]))

    asked = await billing.told("POST", f"/patients/{patient}/estimates", {"wish": WISH})
    await billing.until_rest()

    assert datetime.fromisoformat(asked["due_at"]) == course.over(3)
    [issued] = await billing.said(EstimateIssued)
    assert (issued.course_id, issued.reason) == (UUID(asked["course_id"]), "requested")
    [one] = await course.listed()
    shown = await billing.told("GET", f"/estimates/{one['estimate_id']}")
    assert [each["role"] for each in shown["estimate"]["providers"]] == ["Facility"]
    assert shown["estimate"]["first_on"] is None


async def test_a_stranger_who_asks_has_a_document_at_the_desk_and_nobody_is_told(course: Course):
    billing = course.billing
    billing.scheduling.has_location(UUID(WISH["location_id"]))

    wish = WISH | {"name": "Testa Stranger", "birth_date": "1970-02-03"}
    asked = await billing.told("POST", "/price-inquiries", wish)
    await billing.until_rest()

    [row] = await billing.rows("SELECT estimate_id FROM estimates")
    answer = await billing.ask("GET", f"/estimates/{row.estimate_id}/pdf", role=Role.FRONT_DESK)
    assert "Testa Stranger" in words_in(answer.content)
    assert datetime.fromisoformat(asked["due_at"]) == course.over(3)
    assert await billing.said(EstimateIssued) == []
    [kept] = await billing.rows("SELECT c::text AS row FROM estimate_courses AS c")
    assert "Stranger" not in kept.row


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({}, "series_or_wish"),
        ({"series_id": str(new_id()), "wish": WISH}, "series_or_wish"),
        ({"series_id": str(new_id())}, "unknown_series"),
        ({"wish": WISH | {"first_on": "2026-11-22"}}, "first_day_past"),
        ({"wish": WISH | {"first_on": "2035-12-28"}}, "first_day_far_ahead"),
    ],
)
async def test_a_request_that_cannot_be_answered_says_what_to_do(
    course: Course, body: dict[str, object], rule: str
):
    answer = await course.billing.ask("POST", f"/patients/{course.patient_id}/estimates", body)
    assert answer.status_code in {404, 409, 422}
    [violation] = answer.json()["violations"]
    assert violation["rule"] == rule
    assert violation["detail"]


async def test_a_new_wording_stands_on_the_next_estimate_and_on_none_before(course: Course):
    await course.book()
    [first] = await course.listed()
    wording = {
        "effective_from": str(course.monday),
        "services": [{"visit_type": "ketamine_mood", "words": "A made-up service"}],
        "separately": [],
        "disclaimers": ["A made-up disclaimer."],
        "source": "a test",
    }
    assert (await course.billing.told("POST", "/estimate-wordings", wording))["wording_id"] == 4
    await course.lose(2)
    await course.after_the_hour()

    [_, second] = await course.listed()
    shown = [
        (await course.billing.told("GET", f"/estimates/{one['estimate_id']}"))["estimate"]
        for one in (first, second)
    ]
    assert [one["wording_id"] for one in shown] == [3, 4]
    assert shown[1]["disclaimers"] == ["A made-up disclaimer."]


async def test_an_estimate_past_its_last_day_has_expired(course: Course):
    await course.book()
    course.billing.clock.step_to(course.at(366))
    assert [one["state"] for one in await course.listed()] == ["expired"]


async def asked_about(billing: Billing, visit_type: str) -> dict[str, Any]:
    """What a patient is told that one visit of a type costs, with the texts as shipped."""
    billing.scheduling.has_location(UUID(WISH["location_id"]))
    patient = new_id()
    billing.scheduling.has_patient(patient)
    wish = {"wish": WISH | {"visit_type": visit_type, "planned_infusions": 1}}
    await billing.told("POST", f"/patients/{patient}/estimates", wish)
    await billing.until_rest()
    assert await due(billing) == []
    [issued] = (await billing.told("GET", f"/patients/{patient}/estimates"))["items"]
    shown = await billing.told("GET", f"/estimates/{issued['estimate_id']}")
    return dict(shown["estimate"])


@pytest.mark.parametrize(
    ("visit_type", "code"),
    [
        ("spray_consult", "99204"),
        ("preparation", "90832"),
        ("web_follow_up", "99213"),
        ("integration", "90834"),
    ],
)
async def test_a_session_is_estimated_as_its_own_line_without_infusion_or_drug(
    unpriced: Course, visit_type: str, code: str
):
    billing = unpriced.billing
    await billing.set_fee(visit_type=visit_type, amount_cents=40000)
    estimate = await asked_about(billing, visit_type)
    assert [(one["code"], one["units"], one["total_cents"]) for one in estimate["items"]] == [
        (code, 1, 40000)
    ]
    assert "infusion" not in (estimate["primary_service"] + estimate["items"][0]["words"]).lower()


async def test_the_clinic_says_from_a_day_on_which_code_it_expects_of_a_session(unpriced: Course):
    billing = unpriced.billing
    await billing.set_fee(visit_type="spray_consult", amount_cents=40000)
    expected = {
        "visit_type": "spray_consult",
        "code": "90792",
        "effective_from": str(unpriced.monday),
        "source": "a test",
    }
    await billing.told("POST", "/expected-codes", expected)
    again = await billing.ask("POST", "/expected-codes", expected)
    assert again.json()["violations"][0]["rule"] == "code_recorded"
    unknown = await billing.ask("POST", "/expected-codes", expected | {"code": "99499"})
    assert unknown.json()["violations"][0]["rule"] == "code_unknown"
    [item] = (await asked_about(billing, "spray_consult"))["items"]
    assert item["code"] == "90792"


async def test_an_estimate_of_what_nobody_gave_a_code_waits_and_says_so(unpriced: Course):
    billing = unpriced.billing
    await billing.set_fee(visit_type="made_up_vitamins", amount_cents=15000)
    billing.scheduling.has_location(UUID(WISH["location_id"]))
    patient = new_id()
    billing.scheduling.has_patient(patient)
    wish = {"wish": WISH | {"visit_type": "made_up_vitamins"}}
    await billing.told("POST", f"/patients/{patient}/estimates", wish)
    await billing.until_rest()
    [waits] = await due(billing)
    assert [one["rule"] for one in waits["blocked_by"]] == [
        "no_wording_in_force",
        "no_code_expected",
    ]


async def test_what_is_free_is_told_at_once_and_not_estimated(unpriced: Course):
    await unpriced.billing.set_fee(visit_type="preparation", amount_cents=0)
    wish = {"wish": WISH | {"visit_type": "preparation"}}
    path = f"/patients/{unpriced.patient_id}/estimates"
    answer = await unpriced.billing.ask("POST", path, wish)
    assert answer.json()["violations"][0]["rule"] == "nothing_charged"


async def test_what_the_clinic_has_compounded_is_estimated_as_it_will_be_billed(course: Course):
    billing = course.billing
    page = await billing.told("GET", f"/drug-codes?on={course.monday}")
    [ketamine] = [one for one in page["items"] if one["drug_name"] == "Ketamine, racemic"]
    since = str(course.monday - timedelta(days=1))
    row = ketamine | {"effective_from": since, "is_compounded": True}
    await billing.told("POST", "/drug-codes", row)

    await course.book()
    await billing.save_card(course.patient_id)
    await billing.hear(billing.complete(course.patient_id, appointment_id=course.booked[0]))
    await billing.until_rest()

    [one] = await course.listed()
    shown = await billing.told("GET", f"/estimates/{one['estimate_id']}")
    estimated = [item["code"] for item in shown["estimate"]["items"]]
    [issued] = await billing.said(SuperbillIssued)
    bill = (await billing.told("GET", f"/superbills/{issued.superbill_id}"))["superbill"]
    assert estimated == [line["code"] for line in bill["lines"]] == ["96365", "J7999"]
