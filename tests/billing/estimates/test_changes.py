"""What is expected of a series changes, and it is estimated anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.events.billing import EstimateIssued
from shared.events.scheduling import (
    AppointmentCancelled,
    AppointmentMoved,
    CancelReason,
    SeriesStopped,
    VisitType,
)
from shared.ids import new_id
from tests.billing.courses import Course, states


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


async def test_an_estimate_past_its_last_day_has_expired(course: Course):
    await course.book()
    course.billing.clock.step_to(course.at(366))
    assert [one["state"] for one in await course.listed()] == ["expired"]


@pytest.mark.parametrize("how", ["moved", "one_more"])
async def test_what_was_booked_at_short_notice_is_estimated_once_a_visit_lies_ahead(
    course: Course, how: str
):
    await course.book(in_days=2, count=1)
    assert await course.listed() == []

    if how == "moved":
        course.starts = [course.at(8)]
        course.plan()
        await course.billing.hear(
            AppointmentMoved(
                patient_id=course.patient_id,
                appointment_id=course.booked[0],
                location_id=new_id(),
                visit_type=VisitType.KETAMINE_MOOD,
                previous_starts_at=course.at(2),
                starts_at=course.at(8),
                ends_at=course.at(8) + timedelta(minutes=50),
                revision=1,
            )
        )
    else:
        course.starts.append(course.at(8))
        course.plan()
        await course.add(course.at(8), 2)
    await course.billing.until_rest()

    [row] = await course.billing.rows("SELECT due_at FROM estimate_courses")
    assert row.due_at == course.over(1)
    expected = 39900 * len(course.starts)
    assert states(await course.listed()) == [(1, "issued", "booked", expected)]
