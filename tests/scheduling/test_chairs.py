"""A chair that breaks takes nobody new, and whom it touches is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.scheduling.conftest import NOON, Clinic, every


async def take_out(clinic: Clinic, chair_id: str) -> Any:
    return await clinic.post(f"/chairs/{chair_id}/out-of-service", {"reason": "The pump broke."})


async def test_a_chair_out_of_service_takes_nobody_new(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    await take_out(clinic, clinic.chair_id)
    wish = clinic.wish(patient_id, every(3, 6))
    broken = await clinic.refused("/series", wish)
    assert broken == [("chair_out", f"appointments.{n}.chair_id") for n in range(6)]
    await clinic.post(f"/chairs/{clinic.chair_id}/in-service", {})
    await clinic.post("/series", wish)


async def test_plans_are_made_of_the_chairs_in_service(clinic: Clinic) -> None:
    await clinic.opens()
    other = await clinic.chair()
    await take_out(clinic, clinic.chair_id)
    plans = await clinic.plans(await clinic.patient())
    chairs = {each["chair_id"] for plan in plans["plans"] for each in plan["appointments"]}
    assert chairs == {other}
    await take_out(clinic, other)
    plans = await clinic.plans(await clinic.patient())
    assert plans["plans"] == []


async def test_the_visits_that_a_lost_chair_touches_are_named_and_none_starts_in_it(
    clinic: Clinic,
) -> None:
    series = await clinic.series(every(3, 6))
    first = series["appointments"][0]
    await clinic.check_in(first)
    out = await take_out(clinic, clinic.chair_id)
    assert [each["appointment_id"] for each in out["touches"]] == [
        each["appointment_id"] for each in series["appointments"]
    ]
    start = f"/appointments/{first['appointment_id']}/start"
    wish = {"clinician_id": clinic.clinician_id}
    assert await clinic.refused(start, wish) == [("chair_out", "chair_id")]
    second = series["appointments"][1]
    later = {"starts_at": (NOON + timedelta(days=3, hours=1)).isoformat()}
    move = f"/appointments/{second['appointment_id']}/move"
    assert await clinic.refused(move, later) == [("chair_out", "chair_id")]
    other = await clinic.chair()
    await clinic.post(move, later | {"chair_id": other})
    started = await clinic.post(start, wish | {"chair_id": other})
    assert (started["state"], started["chair_id"]) == ("running", other)


async def test_an_unknown_chair_is_not_found(clinic: Clinic) -> None:
    answer = await clinic.send(
        f"/chairs/{clinic.location_id}/out-of-service", {"reason": "The pump broke."}
    )
    assert answer.status_code == 404
