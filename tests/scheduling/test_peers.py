"""What other schedulers are known to get wrong, each as a test of ours.

Cal.com: a recurring booking checked only its first two slots (#15997), rescheduling one of three
made five (#12461), two requests for one slot were both confirmed (#10789, #29958), a slot stayed
blocked after its visit moved away (#21589). OpenEMR: a change of one visit of a series hit them all
(#3661).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)


async def visits_of(clinic: Clinic, series: dict[str, Any]) -> list[dict[str, Any]]:
    shown = await clinic.get(f"/series/{series['series_id']}")
    return list(shown["appointments"])


def start(visit: dict[str, Any], days: int = 0) -> datetime:
    return datetime.fromisoformat(visit["starts_at"]) + days * DAY


async def to_one_day(clinic: Clinic, series: dict[str, Any], number: int, days: int) -> Any:
    visit = series["appointments"][number - 1]
    change = {
        "kind": "move",
        "appointment_id": visit["appointment_id"],
        "starts_at": start(visit, days).isoformat(),
    }
    return await clinic.post(f"/series/{series['series_id']}/replans", {"change": change})


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("path", ["/series", "/holds"])
async def test_every_infusion_of_a_plan_is_checked_not_only_the_first_two(
    clinic: Clinic, number: int, path: str
) -> None:
    taken = NOON + (number - 1) * 3 * DAY
    others = [
        taken + (n + 1 - number) * 3 * DAY + timedelta(hours=n != number - 1) for n in range(6)
    ]
    await clinic.series(others)
    wish = clinic.wish(await clinic.patient(), every(3, 6))
    if path == "/holds":
        del wish["prescriber_id"], wish["diagnoses"]
    broken = await clinic.refused(path, wish)
    assert broken == [("chair_taken", f"appointments.{number - 1}.chair_id")]
    assert await clinic.rows(
        "SELECT count(*) FROM appointments WHERE chair_id = :chair", chair=clinic.chair_id
    ) == [(6,)]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("path", ["/series", "/holds"])
async def test_every_day_of_a_plan_is_checked_not_only_the_first_two(
    clinic: Clinic, number: int, path: str
) -> None:
    day = (NOON + (number - 1) * 3 * DAY).date().isoformat()
    closure = {"first_on": day, "last_on": day, "reason": "made up"}
    await clinic.post(f"/locations/{clinic.location_id}/closures", closure)
    wish = clinic.wish(await clinic.patient(), every(3, 6))
    if path == "/holds":
        del wish["prescriber_id"], wish["diagnoses"]
    broken = await clinic.refused(path, wish)
    assert broken == [("closed", f"appointments.{number - 1}.starts_at")]


async def test_moving_one_of_a_series_leaves_as_many_as_there_were(clinic: Clinic) -> None:
    await clinic.opens()
    series = await clinic.series(every(1, 3), visit_type="ketamine_pain")
    mood = await clinic.series(every(3, 6), chair_id=await clinic.chair())
    third = mood["appointments"][2]
    await clinic.step(third, "move", {"starts_at": start(third, 1).isoformat()})
    mood = await clinic.get(f"/series/{mood['series_id']}")
    proposed = await to_one_day(clinic, mood, 2, 2)
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    for one, count in ((series, 3), (mood, 6)):
        visits = await visits_of(clinic, one)
        assert [visit["appointment_id"] for visit in visits] == [
            visit["appointment_id"] for visit in one["appointments"]
        ]
        assert Counter(visit["state"] for visit in visits) == {"booked": count}


async def test_two_proposals_for_one_chair_are_not_both_confirmed(clinic: Clinic) -> None:
    await clinic.opens()
    at = [every(3, 6, NOON - timedelta(hours=2)), every(3, 6, NOON)]
    both = [await clinic.series(starts) for starts in at]
    hour = (NOON + 4 * DAY + timedelta(hours=2)).isoformat()
    proposed = []
    for series in both:
        change = {
            "kind": "move",
            "appointment_id": series["appointments"][1]["appointment_id"],
            "starts_at": hour,
        }
        path = f"/series/{series['series_id']}/replans"
        proposed.append(await clinic.post(path, {"change": change}))
    answers = await asyncio.gather(
        *(clinic.send(f"/replans/{each['replan_id']}/approve", {}) for each in proposed)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    [lost] = [answer.json() for answer in answers if answer.status_code == 409]
    assert [each["rule"] for each in lost["violations"]] == ["chair_taken"]


async def test_the_slot_that_a_moved_visit_leaves_is_free(clinic: Clinic) -> None:
    await clinic.opens()
    series = await clinic.series()
    second, third = series["appointments"][1:3]
    await clinic.step(second, "move", {"starts_at": start(second, 1).isoformat()})
    there = [start(second), *every(3, 5, start(second, 3) + timedelta(hours=1))]
    await clinic.series(there)
    moved = await clinic.get(f"/series/{series['series_id']}")
    proposed = await to_one_day(clinic, moved, 3, 1)
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    booked = await clinic.series([start(third), *every(3, 5, start(third, 3) + timedelta(hours=2))])
    assert booked["appointments"][0]["starts_at"] == third["starts_at"]


async def test_a_change_of_one_infusion_is_of_that_infusion_alone(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][3]
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    states = [each["state"] for each in await visits_of(clinic, series)]
    assert states == ["booked"] * 3 + ["cancelled"] + ["booked"] * 2
