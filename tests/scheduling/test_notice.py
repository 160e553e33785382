"""Whoever is told of a visit may have just eaten: none is offered sooner than it is fasted for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.plans import plan_series
from services.scheduling.rules.planner.wishes import Preferences
from tests.scheduling.conftest import NOW, Clinic
from tests.scheduling.figures import MOOD
from tests.scheduling.instances import MONDAY, booked, hours, place, visit

TEN = booked(MONDAY, 600, 660).starts_at
HOUR = timedelta(hours=1)


def test_no_infusion_is_offered_sooner_than_two_hours_of_fasting_from_now() -> None:
    [day] = days_of(place(open_=hours(9, 17), now=TEN), MONDAY, MONDAY)
    assert day.starts[0].at == TEN + 2 * HOUR


def test_what_nobody_fasts_for_is_offered_as_soon_as_there_is_a_chair() -> None:
    figures = replace(visit(), fasting_min=0)
    [day] = days_of(place(open_=hours(9, 17), now=TEN, figures=figures), MONDAY, MONDAY)
    assert day.starts[0].at == TEN + HOUR / 4


def test_a_day_that_has_no_time_left_to_fast_says_the_rule_and_its_source() -> None:
    asked = Preferences(MONDAY, MONDAY)
    proposal = plan_series(replace(MOOD, size_min=1), 1, asked, place(open_=hours(9, 12), now=TEN))
    [blocked] = proposal.blocked
    assert (blocked.why.rule, blocked.why.source) == ("fasting_notice", "made up")
    assert "from 2026-10-05 12:00 on there is time" in blocked.why.detail


async def test_a_plan_s_first_infusion_leaves_time_to_fast_and_the_desk_may_book_who_has(
    clinic: Clinic,
) -> None:
    await clinic.opens("10:30", "14:00")
    patient = await clinic.patient()
    [best, *_] = (await clinic.plans(patient))["plans"]
    assert "2026-10-05T12:00" <= best["local"][0] < "2026-10-06"
    walk_in = [dict(each) for each in best["appointments"]]
    walk_in[0] |= {"starts_at": (NOW + HOUR).isoformat()}
    await clinic.post("/series", clinic.wish(patient, [], appointments=walk_in))
