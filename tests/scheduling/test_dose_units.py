"""A dose is said in the unit that its drug is measured in, and in no other."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from services.scheduling.rules.visits.amounts import Amount, DoseUnit, Scale, broken_by_unit
from services.scheduling.rules.visits.doses import broken_by_step
from services.scheduling.rules.visits.readings import Limit, Measure
from shared.auth import Role
from shared.claims import DrugGiven, InfusionRecord
from tests.scheduling.conftest import NOON, Clinic, bearer
from tests.scheduling.test_treatments import MADE_UP, book, has_length


@pytest.mark.parametrize(
    ("scale", "parts", "unit", "read"),
    [
        (Scale.MASS, 35_500, DoseUnit.MG, "35.5 mg"),
        (Scale.MASS, 4_000_000, DoseUnit.G, "4 g"),
        (Scale.MASS, 400, DoseUnit.MCG, "400 mcg"),
        (Scale.MASS, 100_000_000, DoseUnit.MG, "100000 mg"),
        (Scale.VOLUME, 10_250, DoseUnit.ML, "10.25 mL"),
        (Scale.VOLUME, 300_000_000, DoseUnit.L, "300 L"),
        (Scale.UNITS, 50_000_000, DoseUnit.IU, "50000 IU"),
        (Scale.MASS, 1_000, DoseUnit.ML, "1 mg"),  # recorded before the drug got another unit
        (Scale.VOLUME, 0, None, "0 mL"),
    ],
)
def test_people_read_a_dose_in_the_unit_of_its_drug(
    scale: Scale, parts: int, unit: DoseUnit | None, read: str
) -> None:
    assert Amount(scale, parts).in_unit(unit) == read


@pytest.mark.parametrize("unit", DoseUnit)
@pytest.mark.parametrize("scale", Scale)
def test_a_unit_takes_amounts_of_its_own_scale_only(scale: Scale, unit: DoseUnit) -> None:
    broken = broken_by_unit(scale, "Made up", unit)
    assert (broken == []) == (unit.scale is scale)
    assert all(each.rule == "dose_unit" and str(unit) in each.detail for each in broken)


async def ready(clinic: Clinic, visit_type: str, at: datetime = NOON) -> tuple[dict[str, Any], str]:
    """A treatment whose patient is here, and its path."""
    await has_length(clinic, visit_type)
    visit = await book(clinic, at, visit_type=visit_type)
    clinic.be_there(visit)
    await clinic.consent(visit["patient_id"], visit_types=[visit_type])
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.vitals(visit)
    return visit, f"/appointments/{visit['appointment_id']}"


async def run(clinic: Clinic, visit: dict[str, Any]) -> Any:
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    clinic.clock.step_to(clinic.clock.now() + timedelta(minutes=40))
    return await clinic.step(visit, "complete")


async def billed(clinic: Clinic, infusion_id: str) -> DrugGiven:
    answer = await clinic.client.get(
        f"/internal/infusions/{infusion_id}",
        params={"purpose": "superbill"},
        headers=bearer(Role.SERVICE, subject="billing"),
    )
    drug = InfusionRecord.model_validate_json(answer.content).drug
    assert drug is not None
    return drug


async def test_vitamins_are_planned_given_and_billed_in_millilitres(clinic: Clinic) -> None:
    visit, path = await ready(clinic, "vitamins")
    wrong = clinic.dose()
    assert await clinic.refused(f"{path}/dose-plan", wrong) == [("dose_unit", "dose_ug")]
    planned = await clinic.plan_dose(visit, dose_ug=None, dose_ul=500_000)
    assert (planned["dose"], planned["dose_ul"], planned["dose_ug"]) == ("500 mL", 500_000, None)
    home = await run(clinic, visit)
    milligrams = {"lot": "LOT-0001", "drawn_ug": 500_000, "given_ug": 500_000}
    assert await clinic.refused(f"{path}/dose", milligrams) == [("dose_unit", "given_ug")]
    far = {"lot": "LOT-0001", "drawn_ul": 500_000, "given_ul": 250_000}
    answer = await clinic.send(f"{path}/dose", far)
    [violation] = answer.json()["violations"]
    assert violation["detail"].startswith("250 mL ran and 500 mL were planned")
    given = await clinic.step(visit, "dose", far | {"off_plan_reason": "The line leaked."})
    assert (given["given"], given["wasted_ul"], given["wasted_ug"]) == ("250 mL", 250_000, None)
    drug = await billed(clinic, home["infusion_id"])
    assert (drug.dose, drug.dose_ug) == ("250 mL", None)


async def test_a_mass_is_billed_in_the_unit_on_record_for_the_drug(clinic: Clinic) -> None:
    await has_length(clinic, "magnesium", route={"value": "intravenous", "source": MADE_UP})
    visit, path = await ready(clinic, "magnesium")
    millilitres = clinic.dose(dose_ug=None, dose_ul=8_000)
    assert await clinic.refused(f"{path}/dose-plan", millilitres) == [("dose_unit", "dose_ul")]
    assert (await clinic.plan_dose(visit, dose_ug=4_000_000))["dose"] == "4 g"
    home = await run(clinic, visit)
    await clinic.step(
        visit, "dose", {"lot": "LOT-0001", "drawn_ug": 4_000_000, "given_ug": 4_000_000}
    )
    drug = await billed(clinic, home["infusion_id"])
    assert (drug.dose, drug.dose_ug) == ("4 g", 4_000_000)


async def test_ketamine_is_said_in_micrograms_and_in_nothing_else(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    path = f"/appointments/{visit['appointment_id']}/dose-plan"
    for scale in ("ul", "miu"):
        wish = clinic.dose(dose_ug=None, **{f"dose_{scale}": 35_000})
        assert await clinic.refused(path, wish) == [("dose_unit", f"dose_{scale}")]


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("dose-plan", {"dose_ug": 1, "dose_ul": 1}),
        ("dose-plan", {"dose_ug": None}),
        ("dose", {"drawn_ug": 1, "given_ul": 1}),
        ("dose", {"drawn_ug": 1}),
        ("dose", {"drawn_ug": 1, "given_ug": 1, "given_miu": 1}),
    ],
)
async def test_an_amount_is_said_once_and_in_one_unit(
    clinic: Clinic, step: str, body: dict[str, Any]
) -> None:
    visit = (await clinic.series())["appointments"][0]
    wish = clinic.dose(**body) if step == "dose-plan" else {"lot": "LOT-0001"} | body
    answer = await clinic.send(f"/appointments/{visit['appointment_id']}/{step}", wish)
    assert answer.status_code == 422
    assert [each["rule"] for each in answer.json()["violations"]] == ["dose_said_once"]


async def test_a_drug_whose_dose_is_asked_has_its_unit_on_record(clinic: Clinic) -> None:
    units = {"value": "IU", "source": MADE_UP}
    wish = {
        "visit_type": "vitamin_d",
        "like": "vitamins",
        "name": {"value": "Vitamin D", "source": MADE_UP},
        "effective_from": "2026-10-05",
        "clinician_id": clinic.clinician_id,
        "dose_needed": {"value": True, "source": MADE_UP},
        "booked_min": {"value": 30, "source": MADE_UP},
    }
    unasked = wish | {"dose_unit": {"value": None, "source": MADE_UP}}
    assert await clinic.refused("/visit-types", unasked) == [("dose_unit_missing", "dose_unit")]
    added = await clinic.post("/visit-types", wish | {"dose_unit": units})
    assert (added["dose_unit"], added["sources"]["dose_unit"]) == ("IU", MADE_UP)
    visit = await book(clinic, NOON, visit_type="vitamin_d")
    planned = await clinic.plan_dose(visit, dose_ug=None, dose_miu=50_000_000)
    assert planned["dose"] == "50000 IU"


async def test_a_dose_that_was_planned_in_another_unit_is_planned_anew_before_it_runs(
    clinic: Clinic,
) -> None:
    added = {
        "visit_type": "mixture",
        "like": "lidocaine",
        "name": {"value": "A mixture", "source": MADE_UP},
        "effective_from": "2026-10-05",
        "booked_min": {"value": 30, "source": MADE_UP},
    }
    await clinic.post("/visit-types", added)
    visit = await book(clinic, visit_type="mixture")
    await clinic.plan_dose(visit)
    figures = {
        "effective_from": "2026-10-06",
        "clinician_id": clinic.clinician_id,
        "dose_unit": {"value": "mL", "source": MADE_UP},
    }
    await clinic.post("/visit-types/mixture/figures", figures)
    clinic.be_there(visit)
    await clinic.consent(visit["patient_id"], visit_types=["mixture"])
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    path = f"/appointments/{visit['appointment_id']}"
    assert await clinic.refused(f"{path}/clear", {}) == [("dose_unit", "dose")]
    await clinic.plan_dose(visit, dose_ug=None, dose_ul=20_000)
    await clinic.step(visit, "clear")


async def limit(clinic: Clinic, visit_type: str, measure: str, **bounds: int) -> None:
    wish = {
        "clinician_id": clinic.clinician_id,
        "measure": measure,
        "effective_from": "2026-10-05",
        "source": MADE_UP,
    } | bounds
    await clinic.post(f"/visit-types/{visit_type}/limits", wish)


@pytest.mark.parametrize(("unit", "scale"), [("mL", "ul"), ("IU", "miu")])
async def test_what_is_no_mass_has_its_ceiling_and_its_steps_as_a_whole(
    clinic: Clinic, unit: str, scale: str
) -> None:
    """As milligrams have theirs per kilogram: at the plan, at the start, and of what ran."""
    kind = f"mixture_{scale}"
    added = {
        "visit_type": kind,
        "like": "lidocaine",
        "name": {"value": "A mixture", "source": MADE_UP},
        "effective_from": "2026-10-05",
        "booked_min": {"value": 30, "source": MADE_UP},
        "dose_unit": {"value": unit, "source": MADE_UP},
        "clinician_id": clinic.clinician_id,
    }
    await clinic.post("/visit-types", added)
    await limit(clinic, kind, f"dose_{scale}", hard_high=400_000)
    await limit(clinic, kind, f"first_dose_{scale}", soft_high=100_000)

    def dose(parts: int, **fields: object) -> dict[str, Any]:
        return clinic.dose(dose_ug=None, **{f"dose_{scale}": parts}, **fields)

    said = {"reason": "Had as much elsewhere."}
    first, path = await ready(clinic, kind)
    too_much = await clinic.refused(f"{path}/dose-plan", dose(400_001, **said))
    assert too_much == [("dose_ceiling", f"dose_{scale}")]
    unexplained = await clinic.refused(f"{path}/dose-plan", dose(100_001))
    assert unexplained == [("first_dose_high", f"dose_{scale}")]
    high = await clinic.step(first, "dose-plan", dose(100_001, **said))
    await clinic.step(first, "dose-plan", dose(100_000, instead_of=high["plan_id"]))
    await run(clinic, first)
    ran = {"lot": "LOT-0001", f"drawn_{scale}": 400_001, f"given_{scale}": 400_001}
    await clinic.step(first, "dose", ran | {"off_plan_reason": "Misread."})
    reviews = (await clinic.get("/reviews", patient_id=first["patient_id"]))["items"]
    assert [each["matter"] for each in reviews] == ["dose_above_ceiling"]
    second, path = await ready(clinic, kind, NOON + timedelta(hours=2))
    await clinic.step(second, "dose-plan", dose(400_000, **said))
    lower = {
        "clinician_id": clinic.clinician_id,
        "measure": f"dose_{scale}",
        "effective_from": clinic.in_days(0),
        "source": MADE_UP,
    }
    limits = f"/visit-types/{kind}/limits"
    raised = await clinic.refused(limits, lower | {"hard_high": 500_000})
    assert raised == [("dose_ceiling_raised", "hard_high")]
    await clinic.post(limits, lower | {"hard_high": 300_000})
    assert await clinic.refused(f"{path}/clear", {}) == [("dose_ceiling", "dose")]


def test_a_step_of_what_is_no_mass_is_from_the_highest_of_its_own_scale() -> None:
    limits = [
        Limit(Measure.DOSE_STEP_PCT, date(2020, 1, 1), None, None, 150, None, "made up"),
        Limit(Measure.FIRST_DOSE_UL, date(2020, 1, 1), None, None, 1000, None, "made up"),
    ]
    volume = Amount(Scale.VOLUME, 1500)
    assert broken_by_step(volume, 70_000, 1000, limits, None) == []
    assert [each.rule for each in broken_by_step(volume, 70_000, 999, limits, None)] == [
        "dose_step_high"
    ]
    assert [each.rule for each in broken_by_step(volume, 70_000, None, limits, None)] == [
        "first_dose_high"
    ]
