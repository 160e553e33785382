"""How long a chair is taken after a drip, and how late one starts, are figures on record."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.test_drips import ready, refused, started

RECOVERY = {"effective_from": "2026-10-06", "recovery_min": {"value": 30, "source": "made up"}}
LATE = {
    "figure": "start_late_min",
    "effective_from": "2026-10-06",
    "value": 200,
    "source": "made up",
}


@pytest.fixture(autouse=True)
async def _recovery(clinic: Clinic) -> None:
    """The first test of the module puts it on record; figures are the whole house's."""
    await clinic.send("/visit-types/ketamine_mood/figures", RECOVERY)


async def test_a_patient_who_recovers_keeps_the_chair_for_as_long_as_the_figure_says(
    clinic: Clinic,
) -> None:
    running = (await started(clinic))["appointments"][0]
    late = (await clinic.series(every(3, 6, NOON + timedelta(minutes=80))))["appointments"][0]
    await clinic.check_in(late)
    await clinic.step(running, "complete")
    clinic.clock.step(timedelta(minutes=29))
    await clinic.vitals(late)
    assert "discharge" in (await refused(clinic, late))["chair_running"]["detail"]
    clinic.clock.step(timedelta(minutes=1))
    assert (await clinic.start(late))["state"] == "running"


async def test_how_late_a_drip_may_start_is_a_figure(clinic: Clinic) -> None:
    await clinic.send("/house-figures", LATE)
    visit = (await clinic.series())["appointments"][0]
    clinic.clock.step_to(NOON + timedelta(minutes=200))
    await ready(clinic, visit)
    assert (await clinic.start(visit))["state"] == "running"


async def test_what_runs_too_long_is_taken_for_plans_and_bookings_too(clinic: Clinic) -> None:
    await clinic.opens()
    await started(clinic)
    clinic.clock.step_to(NOON + timedelta(hours=2))
    patient_id, free_from = await clinic.patient(), NOON + timedelta(hours=2, minutes=30)
    preferences = {"earliest": "2026-10-07", "weekdays": [3, 5, 7]}
    [plan, *_] = (await clinic.plans(patient_id, preferences=preferences))["plans"]
    assert datetime.fromisoformat(plan["appointments"][0]["starts_at"]) >= free_from
    soon = clinic.wish(patient_id, every(3, 6, free_from - timedelta(minutes=1)))
    assert await clinic.refused("/series", soon) == [("chair_taken", "appointments.0.chair_id")]
    await clinic.post("/series", clinic.wish(patient_id, every(3, 6, free_from)))


async def test_who_recovers_from_a_drip_that_ran_too_long_has_the_chair_for_plans_and_bookings_too(
    clinic: Clinic,
) -> None:
    await clinic.opens()
    running = (await started(clinic))["appointments"][0]
    clinic.clock.step_to(NOON + timedelta(hours=2))
    await clinic.step(running, "complete")
    patient_id, free_from = await clinic.patient(), NOON + timedelta(hours=2, minutes=30)
    soon = clinic.wish(patient_id, every(3, 6, free_from - timedelta(minutes=1)))
    assert await clinic.refused("/series", soon) == [("chair_taken", "appointments.0.chair_id")]
    await clinic.post("/series", clinic.wish(patient_id, every(3, 6, free_from)))
