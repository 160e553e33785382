"""A roster: how many chairs are watched, and which visits a smaller one leaves unwatched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.rules.clinic.policy import at_wall, broken_by_nurses
from services.scheduling.rules.clinic.rosters import Watched, beyond
from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.instances import ALEXANDRIA, MONDAY, chair, place, roster

DAY = timedelta(days=1)


async def lowered(clinic: Clinic, nurses: int, first: str = "2026-10-06", **shift: str) -> Any:
    span = {"from": "00:00", "until": "24:00"} | shift
    wish = {
        "effective_from": first,
        "chairs_per_nurse": 1,
        "shifts": [{"weekday": n, "nurses": nurses} | span for n in range(1, 8)],
        "source": "made up",
    }
    return await clinic.post(f"/locations/{clinic.location_id}/rosters", wish)


async def two_side_by_side(clinic: Clinic) -> tuple[list[Any], list[Any]]:
    """Two patients at the same hours in two chairs; the second begins half an hour later."""
    await clinic.has_nurses(2, 1)
    first = (await clinic.series(every(3, 6)))["appointments"]
    beside, later = await clinic.chair(), NOON + timedelta(minutes=30)
    second = (await clinic.series(every(3, 6, later), chair_id=beside))["appointments"]
    return first, second


async def test_a_smaller_roster_names_the_visits_that_nobody_watches_then(clinic: Clinic) -> None:
    _, second = await two_side_by_side(clinic)
    answer = await lowered(clinic, 1, "2026-10-10")
    assert [each["appointment_id"] for each in answer["touches"]] == [
        each["appointment_id"] for each in second[1:]
    ]
    assert answer["touches"][0]["series_id"] == second[0]["series_id"]


async def test_a_roster_that_ends_before_a_visit_does_names_it(clinic: Clinic) -> None:
    first, second = await two_side_by_side(clinic)
    answer = await lowered(clinic, 2, until="12:30")
    touched = {each["appointment_id"] for each in answer["touches"]}
    assert touched == {each["appointment_id"] for each in (*first, *second)}


async def test_a_roster_that_is_large_enough_touches_nothing(clinic: Clinic) -> None:
    await two_side_by_side(clinic)
    assert (await lowered(clinic, 2))["touches"] == []


async def test_a_later_roster_has_its_own_days(clinic: Clinic) -> None:
    await two_side_by_side(clinic)
    await lowered(clinic, 2, "2026-10-12")
    assert len((await lowered(clinic, 1, "2026-10-06"))["touches"]) == 2


@given(
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(480, 1080), st.integers(10, 240)), max_size=12),
)
def test_without_those_that_are_named_everybody_is_watched(
    nurses: int, spans: list[tuple[int, int]]
) -> None:
    of = roster(nurses, 1)
    policy = place(nurses=of).policy
    booked = [
        Watched(
            chair(n),
            at_wall(MONDAY, begin, ALEXANDRIA),
            at_wall(MONDAY, begin + minutes, ALEXANDRIA),
        )
        for n, (begin, minutes) in enumerate(sorted(spans))
    ]
    left = set(beyond(policy, of, booked, ALEXANDRIA))
    kept = [each for each in booked if each.appointment_id not in left]
    for each in kept:
        beside = [(one.starts_at, one.ends_at) for one in kept if one != each]
        assert not broken_by_nurses(
            policy, each.starts_at, each.ends_at, beside, ALEXANDRIA, "starts_at"
        )
    assert len(left) <= max(len(booked) - nurses, 0) if nurses else left == set(map(_id, booked))


def _id(each: Watched) -> object:
    return each.appointment_id
