"""The planner offers a plan if and only if there is one, the best there is, and its no is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.scheduling.rules.clinic.policy import Closure, Roster, Shift, Window
from services.scheduling.rules.clinic.rooms import Used
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.plan import Plan
from services.scheduling.rules.planner.plans import Blocked, plan_series
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series.earlier import Rest
from services.scheduling.rules.series.protocols import InfusionProtocol
from tests.scheduling.enumerated import BEYOND_DAYS, Enumerated
from tests.scheduling.figures import MOOD
from tests.scheduling.instances import (
    LONG_AGO,
    MONDAY,
    OTHER_PATIENT,
    PATIENT,
    WEEK,
    booked,
    chair,
    hours,
    place,
    visit,
)

ELSEWHERE, OUT = chair(9), chair(8)
SOURCES = {
    "no_drive_min": "made up",
    "fasting_min": "made up",
    "room_needed": "made up",
    "weekly_cap": "made up",
}
COUNTS = st.integers(min_value=2, max_value=4)


def room(n: int) -> UUID:
    return UUID(int=2000 + n)


@st.composite
def taken(draw: st.DrawFn, first: date, days: int, opens: int) -> Slot:
    """A visit in one of the chairs, in one out of service, or elsewhere; some of the patient's."""
    day = first + timedelta(days=draw(st.integers(-1, days)))
    quarter = draw(st.integers(opens * 4 - 8, opens * 4 + 20) | st.integers(0, 95))
    begins = booked(day, quarter * 15, 24 * 60).starts_at
    ends = begins + timedelta(minutes=draw(st.sampled_from([7, 50, 75, 240, 600])))
    chair_id = draw(st.sampled_from([chair(0), chair(1), OUT, ELSEWHERE]))
    whose = draw(st.sampled_from([PATIENT, *[OTHER_PATIENT] * 4]))
    ban = draw(st.none() | st.just(ends + timedelta(hours=6)))
    return Slot(begins, ends, chair_id, whose, ban, minds_ban=draw(st.booleans()))


@st.composite
def rosters(draw: st.DrawFn, opens: int) -> Roster:
    """One or two shifts a day, which may overlap or leave an hour between them."""
    shifts = []
    for _ in range(draw(st.integers(1, 2))):
        begins = draw(st.integers(0, opens + 2))
        until = draw(st.integers(begins + 1, 24))
        nurses = draw(st.integers(1, 2))
        shifts += [Shift(Window(day, begins * 60, until * 60), nurses) for day in WEEK]
    return Roster(LONG_AGO, draw(st.integers(1, 2)), tuple(shifts), "made up roster")


@st.composite
def protocols(draw: st.DrawFn) -> InfusionProtocol:
    least = draw(st.sampled_from([1, 1, 2, 3]))
    advised = least + draw(st.integers(0, 2))
    return replace(
        MOOD,
        size_min=2,
        size_max=4,
        gap_min_days=least,
        gap_advised_days=advised,
        gap_max_days=advised + draw(st.integers(0, 2)),
        weekly_cap=draw(st.sampled_from([None, 2, 3])),
        weekly_advised=draw(st.sampled_from([None, 1, 2])),
        sources={**MOOD.sources, **SOURCES},
    )


@st.composite
def used(draw: st.DrawFn, first: date, days: int, opens: int) -> Used:
    day = first + timedelta(days=draw(st.integers(0, days)))
    begins = booked(day, draw(st.integers(max(opens - 3, 0), opens + 4)) * 60, 24 * 60).starts_at
    return Used(room(draw(st.integers(0, 1))), begins, begins + timedelta(minutes=200))


RESOURCES = ("patient_taken", "nurses_busy", "room_taken", "chair_taken")

EVERY_DAY = st.just(frozenset(WEEK))
WEEKDAYS = EVERY_DAY | EVERY_DAY | st.frozensets(st.integers(1, 7), min_size=2)


