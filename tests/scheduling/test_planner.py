"""Whole series are planned within every rule, as well as can be, and every no is explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.rules.clinic.policy import Closure, broken_by_hours, broken_by_nurses
from services.scheduling.rules.clinic.slots import Slot, broken_by_taken
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.differing import OFFERED, difference
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.plan import Plan
from services.scheduling.rules.planner.plans import plan_series, usual_times
from services.scheduling.rules.planner.score import Scored, score
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series.course import broken_by_booking
from services.scheduling.rules.series.gaps import advice_on_series
from services.scheduling.rules.series.protocols import InfusionProtocol, numbered
from tests.scheduling.figures import MOOD, PAIN, PAIN_MIN, PLANNING
from tests.scheduling.instances import (
    ALEXANDRIA,
    MONDAY,
    OTHER_PATIENT,
    PATIENT,
    WEEK,
    booked,
    chair,
    filled,
    hours,
    place,
    roster,
    visit,
    wishes,
)

SMALL = replace(MOOD, size_min=3, size_max=4)


def shown(plan: Plan, zone: ZoneInfo = ALEXANDRIA) -> list[str]:
    return [f"{each.starts_at.astimezone(zone):%a %d %H:%M}" for each in plan.infusions]


def slot_of(where: Place, at: datetime, chair_id: UUID) -> Slot:
    """A visit as it is booked: nobody else's chair, and its patient's until the ban is over."""
    figures = where.policy.visit_on(at.astimezone(where.zone).date())
    assert figures is not None
    ends_at = at + timedelta(minutes=figures.holds_min)
    ban = timedelta(minutes=figures.no_drive_min - figures.recovery_min)
    return Slot(at, ends_at, chair_id, where.patient_id, no_drive_until=ends_at + ban)


def slots_of(plan: Plan, where: Place) -> list[Slot]:
    return [slot_of(where, each.starts_at, each.chair_id) for each in plan.infusions]


def watched(where: Place) -> list[tuple[datetime, datetime]]:
    return [(each.starts_at, each.ends_at) for each in where.taken if each.chair_id in where.chairs]


def broken_of(plan: Plan, where: Place, protocol: InfusionProtocol) -> list[str]:
    """Every hard rule that a plan breaks, by the rules that judge a booking."""
    starts = numbered([each.starts_at for each in plan.infusions])
    broken = broken_by_booking(PLANNING, protocol, starts, where.zone, where.now)
    beside = [
        (each.starts_at, each.ends_at) for each in where.taken if each.chair_id in where.chairs
    ]
    mine = slots_of(plan, where)
    assert len(mine) == len(starts)
    for n, slot in enumerate(mine):
        assert slot.chair_id in where.chairs
        broken += broken_by_taken(slot, [*where.taken, *mine[:n]], "chair", "time")
        span = slot.starts_at, slot.ends_at
        broken += broken_by_hours(where.policy, *span, where.zone, "time")
        broken += broken_by_nurses(where.policy, *span, beside, where.zone, "time")
    return [each.rule for each in broken]


@st.composite
def clinics(draw: st.DrawFn) -> tuple[Place, InfusionProtocol, Preferences]:
    """Small clinics with any hours, nurses, closures and bookings, so that all can be tried."""
    first = draw(st.sampled_from([MONDAY, date(2026, 10, 29), date(2027, 3, 11)]))
    days = draw(st.integers(min_value=5, max_value=9))
    chairs = draw(st.integers(min_value=0, max_value=2))
    minute = st.integers(min_value=0, max_value=23 * 60)
    taken = []
    for day, at, lasts, n, mine in draw(
        st.lists(
            st.tuples(
                st.integers(0, days - 1),
                minute,
                st.integers(1, 600),
                st.integers(0, 2),
                st.booleans(),
            ),
            max_size=12,
        )
    ):
        whose = PATIENT if mine else OTHER_PATIENT
        begins = booked(first + timedelta(days=day), at, at + 1, n=n, patient=whose).starts_at
        taken.append(Slot(begins, begins + timedelta(minutes=lasts), chair(n), whose))
    opens = draw(st.integers(0, 20))
    closes = draw(st.integers(opens + 1, min(opens + 6, 24)))
    weekdays = draw(st.frozensets(st.integers(1, 7), min_size=3))
    protocol = draw(
        st.builds(
            lambda low, advised, more, cap, advised_week: replace(
                SMALL,
                gap_min_days=low,
                gap_advised_days=low + advised,
                gap_max_days=low + advised + more,
                weekly_cap=cap,
                weekly_advised=advised_week,
            ),
            st.integers(1, 3),
            st.integers(0, 2),
            st.integers(0, 2),
            st.sampled_from([None, None, 2, 3]),
            st.sampled_from([None, 2]),
        )
    )
    nurses = draw(st.none() | st.builds(roster, st.just(1), st.integers(1, 2), st.integers(0, 12)))
    closed = first + timedelta(days=draw(st.integers(0, 3 * days)))
    where = place(
        chairs=chairs,
        taken=taken,
        protocol=protocol,
        figures=visit(50, recovery_min=draw(st.sampled_from([0, 25])), every_min=60),
        open_=hours(opens, closes, weekdays),
        nurses=nurses,
        closures=[Closure(closed, closed, "Made up")],
        now=booked(first, draw(minute), 24 * 60).starts_at,
    )
    asked_from = draw(st.integers(0, 18)) * 60
    wished = wishes(
        days,
        first,
        weekdays=draw(st.frozensets(st.integers(1, 7), min_size=3)),
        from_min=asked_from,
        until_min=asked_from + draw(st.integers(2, 6)) * 60,
    )
    return where, protocol, wished


def every_plan_by_force(
    where: Place, protocol: InfusionProtocol, count: int, wished: Preferences
) -> Iterator[tuple[int, list[date]]]:
    """The points of the best plan on each set of days, by trying all days and times.

    Free starts are found by the rules that judge bookings, not by the planner's minutes.
    """
    free = []
    for day in days_of(where, wished.earliest, wished.latest):
        starts = [
            each
            for each in day.asked
            if wished.left_by(day, each) is None
            and any(_is_free(where, each.at, n) for n in where.chairs)
        ]
        free.append((day.day, starts))
    usual = usual_times([starts for _, starts in free], wished)
    for chosen in combinations([each for each in free if each[1]], count):
        starts = [booked(day, each[0].wall_min, 24 * 60).starts_at for day, each in chosen]
        if broken_by_booking(PLANNING, protocol, numbered(starts), where.zone, where.now):
            continue
        for time in usual:
            visits = [
                Scored(day, min((abs(each.wall_min - time), each.wall_min) for each in starts)[1])
                for day, starts in chosen
            ]
            items = score(PLANNING, protocol, visits, wished.earliest, time)
            yield sum(item.points for item in items), [day for day, _ in chosen]


def _is_free(where: Place, at: datetime, chair_id: UUID) -> bool:
    slot = slot_of(where, at, chair_id)
    beside = [
        (each.starts_at, each.ends_at) for each in where.taken if each.chair_id in where.chairs
    ]
    return not (
        broken_by_taken(slot, where.taken, "", "")
        or broken_by_nurses(where.policy, slot.starts_at, slot.ends_at, beside, where.zone, "")
        or broken_by_hours(where.policy, slot.starts_at, slot.ends_at, where.zone, "")
        or at <= where.now
        or at < where.now + timedelta(hours=2)  # of fasting
    )


@settings(deadline=None, max_examples=250)
@given(clinics(), st.integers(min_value=3, max_value=4))
def test_no_plan_breaks_a_rule_and_no_better_one_is_missed(
    clinic: tuple[Place, InfusionProtocol, Preferences], count: int
) -> None:
    where, protocol, wished = clinic
    proposal = plan_series(protocol, count, wished, where)
    by_force = min(every_plan_by_force(where, protocol, count, wished), default=None)
    assert bool(proposal.plans) == (by_force is not None)
    for plan in (*proposal.plans, *proposal.nearest):
        assert broken_of(plan, where, protocol) == []
        assert len(plan.infusions) == count
    if by_force is not None:
        assert proposal.plans[0].points == by_force[0]
    for plan in proposal.plans:
        assert all(each.leaves is None for each in plan.infusions)
    for one, other in combinations(proposal.plans, 2):
        shared = {each.starts_at for each in one.infusions} & {
            each.starts_at for each in other.infusions
        }
        assert 2 * len(shared) <= count
    for plan in proposal.nearest:
        assert any(each.leaves is not None for each in plan.infusions)
    points = [plan.points for plan in proposal.plans]
    assert points == sorted(points)


@settings(deadline=None, max_examples=60)
@given(clinics())
def test_every_date_without_a_free_time_is_named_with_the_rule_that_blocks_it(
    clinic: tuple[Place, InfusionProtocol, Preferences],
) -> None:
    where, protocol, wished = clinic
    proposal = plan_series(protocol, 4, wished, where)
    if proposal.plans:
        assert proposal.blocked == proposal.between == proposal.nearest == ()
        return
    free = {
        day.day
        for day in days_of(where, wished.earliest, wished.latest)
        if any(wished.left_by(day, start) is None for start in day.starts)
    }
    dates = {wished.earliest + timedelta(days=n) for n in range((wished.latest - MONDAY).days + 1)}
    blocked = [each.day for each in proposal.blocked]
    assert len(blocked) == len(set(blocked))
    assert not free & set(blocked)
    assert {each for each in dates if wished.earliest <= each <= wished.latest} >= free
    assert len(free) + len(blocked) == (wished.latest - wished.earliest).days + 1
    assert proposal.between[0].rule == "series_fit"


def test_an_empty_clinic_gives_three_a_week_from_the_first_day_at_one_time() -> None:
    where = place(open_=hours(weekdays=[1, 3, 5]))
    best, *others = plan_series(MOOD, 6, wishes(), where).plans
    assert shown(best) == [f"{day} 09:00" for day in ("Mon 05", "Wed 07", "Fri 09")] + [
        f"{day} 09:00" for day in ("Mon 12", "Wed 14", "Fri 16")
    ]
    assert {item.name: item.points for item in best.items if item.points} == {"course": 44}
    assert len(others) == OFFERED - 1


def on(plan: Plan) -> list[str]:
    return [f"{each.day:%a %d}" for each in plan.infusions]


def test_the_plans_that_are_offered_are_on_other_dates_though_the_best_has_other_hours_too() -> (
    None
):
    plans = plan_series(MOOD, 6, wishes(), place(open_=hours(9, 19))).plans
    assert len(plans) == OFFERED
    assert [plan.points for plan in plans] == sorted(plan.points for plan in plans)
    for one, other in combinations(plans, 2):
        assert len({*on(one)} & {*on(other)}) <= 3
    assert [difference(plans[0], plan) for plan in plans[1:]] == [
        "3 of 6 dates are not the first plan's: 2026-10-05 to 2026-10-17, on Mon, Tue, Wed, Thu,"
        " Fri, Sat.",
        "6 of 6 dates are not the first plan's: 2026-10-06 to 2026-10-17, on Tue, Thu, Sat.",
    ]


def test_where_the_dates_leave_no_choice_hours_are_offered_that_a_patient_would_notice() -> None:
    """Mondays, Wednesdays and Fridays of two weeks: a quarter of an hour later is no choice."""
    asked = wishes(12, weekdays=frozenset({1, 3, 5}))
    plans = plan_series(MOOD, 6, asked, place(open_=hours(9, 19))).plans
    assert {tuple(on(plan)) for plan in plans} == {tuple(on(plans[0]))}
    assert [plan.usual_min // 60 for plan in plans] == [9, 10, 11]
    assert difference(*plans[:2]) == "The first plan's dates, around 10:00 instead of 09:00."
    narrow = plan_series(MOOD, 6, asked, place(open_=hours(9, 10)))
    assert len(narrow.plans) == 1


def test_eight_infusions_on_mondays_and_thursdays_are_planned_with_advice_on_their_length() -> None:
    where = place(open_=hours(weekdays=[1, 4]))
    best = plan_series(MOOD, 8, wishes(), where).plans[0]
    advice = advice_on_series(
        MOOD, numbered([each.starts_at for each in best.infusions]), ALEXANDRIA
    )
    assert [each[:25] for each in advice] == ["The last infusion is 24 l"]


def test_the_points_of_a_plan_are_explained_item_by_item() -> None:
    where = place(taken=[booked(MONDAY + timedelta(days=2), 0, 24 * 60)], open_=hours(9, 10))
    best = plan_series(SMALL, 3, wishes(weekdays=frozenset({1, 3, 5})), where).plans[0]
    told = {item.name: (item.points, item.detail) for item in best.items}
    assert told == {
        "wait": (0, "0 days from 2026-10-05 to the first infusion"),
        "course": (28, "7 days from the first to the last"),
        "long_gaps": (0, "0 days beyond gaps of 5, which are advised"),
        "crowded_weeks": (0, "0 infusions beyond 3 in a week"),
        "usual_time": (0, "0 minutes in all away from 09:00"),
        "outside_wishes": (0, "0 visits outside the weekdays, times or dates asked for"),
    }


def test_four_in_a_week_are_avoided_unless_nothing_else_fits() -> None:
    eleven_days = plan_series(MOOD, 6, wishes(11), place())
    assert [item.points for item in eleven_days.plans[0].items if item.name == "crowded_weeks"] != [
        0
    ]
    more = plan_series(MOOD, 6, wishes(13), place()).plans[0]
    assert [item.points for item in more.items if item.name == "crowded_weeks"] == [0]


def test_a_weekly_cap_that_is_on_record_is_kept() -> None:
    capped = replace(MOOD, weekly_cap=3, sources=MOOD.sources)
    assert plan_series(capped, 6, wishes(11), place()).plans == ()
    for plan in plan_series(capped, 6, wishes(13), place()).plans:
        assert broken_of(plan, place(protocol=capped), capped) == []


def test_pain_infusions_are_planned_on_consecutive_days() -> None:
    where = place(figures=visit(PAIN_MIN), protocol=PAIN, open_=hours(9, 17, range(1, 6)))
    for plan in plan_series(PAIN, 4, wishes(), where).plans:
        gaps = [(b.day - a.day).days for a, b in pairwise(plan.infusions)]
        assert gaps == [1, 1, 1]
    six_days_open = plan_series(PAIN, 5, wishes(weekdays=frozenset({1, 2, 3, 4})), where)
    assert six_days_open.plans == ()
    assert [each.leaves for each in six_days_open.nearest[0].infusions].count(None) == 4


def test_the_chair_with_the_least_room_around_the_visit_is_taken() -> None:
    """So that the four hours of a pain infusion stay free in the other."""
    taken = [booked(MONDAY, 9 * 60, 10 * 60, n=1), booked(MONDAY, 11 * 60, 17 * 60, n=1)]
    where = place(chairs=2, taken=taken)
    plan = plan_series(SMALL, 3, wishes(from_min=600, until_min=660), where).plans[0]
    assert plan.infusions[0].chair_id == chair(1)


@pytest.mark.parametrize(
    ("first", "until", "elapsed"),
    [
        (date(2026, 10, 30), "Sun 01", [49]),  # clocks go back on November 1
        (date(2027, 3, 12), "Sun 14", [47]),  # clocks go forward on March 14
    ],
)
def test_days_and_wall_times_hold_when_the_clocks_change(
    first: date, until: str, elapsed: list[int]
) -> None:
    two = replace(MOOD, size_min=2)
    where = place(open_=hours(12, 13))
    plan = plan_series(two, 2, wishes(3, first), where).plans[0]
    assert shown(plan) == [f"Fri {first.day} 12:00", f"{until} 12:00"]
    gaps = [(b.starts_at - a.starts_at) / timedelta(hours=1) for a, b in pairwise(plan.infusions)]
    assert gaps == elapsed


@pytest.mark.parametrize(
    ("day", "times"),
    [
        # 01:00 to 04:00 on the wall: two hours in March, four in November
        (date(2027, 3, 14), ["01:00", "03:00"]),
        (date(2026, 11, 1), ["01:00", "02:00", "03:00"]),
    ],
)
def test_no_visit_begins_at_a_time_that_a_day_skips_or_before_its_place_opens(
    day: date, times: list[str]
) -> None:
    where = place(figures=visit(60, every_min=60), open_=hours(1, 4))
    [only] = days_of(where, day, day)
    assert [f"{each.at.astimezone(ALEXANDRIA):%H:%M}" for each in only.starts] == times
    assert all(each.at.astimezone(ALEXANDRIA).hour * 60 == each.wall_min for each in only.starts)


def test_a_visit_that_is_booked_in_the_repeated_hour_blocks_that_hour_only() -> None:
    """Half past one comes twice on 2026-11-01; the second one is an hour later."""
    day = date(2026, 11, 1)
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    taken = [Slot(second, second + timedelta(minutes=30), chair(0), OTHER_PATIENT)]
    where = place(taken=taken, figures=visit(60, every_min=60), open_=hours(1, 4))
    [only] = days_of(where, day, day)
    assert [each.wall_min for each in only.starts] == [60, 120, 180]


def test_a_full_clinic_is_planned_the_same_twice() -> None:
    where = place(
        chairs=5, taken=filled(5, 0.8, 30, seed=7), open_=hours(9, 21), nurses=roster(2, 3)
    )
    asked = wishes(weekdays=frozenset(WEEK), from_min=12 * 60)
    first = plan_series(MOOD, 8, asked, where)
    assert first.plans
    assert first == plan_series(MOOD, 8, asked, where)
