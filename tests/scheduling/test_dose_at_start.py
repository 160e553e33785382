"""A drip starts by a dose that holds still: below the ceiling, and a step that was signed for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.test_doses import path

SOURCE = "Dr. Made Up, by letter"


async def limited(clinic: Clinic, measure: str, **bounds: int) -> None:
    wish = {
        "clinician_id": clinic.clinician_id,
        "measure": measure,
        "effective_from": clinic.clock.now().date().isoformat(),
        "source": SOURCE,
    }
    await clinic.post("/visit-types/ketamine_mood/limits", wish | bounds)


async def refusal(clinic: Clinic, visit: dict[str, Any], step: str) -> list[tuple[str, str, str]]:
    wish = {"clinician_id": clinic.clinician_id} if step == "start" else {}
    answer = await clinic.send(path(visit, step), wish)
    assert answer.status_code == 409, answer.text
    return [(each["rule"], each["field"], each["source"]) for each in answer.json()["violations"]]


async def after_a_smaller_dose(clinic: Clinic, **planned: Any) -> dict[str, Any]:
    """The second visit, planned as a first dose, when less had run at the first than was planned.

    From 15 mg the next step is 22.5 mg at most.
    """
    first, second = (await clinic.series())["appointments"][:2]
    await clinic.plan_dose(second, **planned)
    await clinic.infuse(first)
    why = "The patient asked for less."
    await clinic.give(first, drawn_ug=15_000, given_ug=15_000, off_plan_reason=why)
    clinic.be_there(second)
    await clinic.step(second, "ride", {"mode": "rideshare"})
    await clinic.step(second, "check-in", {"fasted": True})
    await clinic.vitals(second)
    return dict(second)


@pytest.mark.parametrize("reason", [None, "Had as much elsewhere."])
async def test_a_step_that_became_too_high_since_it_was_planned_is_named(
    clinic: Clinic, reason: str | None
) -> None:
    """What was signed as a first dose is no word for a step that nobody knew of."""
    visit = await after_a_smaller_dose(clinic, reason=reason)
    [(rule, field, source)] = await refusal(clinic, visit, "clear")
    assert (rule, field) == ("dose_step_high", "dose")
    assert "rises with each infusion" in source


async def test_a_step_that_its_prescriber_signs_knowing_what_ran_is_started(
    clinic: Clinic,
) -> None:
    visit = await after_a_smaller_dose(clinic)
    await clinic.plan_dose(visit, reason="The line had leaked at the first.")
    await clinic.step(visit, "clear")
    started = await clinic.start(visit)
    assert started["state"] == "running"


@pytest.mark.parametrize(
    ("days", "measure", "rule", "bounds", "planned", "reason"),
    [
        (60, "first_dose_ug_per_kg", "first_dose_high", {"soft_high": 400}, 35_000, None),
        (
            120,
            "dose_ug_per_kg",
            "dose_ceiling",
            {"hard_high": 300},
            28_000,
            "Had as much elsewhere.",
        ),
    ],
)
async def test_a_limit_that_was_lowered_since_the_visit_was_cleared_stops_the_start(
    clinic: Clinic,
    days: int,
    measure: str,
    rule: str,
    bounds: dict[str, int],
    planned: int,
    reason: str | None,
) -> None:
    """No reason lifts a ceiling. Limits are the whole house's: each of these has its own days."""
    visit = (await clinic.series(every(3, 6, NOON + timedelta(days=days))))["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    await clinic.plan_dose(visit, dose_ug=planned, reason=reason)
    await clinic.step(visit, "clear")
    await limited(clinic, measure, **bounds)
    assert await refusal(clinic, visit, "start") == [(rule, "dose", SOURCE)]
    await clinic.plan_dose(visit, dose_ug=20_000)
    await clinic.step(visit, "clear")
    await clinic.start(visit)
