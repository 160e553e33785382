"""A driving ban longer than a day: nothing is planned, re-planned or booked into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.rules.clinic.policy import VisitFigures, at_wall
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.plans import plan_series
from services.scheduling.rules.replans.smallest import Fate, Replan, Standing, replan
from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.figures import MOOD, MOOD_MIN, PAIN, PAIN_MIN, PLANNING
from tests.scheduling.instances import ALEXANDRIA, MONDAY, chair, hours, place, visit, wishes

DAY_MIN = 24 * 60
THREE_DAYS_MIN = 3 * DAY_MIN
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def banned(no_drive_min: int, booked_min: int = MOOD_MIN, every_min: int = 60) -> VisitFigures:
    return replace(visit(booked_min, every_min=every_min), no_drive_min=no_drive_min)


def keeps_ban(starts: Sequence[datetime], figures: VisitFigures) -> bool:
    assert figures.booked_min is not None
    least = timedelta(minutes=figures.booked_min + figures.no_drive_min)
    return all(later - one >= least for one, later in pairwise(starts))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(360, 7 * DAY_MIN),
    st.integers(6, 12),
    st.integers(1, 10),
    st.frozensets(st.integers(1, 7), min_size=3),
    st.sampled_from([3, 4]),
)
def test_no_plan_has_an_infusion_begin_in_the_ban_of_the_one_before(
    no_drive_min: int, opens: int, lasts: int, weekdays: frozenset[int], count: int
) -> None:
    figures = banned(no_drive_min)
    where = place(figures=figures, open_=hours(opens, opens + lasts, weekdays))
    protocol = replace(MOOD, size_min=3)
    proposal = plan_series(protocol, count, wishes(24), where)
    for plan in (*proposal.plans, *proposal.nearest):
        assert keeps_ban([each.starts_at for each in plan.infusions], figures)


def test_infusions_stand_as_near_as_a_ban_of_three_days_lets_them() -> None:
    where = place(figures=banned(THREE_DAYS_MIN))
    best = plan_series(MOOD, 6, wishes(24), where).plans[0]
    gaps = {(later.day - one.day).days for one, later in pairwise(best.infusions)}
    assert gaps == {4}, "three days and the fifty minutes before them"


def test_a_series_of_consecutive_days_is_not_planned_into_bans_and_says_what_forbids_it() -> None:
    where = place(figures=banned(DAY_MIN, PAIN_MIN), protocol=PAIN, open_=hours(9, 17))
    proposal = plan_series(PAIN, 3, wishes(), where)
    assert (proposal.plans, proposal.nearest) == ((), ())
    assert [each.rule for each in proposal.between][:2] == ["series_fit", "driving_ban"]
    assert "28 hours" in proposal.between[1].detail
    usual = place(figures=banned(360, PAIN_MIN), protocol=PAIN, open_=hours(9, 17))
    assert plan_series(PAIN, 3, wishes(), usual).plans


def standing(day: int, hour: int, n: int) -> Standing:
    here = MONDAY + day * DAY
    at = at_wall(here, hour * 60, ALEXANDRIA)
    return Standing(UUID(int=n + 1), n + 1, chair(0), at, here, hour * 60)


def test_what_stands_just_outside_a_ban_stays_and_what_stands_in_one_moves() -> None:
    days = days_of(place(figures=banned(THREE_DAYS_MIN)), MONDAY, MONDAY + 24 * DAY)
    outside = [standing(3, 9, 0), standing(6, 10, 1)]
    found = replan(PLANNING, MOOD, [MONDAY], outside, 0, days, 9 * 60)
    assert isinstance(found, Replan)
    assert [each.fate for each in found.visits] == [Fate.STAYS] * 2
    inside = [standing(3, 9, 0), standing(6, 9, 1)]
    found = replan(PLANNING, MOOD, [MONDAY], inside, 0, days, 9 * 60)
    assert isinstance(found, Replan)
    assert [each.fate for each in found.visits].count(Fate.MOVES) == 1
    assert keeps_ban([each.starts_at for each in found.visits], banned(THREE_DAYS_MIN))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(360, 5 * DAY_MIN),
    st.lists(st.tuples(st.integers(2, 4), st.integers(9, 15)), min_size=1, max_size=4),
    st.integers(0, 2),
)
def test_no_replan_has_an_infusion_begin_in_the_ban_of_the_one_before(
    no_drive_min: int, steps: list[tuple[int, int]], adding: int
) -> None:
    figures, later, day = banned(no_drive_min), [], 0
    for n, (gap, hour) in enumerate(steps):
        day += gap
        later.append(standing(day, hour, n))
    days = days_of(place(figures=figures), MONDAY, MONDAY + 40 * DAY)
    found = replan(PLANNING, MOOD, [MONDAY], later, adding, days, 12 * 60)
    if isinstance(found, Replan):
        assert keeps_ban([each.starts_at for each in found.visits], figures)


@pytest.fixture
async def strict(clinic: Clinic) -> Clinic:
    """A clinic whose patients do not drive for three days; the figures are the module's."""
    await clinic.opens()
    figures = {
        "effective_from": "2026-10-05",
        "no_drive_min": {"value": THREE_DAYS_MIN, "source": "made up"},
        "clinician_id": clinic.clinician_id,
    }
    answer = await clinic.send("/visit-types/ketamine_mood/figures", figures)
    assert answer.status_code in {201, 409}, answer.text
    length = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    for visit_type in ("preparation", "integration"):
        await clinic.send(f"/visit-types/{visit_type}/figures", length)
    return clinic