@st.composite
def clinics(draw: st.DrawFn) -> Enumerated:
    """Small clinics in which anything may stand in the way, so that all can be tried."""
    first = draw(st.sampled_from([MONDAY, date(2026, 10, 29), date(2027, 3, 11)]))
    days = draw(st.sampled_from([3, 6, 8, 10]))
    protocol = draw(protocols())
    figures = replace(
        visit(
            50,
            recovery_min=draw(st.sampled_from([0, 25])),
            every_min=draw(st.sampled_from([30, 60])),
        ),
        room_needed=draw(st.sampled_from([False, False, True])),
        sources=SOURCES,
    )
    opens = draw(st.integers(0, 18))
    closes = draw(st.integers(opens + 2, min(opens + 6, 24)))
    closed = first + timedelta(days=draw(st.integers(0, 3 * days)))
    where = place(
        chairs=draw(st.sampled_from([0, 1, 1, 2, 2, 2])),
        taken=draw(st.lists(taken(first, days, opens), max_size=draw(st.sampled_from([2, 20])))),
        protocol=protocol,
        figures=figures,
        open_=hours(opens, closes, draw(WEEKDAYS)),
        nurses=draw(st.none() | rosters(opens)),
        closures=[Closure(closed, closed + timedelta(days=draw(st.integers(0, 2))), "Made up")],
        now=booked(first, draw(st.integers(0, 23 * 60)), 24 * 60).starts_at,
    )
    others = draw(st.just([]) | st.lists(st.integers(-5, days), max_size=3))
    given_on = tuple(sorted(first + timedelta(days=n) for n in others))
    where = replace(
        where,
        rest=Rest(protocol.gap_min_days, "made up", given_on) if given_on else None,
        rooms=[room(n) for n in range(draw(st.sampled_from([0, 1, 2, 2])))],
        rooms_used=draw(st.lists(used(first, days, opens), max_size=5)),
        out_of_service=[OUT],
    )
    asked_from = draw(st.integers(max(opens - 2, 0), max(opens, closes - 3))) * 60
    until = min(asked_from + draw(st.integers(2, 12)) * 60, 24 * 60)
    latest = first + timedelta(days=days - 1)
    return Enumerated(
        where, protocol, Preferences(first, latest, draw(WEEKDAYS), asked_from, until)
    )


def assert_legal(plan: Plan, clinic: Enumerated, count: int, *, strict: bool) -> None:
    assert len(plan.infusions) == count
    days = [each.day for each in plan.infusions]
    assert tuple(days) in set(clinic.plans(count, days))
    for each in plan.infusions:
        [time] = [one for one in clinic.legal(each.day) if one.at == each.starts_at]
        assert time.within == (each.leaves is None)
        assert time.within or not strict
        ends = each.starts_at + timedelta(minutes=clinic.figures().holds_min)
        assert each.chair_id in clinic.where.chairs
        assert not any(
            other.chair_id == each.chair_id
            and other.starts_at < ends
            and each.starts_at < other.ends_at
            for other in clinic.where.taken
        )


def forbids(blocked: Blocked, clinic: Enumerated) -> bool:
    """Whether the rule that is named leaves no time of the date by itself."""
    rule, times = blocked.why.rule, clinic.times(blocked.day)
    to_come = [each for each in times if "bookable_time" not in each.lacks]
    left = [each for each in to_come if "fasting_notice" not in each.lacks]
    asked = [each for each in left if each.within]
    of_the_day = {
        "closed": clinic.closed(blocked.day),
        "series_gap": clinic.too_near_to_another(blocked.day),
        "opening_hours": not times,
        "bookable_time": not to_come,
        "fasting_notice": not left,
        "weekday": blocked.day.isoweekday() not in clinic.wished.weekdays,
        "time_window": not asked,
        "times_taken": all(each.lacks for each in asked)
        and not any(all(one in each.lacks for each in asked) for one in RESOURCES),
    }
    if rule in of_the_day:
        return of_the_day[rule]
    lacking = {"room_missing": "room_taken"}.get(rule, rule)
    return all(lacking in each.lacks for each in asked)


@settings(deadline=None, max_examples=150)
@given(clinics(), COUNTS)
def test_a_plan_is_offered_if_and_only_if_there_is_one_and_it_is_the_best_there_is(
    clinic: Enumerated, count: int
) -> None:
    proposal = plan_series(clinic.protocol, count, clinic.wished, clinic.where)
    fewest = clinic.fewest_points(count, strict=True)
    event(f"offered: {bool(proposal.plans)}")
    assert [plan.points for plan in proposal.plans[:1]] == [fewest] * (fewest < float("inf"))
    for plan in proposal.plans:
        assert_legal(plan, clinic, count, strict=True)


