"""A treatment outside a series is estimated as a series is, and what was asked about is linked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.clock import RunClock
from shared.events.billing import ChargeHeld, ChargePosted, EstimateIssued, EstimateOverdue
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    CancelReason,
    VisitType,
)
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.courses import STARTS_AT, Course, calm_monday, due, states
from tests.billing.treatments import BOOSTER, Treatment
from tests.support.outside_world import OutsideWorld, world_at


@pytest.fixture(scope="module")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock, Path]]:
    """A world of this file's own: its clock is stepped over months."""
    folder = tmp_path_factory.mktemp("treatments-outside")
    with world_at(STARTS_AT, folder) as (world, run_clock):
        yield world, run_clock, folder / "clock"


@pytest.fixture
async def week(billing: Billing) -> Course:
    """On a Monday at ten, in a clinic with fees."""
    course = Course(billing, calm_monday(billing.clock.now()))
    billing.clock.step_to(course.at(0))
    await billing.set_fee()
    await billing.set_fee(45000, visit_type=BOOSTER)
    return course


@pytest.fixture
def treatment(billing: Billing, week: Course) -> Treatment:
    return Treatment(billing, week)


async def test_a_treatment_gets_its_estimate_by_the_clock_of_its_booking(treatment: Treatment):
    await treatment.book()
    [issued] = await treatment.billing.said(EstimateIssued)
    assert (issued.course_id, issued.total_cents) == (treatment.appointment_id, 45000)
    assert issued.reason == "booked"
    [row] = await treatment.billing.rows("SELECT kind, due_at, met_at FROM estimate_courses")
    assert (row.kind, row.due_at) == ("treatment", treatment.week.over(1))
    assert row.met_at is not None


async def test_what_is_booked_at_short_notice_has_none(treatment: Treatment):
    await treatment.book(in_days=2)
    assert await treatment.listed() == await due(treatment.billing) == []


async def test_without_a_fee_a_treatment_s_estimate_waits_and_is_told_late(
    billing: Billing, week: Course
):
    treatment = Treatment(billing, week, type_code="lidocaine")
    await treatment.book()
    [waiting] = await due(billing)
    assert waiting["kind"] == "treatment"
    billing.clock.step_to(week.over(1))
    await billing.until_rest()
    [late] = await billing.said(EstimateOverdue)
    assert late.course_id == treatment.appointment_id


async def test_a_treatment_that_is_cancelled_is_estimated_no_more(billing: Billing, week: Course):
    treatment = Treatment(billing, week)
    treatment.billing.scheduling.away = True
    treatment.plan()
    await billing.hear(treatment.booked())
    assert len(await due(billing)) == 1
    await treatment.lose(CancelReason.PATIENT_ASKED)
    billing.scheduling.away = False
    await billing.until_rest()
    assert await due(billing) == []
    billing.clock.step_to(week.over(1))
    await billing.until_rest()
    assert await billing.said(EstimateOverdue) == []
    assert await treatment.listed() == []


async def test_a_treatment_moved_into_dearer_days_is_estimated_anew(treatment: Treatment):
    await treatment.book()
    dear = treatment.week.at(14)
    await treatment.billing.set_fee(50000, effective_from=str(dear.date()), visit_type=BOOSTER)
    await treatment.billing.until_rest()
    assert len(await treatment.listed()) == 1
    await treatment.move(to_day=14)
    await treatment.week.after_the_hour()
    assert states(await treatment.listed())[1] == (2, "issued", "fees_changed", 50000)


async def test_a_treatment_missed_and_given_after_all_is_charged_by_its_estimate(
    treatment: Treatment,
):
    billing = treatment.billing
    await billing.save_card(treatment.patient_id)
    await treatment.book()
    billing.clock.step_to(treatment.starts_at)
    await treatment.lose(CancelReason.NO_SHOW)
    await treatment.week.after_the_hour()
    await treatment.comes_after_all()
    await treatment.week.after_the_hour()
    await treatment.complete()
    assert states(await treatment.listed()) == [(1, "issued", "booked", 45000)]
    assert billing.money_taken() == [45000]
    assert await billing.said(ChargeHeld) == []


async def test_a_treatment_missed_before_its_estimate_was_out_is_estimated_when_it_comes_back(
    billing: Billing, week: Course
):
    treatment = Treatment(billing, week)
    billing.scheduling.away = True
    treatment.plan()
    await billing.hear(treatment.booked())
    await treatment.lose(CancelReason.NO_SHOW)
    assert await due(billing) == []
    await treatment.comes_after_all()
    assert [one["kind"] for one in await due(billing)] == ["treatment"]
    billing.scheduling.away = False
    await week.after_the_hour()
    assert [one[1:] for one in states(await treatment.listed())] == [("issued", "booked", 45000)]
    assert await due(billing) == []


