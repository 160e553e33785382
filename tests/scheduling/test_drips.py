"""A drip has its patient, its chair and a nurse to itself, for as long as it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import sqlstate
from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)
BESIDE = timedelta(minutes=50)


async def ready(clinic: Clinic, visit: dict[str, Any]) -> None:
    """A visit cleared to start, without waiting for its time."""
    await clinic.plan_dose(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    await clinic.step(visit, "clear")


async def started(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    """A series whose first drip runs since noon."""
    series: dict[str, Any] = await clinic.series(**fields)
    await clinic.check_in(series["appointments"][0])
    await clinic.start(series["appointments"][0])
    return series


async def refused(clinic: Clinic, visit: dict[str, Any], **wish: Any) -> dict[str, dict[str, str]]:
    """The rules that a start breaks, by their names."""
    body = {"clinician_id": clinic.clinician_id} | wish
    answer = await clinic.send(f"/appointments/{visit['appointment_id']}/start", body)
    assert answer.status_code == 409, answer.text
    return {each["rule"]: each for each in answer.json()["violations"]}


async def test_a_patient_whose_drip_runs_still_gets_no_second_one(clinic: Clinic) -> None:
    first, second = (await started(clinic))["appointments"][:2]
    clinic.clock.step_to(NOON + 3 * DAY)
    await ready(clinic, second)
    broken = await refused(clinic, second)
    assert first["appointment_id"] in broken["patient_running"]["detail"]
    assert "complete or abort" in broken["patient_running"]["detail"]


async def test_a_chair_in_which_a_drip_runs_too_long_takes_no_second_one(clinic: Clinic) -> None:
    other = await clinic.chair(name="Chair by the window")
    running = (await started(clinic))["appointments"][0]
    late = (await clinic.series(every(3, 6, NOON + BESIDE)))["appointments"][0]
    await clinic.check_in(late)
    broken = await refused(clinic, late)
    assert set(broken) == {"chair_running"}
    assert running["appointment_id"] in broken["chair_running"]["detail"]
    assert f"Chair by the window ({other})" in broken["chair_running"]["detail"]
    body = {"clinician_id": clinic.clinician_id, "chair_id": other}
    begun = await clinic.step(late, "start", body)
    assert (begun["state"], begun["chair_id"]) == ("running", other)


async def test_a_chair_is_changed_at_the_start_only_for_one_that_is_free(clinic: Clinic) -> None:
    other = await clinic.chair()
    await started(clinic)
    late = (await clinic.series(every(3, 6, NOON + BESIDE)))["appointments"][0]
    soon = every(3, 6, NOON + BESIDE + timedelta(minutes=20))
    await clinic.series(soon, chair_id=other)
    await clinic.check_in(late)
    broken = await refused(clinic, late)
    assert "no other chair is free" in broken["chair_running"]["detail"]
    assert "chair_taken" in await refused(clinic, late, chair_id=other)


async def test_the_chair_is_free_as_soon_as_the_drip_in_it_ends(clinic: Clinic) -> None:
    running = (await started(clinic))["appointments"][0]
    late = (await clinic.series(every(3, 6, NOON + BESIDE)))["appointments"][0]
    await clinic.check_in(late)
    await refused(clinic, late)
    await clinic.step(running, "complete")
    assert (await clinic.start(late))["state"] == "running"


async def test_a_nurse_watches_no_more_drips_than_she_may(clinic: Clinic) -> None:
    await clinic.has_nurses(1, 1)
    other = await clinic.chair()
    running = (await started(clinic))["appointments"][0]
    late = (await clinic.series(every(3, 6, NOON + BESIDE), chair_id=other))["appointments"][0]
    await clinic.check_in(late)
    assert set(await refused(clinic, late)) == {"nurses_running"}
    await clinic.step(running, "complete")
    assert (await clinic.start(late))["state"] == "running"


async def test_nobody_is_on_duty_outside_the_roster(clinic: Clinic) -> None:
    shifts = [{"weekday": n, "from": "09:00", "until": "13:00", "nurses": 1} for n in range(1, 8)]
    visit = (await clinic.series())["appointments"][0]
    roster = {"effective_from": "2026-10-06", "chairs_per_nurse": 2, "source": "made up"}
    await clinic.post(f"/locations/{clinic.location_id}/rosters", roster | {"shifts": shifts})
    clinic.clock.step_to(NOON + timedelta(minutes=70))
    await ready(clinic, visit)
    assert set(await refused(clinic, visit)) == {"nurses_running"}


async def test_a_drip_starts_near_its_booked_time_by_the_house_s_figures(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    clinic.clock.step_to(NOON - timedelta(minutes=61))
    await ready(clinic, visit)
    assert set(await refused(clinic, visit)) == {"start_early"}
    clinic.clock.step_to(NOON + timedelta(minutes=181))
    await clinic.vitals(visit)
    assert set(await refused(clinic, visit)) == {"start_late"}


async def test_no_drip_starts_on_a_day_on_which_the_place_is_closed(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    closed = {"first_on": "2026-10-07", "last_on": "2026-10-07", "reason": "Storm, made up"}
    await clinic.post(f"/locations/{clinic.location_id}/closures", closed)
    await clinic.check_in(visit)
    assert "Storm" in (await refused(clinic, visit))["closed"]["detail"]


async def test_of_two_that_start_in_one_chair_at_once_one_does(clinic: Clinic) -> None:
    visits = [
        (await clinic.series(every(3, 6, NOON + n * BESIDE)))["appointments"][0] for n in range(2)
    ]
    clinic.clock.step_to(NOON + timedelta(minutes=20))
    for visit in visits:
        await ready(clinic, visit)
    body = {"clinician_id": clinic.clinician_id}
    answers = await asyncio.gather(
        *(clinic.send(f"/appointments/{each['appointment_id']}/start", body) for each in visits)
    )
    assert sorted(each.status_code for each in answers) == [201, 409]


@pytest.mark.parametrize("shared", ["chair_id", "patient_id"])
async def test_no_writer_at_all_lets_two_drips_share_a_chair_or_a_patient(
    clinic: Clinic, shared: str
) -> None:
    running = (await started(clinic))["appointments"][0]
    other = await clinic.chair()
    late = (await clinic.series(every(3, 6, NOON + BESIDE), chair_id=other))["appointments"][0]
    await clinic.check_in(late)
    later = f"""
        UPDATE appointments AS a
           SET {shared} = b.{shared}, state = 'running', infusion_id = gen_random_uuid(),
               started_at = now(), clinician_id = b.clinician_id, consent_id = b.consent_id,
               screened_until = b.screened_until, dose_plan_id = b.dose_plan_id,
               reading_id = b.reading_id
          FROM appointments AS b
         WHERE a.appointment_id = :late AND b.appointment_id = :running
    """
    values = {"late": late["appointment_id"], "running": running["appointment_id"]}
    with pytest.raises(DBAPIError) as refusal:
        async with clinic.engine.begin() as connection:
            await connection.execute(text(later), values)
    assert sqlstate(refusal.value) == "23505"