async def test_a_plan_that_keeps_the_ban_is_booked_and_one_that_does_not_is_refused(
    strict: Clinic,
) -> None:
    patient = await strict.patient()
    plan = (await strict.plans(patient))["plans"][0]
    starts = [datetime.fromisoformat(each["starts_at"]) for each in plan["appointments"]]
    assert all(b - a >= timedelta(days=3, minutes=50) for a, b in pairwise(starts))
    near = strict.wish(patient, every(3, 6))
    rules = [rule for rule, _ in await strict.refused("/series", near)]
    assert rules == ["driving_ban"] * 5
    await strict.series(starts, patient)


def session(clinic: Clinic, visit_type: str, at: datetime) -> dict[str, Any]:
    return {
        "location_id": clinic.location_id,
        "led_by": clinic.clinician_id,
        "visit_type": visit_type,
        "starts_at": at.isoformat(),
    }


async def test_the_days_after_an_infusion_are_in_its_ban_and_who_may_come_has_a_ride(
    strict: Clinic,
) -> None:
    series = await strict.series(every(4, 6))
    path = f"/patients/{series['patient_id']}/sessions"
    on_friday = session(strict, "preparation", NOON + 2 * DAY)  # as on Mondays and Wednesdays
    assert await strict.refused(path, on_friday) == [("driving_ban", "starts_at")]
    booked = await strict.post(path, session(strict, "integration", NOON + DAY))
    [advice] = booked["advice"]
    assert "may not drive until 2026-10-10 12:50" in advice
    free = await strict.post(path, session(strict, "integration", NOON + 3 * DAY + 60 * MINUTE))
    assert free["advice"] == []


async def test_a_replan_keeps_the_ban_until_it_is_applied(strict: Clinic) -> None:
    series = await strict.series(every(4, 6))
    lost = series["appointments"][2]
    await strict.step(lost, "cancel", {"reason": "patient_asked"})
    proposed = await strict.post(f"/series/{series['series_id']}/replans", {})
    again = await strict.post(f"/replans/{proposed['replan_id']}/approve", {})
    starts = sorted(
        datetime.fromisoformat(each["starts_at"])
        for each in again["appointments"]
        if each["state"] == "booked"
    )
    assert len(starts) == 6
    assert all(b - a >= timedelta(days=3, minutes=50) for a, b in pairwise(starts))


async def test_who_goes_home_is_told_the_day_on_which_the_ban_ends(strict: Clinic) -> None:
    visit = (await strict.series(every(4, 6)))["appointments"][0]
    await strict.infuse(visit)
    home = await strict.discharge(visit)
    stopped = datetime.fromisoformat(home["stopped_at"])
    assert datetime.fromisoformat(home["no_drive_until"]) - stopped == 3 * DAY


async def test_the_ban_of_an_evening_is_that_of_its_own_day_not_of_the_next(
    clinic: Clinic,
) -> None:
    """At nine in the evening in Alexandria it is the next day by UTC."""
    made_up = {"source": "made up"}
    drip = {
        "visit_type": "night_drip",
        "like": "lidocaine",
        "effective_from": "2026-10-05",
        "name": made_up | {"value": "A drip at night"},
        "booked_min": made_up | {"value": 60},
    }
    await clinic.post("/visit-types", drip)
    for day, no_drive_min in (("2026-10-07", THREE_DAYS_MIN), ("2026-10-09", 360)):
        figures = {"effective_from": day, "no_drive_min": made_up | {"value": no_drive_min}}
        signed = figures | {"clinician_id": clinic.clinician_id}
        await clinic.post("/visit-types/night_drip/figures", signed)
    evening = datetime(2026, 10, 9, 1, tzinfo=UTC)  # the 8th, 21:00
    patient = await clinic.patient()
    treatment = {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "night_drip",
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    path = f"/patients/{patient}/treatments"
    await clinic.post(path, treatment | {"starts_at": evening.isoformat()})
    day_after = treatment | {"starts_at": (evening + DAY).isoformat()}
    assert await clinic.refused(path, day_after) == [("driving_ban", "starts_at")]
    await clinic.post(path, treatment | {"starts_at": (evening + 4 * DAY).isoformat()})