@settings(deadline=None, max_examples=150)
@given(clinics(), COUNTS)
def test_beside_the_best_the_best_one_on_other_dates_is_offered_if_and_only_if_there_is_one(
    clinic: Enumerated, count: int
) -> None:
    best, *others = plan_series(clinic.protocol, count, clinic.wished, clinic.where).plans or [None]
    if best is None:
        return
    dates = [each.day for each in best.infusions]
    fewest = clinic.fewest_points_apart(count, dates, best.usual_min)
    apart = [
        plan.points
        for plan in others
        if plan.usual_min == best.usual_min
        and 2 * len({each.day for each in plan.infusions} & {*dates}) <= count
    ]
    event(f"on other dates: {len(apart)}")
    assert sorted(apart)[:1] == [fewest] * (fewest < float("inf"))


@settings(deadline=None, max_examples=100)
@given(clinics(), COUNTS, st.integers(12, 72))
def test_with_a_long_ban_the_best_that_keeps_it_at_one_usual_time_is_offered(
    clinic: Enumerated, count: int, ban_h: int
) -> None:
    """Less is promised: one that leaves the usual time to keep the ban may be missed."""
    [figures] = clinic.where.policy.visits
    banned = replace(figures, no_drive_min=ban_h * 60)
    policy = replace(clinic.where.policy, visits=(banned,))
    clinic = replace(clinic, where=replace(clinic.where, policy=policy))
    proposal = plan_series(clinic.protocol, count, clinic.wished, clinic.where)
    fewest = clinic.fewest_points_at_usual_times(count)
    event(f"offered: {bool(proposal.plans)}")
    assert [plan.points for plan in proposal.plans[:1]] == [fewest] * (fewest < float("inf"))
    for plan in (*proposal.plans, *proposal.nearest):
        assert clinic.keep_bans([each.starts_at for each in plan.infusions])
    for plan in proposal.plans:
        assert_legal(plan, clinic, count, strict=True)


@settings(deadline=None, max_examples=150)
@given(clinics(), COUNTS)
def test_where_there_is_none_the_nearest_is_legal_and_nearest_and_what_blocks_really_blocks(
    clinic: Enumerated, count: int
) -> None:
    proposal = plan_series(clinic.protocol, count, clinic.wished, clinic.where)
    if proposal.plans:
        return
    fewest = clinic.fewest_points(count, strict=False)
    event(f"a nearest plan: {bool(proposal.nearest)}")
    assert [plan.points for plan in proposal.nearest[:1]] == [fewest] * (fewest < float("inf"))
    for plan in proposal.nearest:
        assert_legal(plan, clinic, count, strict=False)
        assert plan.infusions[-1].day <= clinic.wished.latest + timedelta(days=BEYOND_DAYS)
    fits = clinic.most_infusions(count)
    assert proposal.between[0].detail.startswith(f"At most {fits} of {count} infusions fit")
    for blocked in proposal.blocked:
        event(f"blocked: {blocked.why.rule}")
        assert not any(each.within for each in clinic.legal(blocked.day))
        assert forbids(blocked, clinic), blocked


ALONE = replace(MOOD, size_min=1)


@pytest.mark.parametrize(
    ("where", "without"),
    [
        (
            place(
                figures=visit(50, every_min=60),
                open_=hours(9, 11),
                nurses=Roster(
                    LONG_AGO, 2, tuple(Shift(Window(n, 600, 1440), 1) for n in WEEK), "made up"
                ),
                taken=[booked(MONDAY, 600, 660)],
            ),
            "of 2, 1 without a nurse, 1 without a chair.",
        ),
        (
            place(
                figures=visit(50, every_min=60),
                open_=hours(9, 11),
                taken=[booked(MONDAY, 540, 600, n=9, patient=PATIENT), booked(MONDAY, 600, 660)],
            ),
            "of 2, 1 without the patient, 1 without a chair.",
        ),
    ],
)
def test_a_date_that_no_one_rule_blocks_is_told_with_what_each_time_is_without(
    where: Place, without: str
) -> None:
    """The chair is free at nine: saying that none is would be wrong."""
    proposal = plan_series(ALONE, 1, Preferences(MONDAY, MONDAY), where)
    [blocked] = proposal.blocked
    assert blocked.why.rule == "times_taken"
    assert blocked.why.detail.endswith(without)
