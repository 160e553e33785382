"""Where no plan is, each date is named with the rule that blocks it, and what was asked wrongly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.rules.clinic.policy import Closure
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.plans import plan_series
from services.scheduling.rules.planner.wishes import Preferences, broken_by_wishes, last_day_of_any
from services.scheduling.rules.series.protocols import InfusionProtocol
from tests.scheduling.figures import MOOD, PAIN, PLANNING
from tests.scheduling.instances import (
    MONDAY,
    PATIENT,
    booked,
    hours,
    place,
    roster,
    visit,
    wishes,
)

ONE_DAY = MONDAY
NOON = 12 * 60


@pytest.mark.parametrize(
    ("where", "asked", "rule"),
    [
        (place(closures=[Closure(ONE_DAY, ONE_DAY, "Holiday")]), {}, "closed"),
        (place(open_=hours(weekdays=[2])), {}, "opening_hours"),
        (place(open_=hours(9, 9 + 1), figures=visit(61)), {}, "opening_hours"),
        (place(figures=visit(None)), {}, "duration_missing"),
        (place(), {"weekdays": frozenset({2})}, "weekday"),
        (place(), {"from_min": NOON, "until_min": NOON + 49}, "time_window"),
        (place(), {"from_min": 18 * 60, "until_min": 20 * 60}, "time_window"),
        (place(chairs=0), {}, "chair_taken"),
        (place(taken=[booked(ONE_DAY, 0, 24 * 60)]), {}, "chair_taken"),
        (
            place(taken=[booked(ONE_DAY, NOON, NOON + 1)]),
            {"from_min": NOON - 49, "until_min": 780},
            "chair_taken",
        ),
        (
            place(chairs=2, taken=[booked(ONE_DAY, 0, 1440, n=9, patient=PATIENT)]),
            {},
            "patient_taken",
        ),
        (place(nurses=roster(1, 1, 0, 8)), {}, "nurses_busy"),
        (place(chairs=2, nurses=roster(1, 1), taken=[booked(ONE_DAY, 0, 1440)]), {}, "nurses_busy"),
        (place(now=booked(ONE_DAY, 17 * 60, 1440).starts_at), {}, "bookable_time"),
    ],
)
def test_a_blocked_date_is_told_with_its_rule(
    where: Place, asked: dict[str, object], rule: str
) -> None:
    proposal = plan_series(
        replace(MOOD, size_min=3, size_max=4), 3, wishes(1, ONE_DAY, **asked), where
    )
    [blocked] = proposal.blocked
    assert blocked.day == ONE_DAY
    assert blocked.why.rule == rule
    assert blocked.why.detail.endswith(".")
    assert blocked.why.source


def test_hours_that_nobody_recorded_are_not_invented() -> None:
    where = place()
    where = replace(where, policy=replace(where.policy, hours=()))
    proposal = plan_series(MOOD, 6, wishes(14), where)
    assert {each.why.rule for each in proposal.blocked} == {"opening_hours_missing"}
    assert proposal.nearest == ()


def test_a_hole_that_no_gap_may_span_is_told() -> None:
    closed = Closure(MONDAY + timedelta(days=5), MONDAY + timedelta(days=13), "Renovation")
    proposal = plan_series(MOOD, 6, wishes(20), place(closures=[closed]))
    assert [each.rule for each in proposal.between] == ["series_fit", "series_gap"]
    assert "At most 3 of 6 infusions fit" in proposal.between[0].detail
    assert "After 2026-10-09 the next free date is 2026-10-19, 10 local days" in (
        proposal.between[1].detail
    )


def test_the_nearest_legal_plan_leaves_the_wishes_at_as_few_visits_as_can_be() -> None:
    where = place(taken=[booked(MONDAY + timedelta(days=7), 0, 24 * 60)])
    asked = wishes(19, weekdays=frozenset({1, 4}))
    proposal = plan_series(MOOD, 6, asked, where)
    assert proposal.plans == ()
    nearest = proposal.nearest[0]
    left = [each.leaves for each in nearest.infusions if each.leaves is not None]
    assert len(left) == 1
    assert left[0].startswith("on a ")


FAR = MONDAY + timedelta(days=PLANNING.bookable_ahead_days)


@pytest.mark.parametrize(
    ("asked", "named", "broken"),
    [
        (wishes(), True, []),
        (wishes(30, MONDAY - timedelta(days=1)), True, [("bookable_time", "earliest")]),
        (wishes(0), True, [("plan_span", "latest")]),
        (wishes(121), True, []),
        (wishes(122), True, [("plan_span", "latest")]),
        (wishes(10, FAR), True, [("bookable_time", "latest")]),
        (
            wishes(10, FAR + timedelta(days=1)),
            True,
            [("bookable_time", "earliest"), ("bookable_time", "latest")],
        ),
        (wishes(1, FAR + timedelta(days=1)), False, [("bookable_time", "earliest")]),
    ],
)
def test_a_question_that_has_no_answer_is_refused_by_what_was_named(
    asked: Preferences, named: object, broken: list[tuple[str, str]]
) -> None:
    found = broken_by_wishes(PLANNING, asked, MONDAY, latest_named=bool(named))
    assert [(each.rule, each.field.removeprefix("preferences.")) for each in found] == broken
    assert all(each.detail.endswith(".") and each.source for each in found)


@pytest.mark.parametrize(
    ("protocol", "count", "days"), [(MOOD, 6, 35), (MOOD, 8, 49), (PAIN, 3, 30)]
)
def test_without_a_last_day_a_whole_series_fits_in_what_is_looked_through(
    protocol: InfusionProtocol, count: int, days: int
) -> None:
    last = last_day_of_any(PLANNING, protocol, count, MONDAY, MONDAY)
    assert last == MONDAY + timedelta(days=days)


@given(count=st.integers(0, 99), later=st.integers(-400, 1000), longest=st.integers(1, 31))
def test_no_question_is_refused_for_a_last_day_that_it_does_not_name(
    count: int, later: int, longest: int
) -> None:
    protocol, earliest = replace(MOOD, gap_max_days=longest), MONDAY + timedelta(days=later)
    last = last_day_of_any(PLANNING, protocol, count, earliest, MONDAY)
    named = broken_by_wishes(PLANNING, Preferences(earliest, last), MONDAY, latest_named=True)
    latest = [each for each in named if each.field == "preferences.latest"]
    assert not latest or earliest > FAR
