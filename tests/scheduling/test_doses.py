"""Doses rise in steps below a ceiling, are planned before each drip, and are on record after it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.scheduling.rules.visits.amounts import Amount, DoseUnit, Scale
from services.scheduling.rules.visits.doses import broken_by_given, broken_by_step, per_kg
from services.scheduling.rules.visits.readings import Limit, Measure
from shared.clock import FixedClock
from tests.scheduling.conftest import GIVEN_DOSE, Clinic

DAY_ONE = date(2020, 1, 1)
FIRST = Limit(Measure.FIRST_DOSE_UG_PER_KG, DAY_ONE, None, None, 500, 700, "made up")
STEP = Limit(Measure.DOSE_STEP_PCT, DAY_ONE, None, None, 150, 200, "made up")


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


@pytest.mark.parametrize(
    ("dose_mg", "highest", "reason", "rule"),
    [
        (35, None, None, None),
        (36, None, None, "first_dose_high"),
        (36, None, "Had as much elsewhere.", None),
        (50, None, "Had as much elsewhere.", "first_dose_high"),  # past the hard limit
        (42, 400, None, None),
        (43, 400, None, "dose_step_high"),
        (43, 400, "No effect, no side effect.", None),
        (57, 400, "No effect, no side effect.", "dose_step_high"),
        (1, 400, None, None),
    ],
)
def test_a_dose_is_a_first_one_or_a_step_from_the_highest_before(
    dose_mg: int, highest: int | None, reason: str | None, rule: str | None
) -> None:
    broken = broken_by_step(
        Amount(Scale.MASS, dose_mg * 1000), 70_000, highest, [FIRST, STEP], reason
    )
    assert [each.rule for each in broken] == ([] if rule is None else [rule])


def test_a_dose_is_rounded_up_per_kilogram() -> None:
    assert (per_kg(35_000, 70_000), per_kg(35_001, 70_000), per_kg(1, 70_000)) == (500, 501, 1)


@pytest.mark.parametrize(
    ("given_mg", "aborted", "reason", "rules"),
    [
        (35, False, None, []),
        (32, False, None, []),
        (31, False, None, ["dose_off_plan"]),
        (31, False, "The line leaked.", []),
        (31, True, None, []),
        (36, True, None, ["dose_off_plan"]),
        (36, False, "Asked for by the prescriber.", []),
        (51, False, "Asked for by the prescriber.", ["dose_above_drawn"]),
    ],
)
def test_what_ran_far_off_the_plan_says_why(
    given_mg: int,
    aborted: bool,  # noqa: FBT001  # a table's column
    reason: str | None,
    rules: list[str],
) -> None:
    broken = broken_by_given(
        planned=Amount(Scale.MASS, 35_000),
        drawn=Amount(Scale.MASS, 50_000),
        given=Amount(Scale.MASS, given_mg * 1000),
        unit=DoseUnit.MG,
        aborted=aborted,
        off_plan_pct=10,
        reason=reason,
    )
    assert [each.rule for each in broken] == rules


async def test_doses_of_a_series_rise_from_a_low_first_one(clinic: Clinic) -> None:
    first, second = (await clinic.series())["appointments"][:2]
    too_high = clinic.dose(dose_ug=36_000)
    assert await clinic.refused(path(first, "dose-plan"), too_high) == [
        ("first_dose_high", "dose_ug")
    ]
    await clinic.infuse(first)
    await clinic.discharge(first)
    jump = clinic.dose(dose_ug=53_000)
    assert await clinic.refused(path(second, "dose-plan"), jump) == [("dose_step_high", "dose_ug")]
    planned = await clinic.plan_dose(second, dose_ug=53_000, reason="No effect at all.")
    assert planned["reason"] == "No effect at all."
    await clinic.plan_dose(second, dose_ug=52_500)


async def test_a_weight_far_from_the_one_before_is_weighed_again_or_explained(
    clinic: Clinic,
) -> None:
    """35 mg at 70 kg, and then 100 mg at "140 kg": for who weighs 70 that is 1.43 mg/kg."""
    first, second = (await clinic.series())["appointments"][:2]
    await clinic.plan_dose(first, weight_g=140_000)
    await clinic.plan_dose(first)  # a slip of the same visit is put right without a word
    await clinic.infuse(first)
    await clinic.discharge(first)
    doubled = clinic.dose(dose_ug=70_000, weight_g=140_000)
    refused = await clinic.send(path(second, "dose-plan"), doubled)
    [broken] = refused.json()["violations"]
    assert (refused.status_code, broken["rule"], broken["field"]) == (
        409,
        "weight_changed",
        "weight_g",
    )
    assert "The last plan had 70 kg, this one has 140 kg." in broken["detail"]
    lost = clinic.dose(dose_ug=31_000, weight_g=62_900)
    assert await clinic.refused(path(second, "dose-plan"), lost) == [("weight_changed", "weight_g")]
    await clinic.plan_dose(second, dose_ug=31_000, weight_g=63_000)
    told = await clinic.plan_dose(second, dose_ug=31_000, weight_g=62_900, reason="Weighed twice.")
    assert told["reason"] == "Weighed twice."


async def test_every_plan_is_kept_and_a_changed_one_asks_for_clearing_again(
    clinic: Clinic,
) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    changed = await clinic.plan_dose(visit, dose_ug=30_000)
    assert [each["dose_ug"] for each in changed["plans"]] == [35_000, 30_000]
    assert (changed["dose_ug"], changed["planned_by"]) == (30_000, clinic.subject)
    start = {"clinician_id": clinic.clinician_id}
    assert await clinic.refused(path(visit, "start"), start) == [("visit_state", "appointment_id")]
    again = await clinic.step(visit, "clear")
    assert again["cleared_at"] == visit["starts_at"]
    await clinic.start(visit)
    [row] = await clinic.rows(
        "SELECT dose_plan_id FROM appointments WHERE appointment_id = :id",
        id=visit["appointment_id"],
    )
    assert str(row.dose_plan_id) == changed["plan_id"]
    await clinic.step(visit, "complete")
    far = GIVEN_DOSE | {"given_ug": 20_000}
    assert await clinic.refused(path(visit, "dose"), far) == [("dose_off_plan", "given_ug")]
    given = await clinic.give(visit, given_ug=20_000, off_plan_reason="The line leaked.")
    assert (given["off_plan_reason"], given["wasted_ug"]) == ("The line leaked.", 15_000)


async def test_that_nothing_ran_is_signed_by_a_prescriber_and_listed(
    clinic: Clinic, clock: FixedClock
) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    clock.step(timedelta(minutes=1))
    await clinic.step(visit, "abort", {"reason": "The vein was lost."})
    signed = {"clinician_id": clinic.clinician_id, "reason": "No drug had run."}
    as_before = clinic.headers
    clinic.headers = clinic.as_staff("resident-7")
    assert await clinic.refused(path(visit, "dose/not-given"), signed) == [
        ("signer_is_another", "clinician_id")
    ]
    clinic.headers = as_before
    dose = await clinic.step(visit, "dose/not-given", signed)
    assert (dose["not_given_reason"], dose["given_ug"]) == ("No drug had run.", None)
    assert dose["not_given_signed_by"] == clinic.clinician_id
    assert await clinic.refused(path(visit, "dose"), GIVEN_DOSE) == [
        ("dose_recorded_already", "appointment_id")
    ]
    listed = await clinic.get("/overrides", kind="dose_not_given", patient_id=visit["patient_id"])
    [shown] = listed["items"]
    assert (shown["reason"], shown["signed_by"]) == ("No drug had run.", clinic.subject)
    await clinic.vitals(visit)
    await clinic.step(visit, "ride-seen", {"mode": "rideshare", "driver_name": "Testa Driver"})
    await clinic.step(visit, "discharge", {"oriented": True})
