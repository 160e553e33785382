"""A change of one infusion and the smallest re-plan of those after it, proposed and approved."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.auth import Role
from tests.scheduling.conftest import NOON, Clinic, bearer, every

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


def start(visit: dict[str, Any], days: int = 0) -> datetime:
    return datetime.fromisoformat(visit["starts_at"]) + days * DAY


async def propose(clinic: Clinic, series: dict[str, Any], **change: Any) -> Any:
    body = {"change": change} if change else {}
    return await clinic.post(f"/series/{series['series_id']}/replans", body)


async def refused(clinic: Clinic, series: dict[str, Any], **change: Any) -> list[tuple[str, str]]:
    body = {"change": change} if change else {}
    return await clinic.refused(f"/series/{series['series_id']}/replans", body)


async def approve(clinic: Clinic, proposed: dict[str, Any]) -> Any:
    return await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})


def move(visit: dict[str, Any], starts_at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "move",
        "appointment_id": visit["appointment_id"],
        "starts_at": starts_at.isoformat(),
    } | fields


def cancel(visit: dict[str, Any], reason: str = "patient_asked") -> dict[str, Any]:
    return {"kind": "cancel", "appointment_id": visit["appointment_id"], "reason": reason}


def fates(proposed: dict[str, Any]) -> list[tuple[str, int | None]]:
    return [(each["fate"], each["sequence_no"]) for each in proposed["visits"]]


async def test_a_move_within_the_gaps_moves_nothing_else(clinic: Clinic) -> None:
    series = await clinic.series()
    third = series["appointments"][2]
    proposed = await propose(clinic, series, **move(third, start(third, 1)))
    assert fates(proposed) == [("stays", 4), ("stays", 5), ("stays", 6)]
    assert (proposed["points"], proposed["missing"]) == (0, 0)
    applied = await approve(clinic, proposed)
    before = [visit["starts_at"] for visit in series["appointments"]]
    after = [visit["starts_at"] for visit in applied["appointments"]]
    assert [n for n in range(6) if before[n] != after[n]] == [2]


async def test_a_move_that_crowds_the_next_moves_as_few_as_can_be_and_keeps_rides_that_hold(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    for visit in visits:
        await clinic.step(visit, "ride", {"mode": "rideshare"})
    series = await clinic.get(f"/series/{series['series_id']}")
    proposed = await propose(clinic, series, **move(visits[2], start(visits[2], 2)))
    assert fates(proposed) == [("moves", 4), ("stays", 5), ("stays", 6)]
    [moved, *rest] = proposed["visits"]
    assert start(moved) == start(visits[3], 1)
    assert "1 local day after the one before it" in moved["why"]
    assert [each["ride_kept"] for each in proposed["visits"]] == [False, True, True]
    assert [each["detail"] for each in proposed["why"]] == [
        "0 visits go outside the weekdays, times or dates asked for",
        "1 visits move",
        "1440 minutes in all between old and new times",
    ]
    before = await clinic.get(f"/series/{series['series_id']}")
    assert before == series, "a proposal changes nothing"
    applied = await approve(clinic, proposed)
    assert [visit["ride"] is not None for visit in applied["appointments"]] == [
        True, True, False, False, True, True
    ]  # fmt: skip
    assert [visit["revision"] for visit in applied["appointments"]] == [0, 0, 1, 1, 0, 0]
    kinds = Counter(await clinic.kinds_said(series["patient_id"]))
    assert (kinds["AppointmentMoved"], kinds["AppointmentBooked"]) == (2, 6)
    assert rest


async def test_a_cancelled_infusion_is_given_back_where_its_gap_needs_it(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    third = series["appointments"][2]
    proposed = await propose(clinic, series, **cancel(third))
    assert fates(proposed) == [("added", None), ("stays", 4), ("stays", 5), ("stays", 6)]
    applied = await approve(clinic, proposed)
    states = [(visit["sequence_no"], visit["state"]) for visit in applied["appointments"]]
    assert Counter(state for _, state in states) == {"booked": 6, "cancelled": 1}
    assert (3, "cancelled") in states
    assert (7, "booked") in states
    kinds = Counter(await clinic.kinds_said(series["patient_id"]))
    assert (kinds["AppointmentCancelled"], kinds["AppointmentBooked"]) == (1, 7)
    assert kinds["AppointmentMoved"] == 0


async def asked(
    clinic: Clinic, series: dict[str, Any], change: dict[str, Any], **preferences: Any
) -> Any:
    body = {"change": change, "preferences": preferences}
    return await clinic.post(f"/series/{series['series_id']}/replans", body)


async def test_what_moves_or_is_added_goes_where_the_patient_can_come(clinic: Clinic) -> None:
    """Infusions at noon on October 7, 10, 13, 16, 19 and 22; the third goes to the 15th."""
    series = await clinic.series()
    visits = series["appointments"]
    crowds = move(visits[2], start(visits[2], 2))
    plain = await propose(clinic, series, **crowds)
    assert start(plain["visits"][0]) == start(visits[3], 1)  # Saturday the 17th
    proposed = await asked(clinic, series, crowds, weekdays=[2, 7], **{"from": "14:00"})
    assert fates(proposed) == [("moves", 4), ("moves", 5), ("stays", 6)]
    assert [each["local"] for each in proposed["visits"]] == [
        "2026-10-18T14:00:00-04:00",
        "2026-10-20T14:00:00-04:00",
        "2026-10-22T12:00:00-04:00",
    ]
    assert {each["leaves"] for each in proposed["visits"]} == {""}
    applied = await approve(clinic, proposed)
    assert applied["appointments"][3]["starts_at"] == proposed["visits"][0]["starts_at"]


async def test_where_the_wishes_leave_no_re_plan_the_smallest_says_what_it_leaves(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    crowds = move(visits[2], start(visits[2], 2))
    proposed = await asked(clinic, series, crowds, weekdays=[3], until="11:00", latest="2026-10-20")
    assert fates(proposed) == [("moves", 4), ("stays", 5), ("stays", 6)]
    [moved, *rest] = proposed["visits"]
    assert moved["leaves"] == "It is on a Saturday, at 12:00, which was not asked for."
    assert {each["leaves"] for each in rest} == {""}
    assert proposed["why"][0]["detail"].startswith("1 visits go outside the weekdays, times")
    assert await clinic.get(f"/replans/{proposed['replan_id']}") == proposed
    later = await asked(clinic, series, crowds, earliest="2026-10-18")
    assert [each["local"][:10] for each in later["visits"][:2]] == ["2026-10-18", "2026-10-20"]


async def test_wishes_for_a_re_plan_are_judged_as_those_for_a_plan(clinic: Clinic) -> None:
    series = await clinic.series()
    body = {"preferences": {"earliest": "2026-10-01", "latest": "2028-10-01"}} | {
        "change": cancel(series["appointments"][2])
    }
    assert await clinic.refused(f"/series/{series['series_id']}/replans", body) == [
        ("bookable_time", "preferences.earliest"),
        ("bookable_time", "preferences.latest"),
        ("plan_span", "preferences.latest"),
    ]


@pytest.mark.parametrize("how", ["missed", "sent home"])
async def test_a_series_is_mended_after_an_infusion_was_lost_on_its_day(
    clinic: Clinic, how: str
) -> None:
    series = await clinic.series(every(4, 6))
    first, second = series["appointments"][:2]
    await clinic.given(first)
    clinic.be_there(second, late=timedelta(minutes=5))
    if how == "missed":
        proposed = await propose(clinic, series, **cancel(second, "no_show"))
    else:
        await clinic.step(second, "check-in", {"fasted": False})
        await clinic.step(second, "send-home", {"reason": "not_fasted"})
        proposed = await propose(clinic, series)
    assert fates(proposed)[0] == ("added", None)
    assert [fate for fate, _ in fates(proposed)[1:]] == ["stays"] * 4
    applied = await approve(clinic, proposed)
    assert applied["advice"] == []
    booked = [visit for visit in applied["appointments"] if visit["state"] == "booked"]
    assert len(booked) == 5
    for visit in booked:
        await clinic.given(visit)
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "completed"


async def test_visits_that_take_each_other_s_places_are_moved_at_once(clinic: Clinic) -> None:
    """The third takes the fourth's time while the fourth moves on, in one chair."""
    series = await clinic.series(every(2, 6))
    third, fourth = series["appointments"][2:4]
    proposed = await propose(clinic, series, **move(third, start(fourth)))
    assert fates(proposed) == [("moves", 4), ("moves", 5), ("moves", 6)]
    applied = await approve(clinic, proposed)
    starts = [start(visit) for visit in applied["appointments"]]
    assert starts == [NOON + n * DAY for n in (0, 2, 6, 8, 10, 12)]


