"""A session that is booked by itself is estimated by the same clock, at its own fee and code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from shared.clock import RunClock
from shared.events.billing import ChargeHeld, EstimateIssued, EstimateOverdue
from shared.events.scheduling import CancelReason, SeriesBooked, VisitType
from tests.billing.conftest import Billing
from tests.billing.courses import STARTS_AT, Course, calm_monday, due
from tests.billing.test_sessions import consult as held_consult
from tests.billing.treatments import Treatment
from tests.support.outside_world import OutsideWorld, world_at


@pytest.fixture(scope="module")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock, Path]]:
    """A world of this file's own: its clock is stepped over months."""
    folder = tmp_path_factory.mktemp("sessions-outside")
    with world_at(STARTS_AT, folder) as (world, run_clock):
        yield world, run_clock, folder / "clock"


@pytest.fixture
async def week(billing: Billing) -> Course:
    """On a Monday at ten, in a clinic with a fee for the consult."""
    course = Course(billing, calm_monday(billing.clock.now()))
    billing.clock.step_to(course.at(0))
    await billing.set_fee(40000, visit_type="spray_consult")
    return course


@pytest.fixture
def consult(billing: Billing, week: Course) -> Treatment:
    return Treatment(billing, week, type_code="spray_consult", in_chair=False)


@pytest.mark.parametrize(
    ("in_days", "due_in_days"), [(3, 1), (11, 1), (14, 3)], ids=["3", "9", "10"]
)
async def test_a_session_booked_days_ahead_has_its_estimate_in_time(
    consult: Treatment, in_days: int, due_in_days: int
):
    await consult.book(in_days=in_days)
    [issued] = await consult.billing.said(EstimateIssued)
    assert (issued.course_id, issued.total_cents) == (consult.appointment_id, 40000)
    [row] = await consult.billing.rows("SELECT kind, due_at, met_at FROM estimate_courses")
    assert (row.kind, row.due_at) == ("session", consult.week.over(due_in_days))
    assert row.met_at is not None
    shown = await consult.billing.told("GET", f"/estimates/{issued.estimate_id}")
    [item] = shown["estimate"]["items"]
    assert (item["code"], item["units"], item["each_cents"]) == ("99204", 1, 40000)


async def test_a_session_booked_less_than_three_business_days_ahead_has_none(consult: Treatment):
    await consult.book(in_days=2)
    assert await consult.listed() == []
    assert await due(consult.billing) == []


@pytest.mark.parametrize("in_chair", [False, True])
async def test_what_was_booked_at_short_notice_is_estimated_once_it_is_moved_far_enough_ahead(
    billing: Billing,
    week: Course,
    in_chair: bool,  # noqa: FBT001  # pytest gives it by name
):
    visit = Treatment(billing, week, type_code="spray_consult", in_chair=in_chair)
    await visit.book(in_days=2)
    await visit.move(to_day=7)
    [issued] = await billing.said(EstimateIssued)
    assert issued.course_id == visit.appointment_id
    [row] = await billing.rows("SELECT due_at, met_at FROM estimate_courses")
    assert row.due_at == week.over(1)
    assert row.met_at is not None


async def test_a_session_moved_into_dearer_days_is_estimated_anew(consult: Treatment):
    billing = consult.billing
    await consult.book()
    await billing.set_fee(
        45000, effective_from=str(consult.week.at(10).date()), visit_type="spray_consult"
    )
    await consult.move(to_day=11)
    await consult.week.after_the_hour()
    issued = await billing.said(EstimateIssued)
    assert [(one.document_version, one.total_cents) for one in issued] == [(1, 40000), (2, 45000)]


async def test_a_session_without_a_fee_is_listed_and_told_late(billing: Billing, week: Course):
    session = Treatment(billing, week, type_code="integration", in_chair=False)
    await session.book()
    [waiting] = await due(billing)
    assert waiting["kind"] == "session"
    billing.clock.step_to(week.over(1))
    await billing.until_rest()
    assert [one.course_id for one in await billing.said(EstimateOverdue)] == [
        session.appointment_id
    ]


async def test_of_a_session_that_costs_nothing_nothing_is_due_until_it_does(
    billing: Billing, week: Course
):
    await billing.set_fee(0, visit_type="integration")
    session = Treatment(billing, week, type_code="integration", in_chair=False)
    await session.book(in_days=15)
    assert await session.listed() == await due(billing) == []
    billing.clock.step_to(week.over(3))
    await billing.until_rest()
    assert await billing.said(EstimateOverdue) == []

    await billing.set_fee(9000, visit_type="integration")
    await billing.until_rest()
    [issued] = await billing.said(EstimateIssued)
    assert issued.total_cents == 9000


async def test_a_session_that_is_cancelled_is_estimated_no_more(billing: Billing, week: Course):
    session = Treatment(billing, week, type_code="integration", in_chair=False)
    await session.book()
    await session.lose(CancelReason.PATIENT_ASKED)
    await billing.until_rest()
    assert await due(billing) == []


async def test_a_session_far_dearer_than_its_estimate_waits_for_a_person(consult: Treatment):
    billing = consult.billing
    await consult.book()
    billing.scheduling.away = True  # so that no other estimate comes between
    await billing.set_fee(90000, visit_type="spray_consult")
    completed = held_consult(billing, consult.patient_id)
    await billing.hear(completed.model_copy(update={"appointment_id": consult.appointment_id}))
    [held] = await billing.said(ChargeHeld)
    assert (held.infusion_id, held.amount_cents) == (consult.appointment_id, 90000)
    billing.scheduling.away = False
    await billing.until_rest()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Honolulu"])
async def test_the_days_of_an_estimate_are_those_of_the_location(
    billing: Billing, week: Course, zone: str
):
    """Late on a Monday in the West it is Tuesday already where the clinic began."""
    there = ZoneInfo(zone)
    billing.clock.step_to(datetime.combine(week.monday, time(22, 30), there))
    session = Treatment(billing, week, type_code="integration", in_chair=False)
    session.starts_at = datetime.combine(week.monday + timedelta(days=3), time(10), there)
    session.plan()
    await billing.hear(session.booked(zone=zone))
    await billing.until_rest()
    [waiting] = await due(billing)
    tuesday_is_over = datetime.combine(week.monday + timedelta(days=2), time(), there)
    assert datetime.fromisoformat(waiting["due_at"]) == tuesday_is_over

    billing.clock.step_to(tuesday_is_over - timedelta(minutes=1))
    await billing.until_rest()
    assert await billing.said(EstimateOverdue) == []
    billing.clock.step_to(tuesday_is_over)
    await billing.until_rest()
    assert len(await billing.said(EstimateOverdue)) == 1


async def test_a_series_far_west_has_the_days_of_its_location_as_well(
    billing: Billing, week: Course
):
    there = ZoneInfo("America/Los_Angeles")
    billing.clock.step_to(datetime.combine(week.monday, time(22, 30), there))
    first = datetime.combine(week.monday + timedelta(days=3), time(10), there)
    booked = SeriesBooked(
        patient_id=week.patient_id,
        series_id=week.series_id,
        visit_type=VisitType.KETAMINE_MOOD,
        planned_infusions=6,
        first_starts_at=first,
        last_starts_at=first + timedelta(days=15),
        booked_at=billing.clock.now(),
        zone=there.key,
    )
    billing.scheduling.away = True
    await billing.hear(booked)
    [waiting] = await due(billing)
    over = datetime.combine(week.monday + timedelta(days=2), time(), there)
    assert datetime.fromisoformat(waiting["due_at"]) == over
    billing.scheduling.away = False
