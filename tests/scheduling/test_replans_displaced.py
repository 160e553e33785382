"""A re-plan leaves nothing where it cannot be given: what is listed as displaced is moved by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)
DAILY = {"weekday": 1, "from": "09:00", "until": "17:00", "nurses": 1}


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


async def propose(clinic: Clinic, series: dict[str, Any]) -> Any:
    return await clinic.post(f"/series/{series['series_id']}/replans", {})


async def displaced(clinic: Clinic) -> list[str]:
    found = await clinic.get("/displaced-visits", location_id=clinic.location_id)
    return [each["appointment_id"] for each in found["items"]]


async def take_out(clinic: Clinic) -> None:
    await clinic.post(f"/chairs/{clinic.chair_id}/out-of-service", {"reason": "Broken, made up."})


async def cut(clinic: Clinic, day: datetime, until: str) -> None:
    """From a day on one nurse is there in the morning, for one chair."""
    shifts = [DAILY | {"weekday": n, "until": until} for n in range(1, 8)]
    wish = {"effective_from": day.date().isoformat(), "chairs_per_nurse": 1, "shifts": shifts}
    await clinic.post(f"/locations/{clinic.location_id}/rosters", wish | {"source": "made up"})


async def test_visits_in_a_broken_chair_keep_their_times_and_rides_in_another(
    clinic: Clinic,
) -> None:
    series, other = await clinic.series(), await clinic.chair()
    for visit in series["appointments"][:3]:
        await clinic.step(visit, "ride", {"mode": "rideshare"})
    await take_out(clinic)
    assert len(await displaced(clinic)) == 6
    proposed = await propose(clinic, series)
    lines = proposed["visits"]
    assert {each["fate"] for each in lines} == {"moves"}
    assert [each["starts_at"] for each in lines] == [
        each["starts_at"] for each in series["appointments"]
    ]
    assert {each["chair_id"] for each in lines} == {other}
    assert [each["ride_kept"] for each in lines] == [True] * 3 + [False] * 3
    assert {each["why"] for each in lines} == {
        "Its chair is out of service; another one is free at its time."
    }
    before = await clinic.kinds_said(series["patient_id"])
    applied = await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    assert [each["state"] for each in applied["appointments"]] == ["confirmed"] * 3 + ["booked"] * 3
    assert await clinic.kinds_said(series["patient_id"]) == before, "the patient's times hold"
    assert await displaced(clinic) == []


async def test_a_visit_in_a_broken_chair_takes_another_time_where_no_other_chair_is_free(
    clinic: Clinic,
) -> None:
    series, other = await clinic.series(), await clinic.chair()
    await clinic.series(every(3, 6), chair_id=other)
    await take_out(clinic)
    proposed = await propose(clinic, series)
    first = proposed["visits"][0]
    assert (first["fate"], first["chair_id"], first["shift_min"]) == ("moves", other, 60)
    assert (
        first["why"] == "Its chair is out of service, and it cannot keep its time in another one."
    )
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    assert await displaced(clinic) == []


async def test_visits_outside_hours_that_were_shortened_move_into_them(clinic: Clinic) -> None:
    series = await clinic.series(every(2, 6, NOON + 2 * DAY))
    day = (NOON + DAY).date().isoformat()
    await clinic.opens("09:00", "11:00", effective_from=day)
    assert len(await displaced(clinic)) == 6
    proposed = await propose(clinic, series)
    assert {each["fate"] for each in proposed["visits"]} == {"moves"}
    assert {each["local"][11:16] for each in proposed["visits"]} == {"10:00"}
    assert {each["why"] for each in proposed["visits"]} == {"Its old time is outside the hours."}
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    assert await displaced(clinic) == []


async def test_visits_that_no_nurse_watches_any_more_move_to_where_one_does(
    clinic: Clinic,
) -> None:
    await clinic.series(every(2, 6, NOON + 2 * DAY))
    series = await clinic.series(
        every(2, 6, NOON + 2 * DAY + timedelta(minutes=10)), chair_id=await clinic.chair()
    )
    await cut(clinic, NOON + DAY, "17:00")
    assert await displaced(clinic) == [each["appointment_id"] for each in series["appointments"]]
    proposed = await propose(clinic, series)
    assert {each["why"] for each in proposed["visits"]} == {
        "No nurse of the roster is left at its old time."
    }
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    assert await displaced(clinic) == []


async def test_a_re_plan_from_before_is_not_applied_once_a_visit_that_stays_is_displaced(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    proposed = await propose(clinic, series)
    assert {each["fate"] for each in proposed["visits"]} == {"stays"}
    await take_out(clinic)
    approve = f"/replans/{proposed['replan_id']}/approve"
    assert await clinic.refused(approve, {}) == [("chair_out", "replan_id")] * 6


async def test_no_re_plan_is_made_where_no_chair_is_left(clinic: Clinic) -> None:
    series = await clinic.series()
    await take_out(clinic)
    path = f"/series/{series['series_id']}/replans"
    broken = await clinic.refused(path, {})
    assert {rule for rule, _ in broken} == {"chair_taken"}
