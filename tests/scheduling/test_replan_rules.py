"""No legal re-plan is smaller than the one that is found: checked against every other there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import combinations, pairwise, product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.rules.clinic.policy import Closure, at_wall
from services.scheduling.rules.planner.day import Day
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.search import Calendar
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.replans.reasons import why_of
from services.scheduling.rules.replans.search import Merge
from services.scheduling.rules.replans.smallest import (
    Displaced,
    Fate,
    Replan,
    Replanned,
    Standing,
    TooMany,
    replan,
    wall_minute,
)
from services.scheduling.rules.series.protocols import InfusionProtocol
from tests.scheduling.figures import MOOD, PAIN, PLANNING
from tests.scheduling.instances import ALEXANDRIA, MONDAY, WEEK, booked, chair, hours, place

NOON_MIN = 12 * 60
pytestmark = pytest.mark.disable_socket


def standing(day: int, *, at_min: int = NOON_MIN, n: int = 0) -> Standing:
    here = MONDAY + timedelta(days=day)
    return Standing(
        UUID(int=n + 1), n + 1, chair(0), at_wall(here, at_min, ALEXANDRIA), here, at_min
    )


def free(last: int, *, closed: Sequence[int] = (), from_: int = 9, until: int = 17) -> list[Day]:
    taken = [booked(MONDAY + timedelta(days=n), 0, 24 * 60) for n in closed]
    here = place(taken=taken, open_=hours(from_, until))
    return days_of(here, MONDAY, MONDAY + timedelta(days=last))


def smallest(
    protocol: InfusionProtocol,
    before: Sequence[date],
    later: Sequence[Standing],
    adding: int,
    days: Sequence[Day],
    weekdays: frozenset[int],
) -> tuple[int, int, int] | None:
    """Of any legal re-plan, by trying all of them: the fewest that move or are added on a weekday
    that was not asked for, the least moves, the least shift.
    """
    usable = [day.day for day in days if day.starts]
    best: tuple[int, int, int] | None = None
    for added in combinations(range(len(later) + adding), adding):
        rest = iter(later)
        of = [None if n in added else next(rest) for n in range(len(later) + adding)]
        options = [usable if each is None else sorted({*usable, each.day}) for each in of]
        for chain in product(*options):
            whole = [*before[-1:], *chain]
            gaps = [(b - a).days for a, b in pairwise(whole)]
            if any(not protocol.gap_min_days <= gap <= protocol.gap_max_days for gap in gaps):
                continue
            shifts = [
                abs((day - each.day).days) for day, each in zip(chain, of, strict=True) if each
            ]
            outside = sum(
                day.isoweekday() not in weekdays
                for day, each in zip(chain, of, strict=True)
                if each is None or each.day != day
            )
            found = outside, sum(shift > 0 for shift in shifts), sum(shifts)
            best = found if best is None else min(best, found)
    return best


def cost(found: Replan) -> tuple[int, int, int]:
    moved = [each for each in found.visits if each.fate is Fate.MOVES]
    outside = sum(each.leaves is not None for each in found.visits)
    return outside, len(moved), sum(each.shift_min for each in moved) // (24 * 60)


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(st.integers(2, 5), min_size=1, max_size=3),
    change=st.integers(-1, 4),
    adding=st.integers(0, 1),
    closed=st.sets(st.integers(0, 22), max_size=12),
    protocol=st.sampled_from([MOOD, PAIN]),
    weekdays=st.just(frozenset(WEEK)) | st.frozensets(st.integers(1, 7), min_size=2),
)
def test_no_legal_re_plan_is_smaller_nor_keeps_more_of_the_wishes(
    days: list[int],
    change: int,
    adding: int,
    closed: set[int],
    protocol: InfusionProtocol,
    weekdays: frozenset[int],
) -> None:
    before = [MONDAY + timedelta(days=max(change, 0))]
    at, later = 0, []
    for n, gap in enumerate(days):
        at += gap if protocol is MOOD else 1
        later.append(standing(at, n=n))
    calendar = free(22, closed=sorted(closed))
    wishes = Preferences(MONDAY, MONDAY + timedelta(days=22), weekdays)
    found = replan(PLANNING, protocol, before, later, adding, calendar, NOON_MIN, wishes=wishes)
    assert not isinstance(found, TooMany)
    least = smallest(protocol, before, later, adding, calendar, weekdays)
    if found is None or found.missing:
        assert least is None
        return
    assert cost(found) == least
    chain = [*before, *(each.day for each in found.visits)]
    for earlier, after in pairwise(chain):
        assert protocol.gap_min_days <= (after - earlier).days <= protocol.gap_max_days
    order = [each.of.sequence_no for each in found.visits if each.of is not None]
    assert order == sorted(order)


def test_a_visit_keeps_its_time_of_day_and_its_chair_where_it_can() -> None:
    found = replan(PLANNING, MOOD, [MONDAY], [standing(1)], 0, free(14), NOON_MIN)
    assert found is not None
    [moved] = found.visits
    assert (moved.fate, moved.day, moved.shift_min) == (
        Fate.MOVES,
        MONDAY + timedelta(days=2),
        24 * 60,
    )
    assert wall_minute(moved.starts_at, ALEXANDRIA) == NOON_MIN


def test_a_series_keeps_what_is_missing_rather_than_a_gap_broken() -> None:
    found = replan(PLANNING, MOOD, [MONDAY], [standing(3)], 3, free(6), NOON_MIN)
    assert found is not None
    assert found.missing > 0
    assert (
        replan(PLANNING, MOOD, [MONDAY], [standing(9)], 0, free(30, closed=range(8)), NOON_MIN)
        is None
    )


@pytest.mark.parametrize(("first", "utc_hour"), [(date(2026, 10, 30), 17), (date(2027, 3, 12), 16)])
def test_a_move_over_a_night_on_which_clocks_change_keeps_the_wall_s_time(
    first: date, utc_hour: int
) -> None:
    def at(day: date) -> datetime:
        return at_wall(day, NOON_MIN, ALEXANDRIA)

    next_day = first + timedelta(days=1)
    later = Standing(UUID(int=1), 2, chair(0), at(next_day), next_day, NOON_MIN)
    calendar = days_of(place(open_=hours(9, 17)), first, first + timedelta(days=7))
    found = replan(PLANNING, MOOD, [first], [later], 0, calendar, NOON_MIN)
    assert found is not None
    [moved] = found.visits
    assert moved.day == first + timedelta(days=2)
    assert moved.starts_at.hour == utc_hour
    assert moved.shift_min == 24 * 60


def merged(later: int, adding: int, protocol: InfusionProtocol = MOOD) -> tuple[Merge, int]:
    """A search for a series of which so many may move, and so many are missing."""
    days = free((later + adding) * protocol.gap_max_days)
    calendar = Calendar(protocol, PLANNING, [day.day for day in days], [MONDAY])
    points = [0.0] * len(days)
    return Merge(calendar, [points] * later, points), len(calendar.nodes)


@pytest.mark.parametrize("adding", [2, 8, 14])
def test_a_search_looks_at_no_state_twice_however_many_are_added(adding: int) -> None:
    merge, nodes = merged(6, adding)
    found = merge.best(adding)
    assert found is not None
    assert len(found.places) == 6 + adding
    assert merge.looked_at <= merge.most_states(adding) == nodes * 7 * (adding + 1)
    assert merge.looked_at < 100_000
    before = merge.looked_at
    assert merge.best(adding - 1) is not None
    assert merge.looked_at - before < before, "fewer are searched for with what was found for more"


def test_more_than_can_be_searched_through_is_told_and_not_begun() -> None:
    later = [standing(3 + 3 * n, n=n) for n in range(20)]
    close = replace(MOOD, gap_min_days=1)
    found = replan(PLANNING, close, [MONDAY], later, 40, free(60 * 7), NOON_MIN)
    assert found == TooMany(20, 40)


def test_no_infusion_stays_on_a_day_on_which_the_place_is_closed() -> None:
    later = [standing(3), standing(6, n=1), standing(9, n=2)]
    here = place(open_=hours(9, 17))
    closed = Closure(MONDAY + timedelta(days=6), MONDAY + timedelta(days=6), "Made up")
    shut = replace(here, policy=replace(here.policy, closures=(closed,)))
    days = days_of(shut, MONDAY, MONDAY + timedelta(days=20))
    later[1] = replace(later[1], displaced=Displaced(frozenset({"closed"}), NOON_MIN, 50))
    found = replan(PLANNING, MOOD, [MONDAY], later, 0, days, NOON_MIN)
    assert isinstance(found, Replan)
    assert [each.fate for each in found.visits] == [Fate.STAYS, Fate.MOVES, Fate.STAYS]
    assert (found.visits[1].day - MONDAY).days in {5, 7}
    assert why_of(MOOD, later[0].day, found.visits[1], closed) == (
        "The place is closed on 2026-10-11: Made up."
    )


def test_a_gap_of_which_one_length_is_right_is_told_as_one() -> None:
    had = standing(3)
    moves = Replanned(Fate.MOVES, had, had.chair_id, had.starts_at, had.day)
    assert why_of(PAIN, MONDAY, moves).endswith("right would be 1.")


@pytest.mark.parametrize("booked_on", [0, -1])
def test_a_visit_on_or_before_the_day_of_the_one_before_it_is_told_so(booked_on: int) -> None:
    """No text counts minus one local days."""
    had = standing(booked_on)
    why = why_of(MOOD, MONDAY, Replanned(Fate.MOVES, had, had.chair_id, had.starts_at, had.day))
    assert why == "Its old time is not after 2026-10-05, the day of the one before it."