async def test_an_infusion_of_a_series_missed_and_given_after_all_is_estimated_and_charged_once(
    week: Course,
):
    billing = week.billing
    await billing.save_card(week.patient_id)
    await week.book()
    billing.clock.step_to(week.starts[0])
    first, at = week.booked[0], week.starts[0]
    del week.starts[0]
    week.plan()
    missed = AppointmentCancelled(
        patient_id=week.patient_id,
        appointment_id=first,
        location_id=new_id(),
        starts_at=at,
        reason=CancelReason.NO_SHOW,
        revision=1,
    )
    await billing.hear(missed)
    await week.after_the_hour()
    five = (2, "issued", "infusions_changed", 5 * 39900)
    assert states(await week.listed())[1] == five
    week.starts.insert(0, at)
    week.plan()
    again = AppointmentBooked(
        patient_id=week.patient_id,
        appointment_id=first,
        series_id=week.series_id,
        sequence_no=1,
        location_id=new_id(),
        visit_type=VisitType.KETAMINE_MOOD,
        starts_at=at,
        ends_at=at + timedelta(minutes=50),
        revision=2,
        in_chair=True,
        booked_at=billing.clock.now(),
    )
    await billing.hear(again)
    await week.after_the_hour()
    assert states(await week.listed())[2] == (3, "issued", "infusions_changed", 6 * 39900)
    await billing.hear(billing.complete(week.patient_id, appointment_id=first))
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    assert await billing.said(ChargeHeld) == []


async def asks_the_price(week: Course, patient_id: UUID, **fields: Any) -> dict[str, Any]:
    location_id = new_id()
    week.billing.scheduling.has_location(location_id)
    week.billing.scheduling.has_patient(patient_id)
    wish = {"visit_type": BOOSTER, "planned_infusions": 1, "location_id": str(location_id)}
    path = f"/patients/{patient_id}/estimates"
    return dict(await week.billing.told("POST", path, {"wish": wish | fields}))


async def test_what_was_asked_about_and_then_booked_is_one_with_it(treatment: Treatment):
    billing = treatment.billing
    billing.scheduling.away = True
    asked = await asks_the_price(treatment.week, treatment.patient_id)
    assert datetime.fromisoformat(asked["due_at"]) == treatment.week.over(3)
    treatment.starts_at = treatment.week.at(2)  # too soon for a booking's own clock
    treatment.plan()
    await billing.hear(treatment.booked())
    [waiting] = await due(billing)
    assert (waiting["course_id"], waiting["kind"]) == (str(treatment.appointment_id), "treatment")
    assert datetime.fromisoformat(waiting["due_at"]) == treatment.week.over(3)
    [row] = await billing.rows(
        "SELECT booked_as, ended_at FROM estimate_courses WHERE kind = 'request'"
    )
    assert row.booked_as == treatment.appointment_id
    assert row.ended_at is not None
    billing.scheduling.away = False
    await billing.until_rest()
    [issued] = await billing.said(EstimateIssued)
    assert issued.course_id == treatment.appointment_id
    assert await due(billing) == []


async def test_another_patient_s_question_and_one_about_something_else_stay_open(
    treatment: Treatment,
):
    await asks_the_price(treatment.week, new_id(), visit_type="ketamine_mood")
    await asks_the_price(treatment.week, treatment.patient_id, visit_type="ketamine_mood")
    await treatment.book()
    rows = await treatment.billing.rows(
        "SELECT booked_as FROM estimate_courses WHERE kind = 'request'"
    )
    assert [row.booked_as for row in rows] == [None, None]


async def test_what_was_told_on_request_binds_the_charge_of_what_is_booked_soon_after(
    treatment: Treatment,
):
    billing, patient_id = treatment.billing, treatment.patient_id
    await billing.save_card(patient_id)
    await asks_the_price(treatment.week, patient_id)
    await billing.until_rest()
    [told] = await billing.said(EstimateIssued)
    assert (told.reason, told.total_cents) == ("requested", 45000)
    await treatment.book(in_days=2)
    assert len(await treatment.listed()) == 1
    dear = str(treatment.starts_at.date())
    await billing.set_fee(45000 + 40000, effective_from=dear, visit_type=BOOSTER)
    billing.clock.step_to(treatment.starts_at)
    await treatment.complete()
    [held] = await billing.said(ChargeHeld)
    assert list(held.reasons) == ["over_estimate"]
    assert await billing.said(ChargePosted) == []