async def test_a_proposal_for_a_series_that_changed_is_refused_with_how_it_is_now(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    proposed = await propose(clinic, series, **move(visits[1], start(visits[1], 1)))
    await clinic.step(visits[4], "cancel", {"reason": "patient_asked"})
    answer = await clinic.send(f"/replans/{proposed['replan_id']}/approve", {})
    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("changed_meanwhile", "replan_id")
    assert "Infusion 5 is cancelled at revision 1, for 2026-10-19 12:00" in violation["detail"]


async def test_a_proposal_is_applied_once_and_runs_out(clinic: Clinic) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    late = await propose(clinic, series, **move(visits[1], start(visits[1], 1)))
    path = f"/replans/{late['replan_id']}/approve"
    clinic.clock.step(timedelta(minutes=60))
    assert await clinic.refused(path, {}) == [("replan_expired", "replan_id")]
    proposed = await propose(clinic, series, **move(visits[1], start(visits[1], 1)))
    path = f"/replans/{proposed['replan_id']}/approve"
    answers = await asyncio.gather(*(clinic.send(path, {}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]
    assert await clinic.refused(path, {}) == [("replan_applied", "replan_id")]
    assert await clinic.get(f"/replans/{proposed['replan_id']}") == proposed


async def test_a_chair_that_another_took_meanwhile_refuses_the_whole_re_plan(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    proposed = await propose(clinic, series, **move(visits[2], start(visits[2], 2)))
    taken = start(proposed["visits"][0])
    await clinic.series([taken, *every(2, 5, taken + timedelta(days=2, hours=2))])
    before = await clinic.get(f"/series/{series['series_id']}")
    path = f"/replans/{proposed['replan_id']}/approve"
    assert await clinic.refused(path, {}) == [("chair_taken", "chair_id")]
    assert await clinic.get(f"/series/{series['series_id']}") == before


async def test_no_re_plan_breaks_a_hard_gap_and_the_rule_says_so(clinic: Clinic) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    field = "change.starts_at"
    assert await refused(clinic, series, **move(visits[2], start(visits[2], 5))) == [
        ("series_gap", field)
    ]
    back = await refused(clinic, series, **move(visits[2], start(visits[1])))
    assert back[0] == ("series_order", field)
    await clinic.post(
        f"/locations/{clinic.location_id}/closures",
        {"first_on": "2026-10-14", "last_on": "2026-10-18", "reason": "Made up"},
    )
    moved = move(visits[1], start(visits[1], 3))  # the 13th; the next is due by the 20th
    proposed = await propose(clinic, series, **moved)
    assert {each["local"][:10] for each in proposed["visits"]} & {"2026-10-19", "2026-10-20"}
    await clinic.post(
        f"/locations/{clinic.location_id}/closures",
        {"first_on": "2026-10-19", "last_on": "2026-12-30", "reason": "Made up"},
    )
    second, third = visits[1], visits[2]
    broken = await refused(clinic, series, **move(second, start(second, 3)))
    assert ("series_gap", "change") in broken
    assert ("closed", "preferences") in broken
    assert third


async def test_what_is_past_and_unsettled_is_recorded_before_a_re_plan(clinic: Clinic) -> None:
    series = await clinic.series()
    first, second = series["appointments"][:2]
    clinic.be_there(first, late=timedelta(hours=2))
    assert await refused(clinic, series, **move(second, start(second, 1))) == [
        ("visit_unsettled", "change")
    ]
    proposed = await propose(clinic, series, **cancel(first, "no_show"))
    assert Counter(fate for fate, _ in fates(proposed)) == {"stays": 5, "added": 1}


async def test_what_a_re_plan_is_not_for(clinic: Clinic) -> None:
    series = await clinic.series()
    visits = series["appointments"]
    last = visits[-1]
    nothing = [("nothing_to_replan", "change")]
    assert await refused(clinic, series, **move(last, start(last, 1))) == nothing
    stranger = move(visits[0], start(visits[0], 1)) | {"appointment_id": str(uuid4())}
    assert await refused(clinic, series, **stranger) == [
        ("unknown_infusion_of_the_series", "change.appointment_id")
    ]
    assert await refused(clinic, series, **cancel(visits[0], "no_show")) == [
        ("not_missed_yet", "reason")
    ]
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "No relief."})
    assert ("series_state", "series_id") in await refused(clinic, series)
    for path in (f"/series/{uuid4()}/replans", f"/replans/{uuid4()}/approve"):
        assert (await clinic.send(path, {})).status_code == 404
    clinic.headers = bearer(Role.NURSE)
    assert (await clinic.send(f"/series/{series['series_id']}/replans", {})).status_code == 403
