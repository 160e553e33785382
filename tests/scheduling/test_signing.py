"""Whoever signs as a clinician is that clinician, and has what the act asks for."""

from __future__ import annotations

from typing import Any

import pytest

from services.scheduling.rules.signing import Asked, Signer, broken_by_signer, spelled
from shared.auth import Role
from tests.scheduling.conftest import CLINICIAN, Clinic, bearer

DRUG = Asked((), dea_needed=True, source="made up")
DOCTORS = Asked(("MD", "NP"), dea_needed=False, source="made up")


@pytest.mark.parametrize(
    ("signer", "asked", "rules"),
    [
        (Signer("iris", "MD", prescribes=True), DRUG, []),
        (Signer("iris", "RN", prescribes=False), DRUG, ["signer_does_not_prescribe"]),
        (Signer("nora", "MD", prescribes=True), DRUG, ["signer_is_another"]),
        (Signer(None, "MD", prescribes=True), DRUG, ["signer_is_another"]),
        (Signer("iris", "M.D., PhD", prescribes=False), DOCTORS, []),
        (Signer("iris", "RN", prescribes=True), DOCTORS, ["signer_credential"]),
        (Signer("nora", "MA", prescribes=False), DOCTORS, ["signer_is_another",
                                                           "signer_credential"]),
    ],
)  # fmt: skip
def test_a_signature_is_ones_own_and_of_the_right_credential(
    signer: Signer, asked: Asked, rules: list[str]
) -> None:
    assert [each.rule for each in broken_by_signer(signer, "iris", asked)] == rules


def test_credentials_are_spelled_in_one_way() -> None:
    assert spelled(["m.d.", "MD", "np, DNP"]) == ["DNP", "MD", "NP"]


async def test_a_login_is_one_clinicians(clinic: Clinic) -> None:
    other = CLINICIAN | {"subject": clinic.subject}
    taken = [("login_taken", "subject")]
    assert await clinic.refused("/clinicians", other) == taken
    second = await clinic.clinician()
    where = f"/clinicians/{second}"
    wish: dict[str, Any] = {"subject": clinic.subject}
    assert await clinic.refused(where, wish, method="PATCH") == taken
    changed = await clinic.post(where, {"subject": f"{clinic.subject}-2"}, method="PATCH")
    assert changed["subject"] == f"{clinic.subject}-2"
    own = f"/clinicians/{clinic.clinician_id}"
    assert (await clinic.post(own, wish, method="PATCH"))["subject"] == clinic.subject


async def test_nobody_signs_as_another(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit, systolic_mmhg=150)
    held = await clinic.patient(concerns=["heart_disease"])
    clinic.headers = clinic.as_staff("resident-7")
    clinician = {"clinician_id": clinic.clinician_id}
    at = f"/appointments/{visit['appointment_id']}"
    limit = {"measure": "pulse_bpm", "effective_from": "2026-11-01", "soft_high": 110}
    figure = {"value": 0, "source": "made up"}
    asked = {"effective_from": "2026-11-01", "fasting_min": figure}
    longer = {"effective_from": "2026-11-01", "gap_max_days": figure | {"value": 31}}
    acts: list[tuple[str, dict[str, Any]]] = [
        (f"{at}/overrides", {"reason": "Made up."}),
        (f"{at}/dose-plan", {"dose_ug": 35_000, "weight_g": 70_000}),
        (f"/patients/{held}/clearance", clinic.clearance()),
        (f"/patients/{held}/screenings", {"concerns": ["heart_disease"]}),
        ("/visit-types/ketamine_mood/limits", limit | {"source": "made up"}),
        ("/visit-types/ketamine_mood/figures", asked),
        ("/visit-types/ketamine_mood/protocol", longer),
        ("/signing-rules", {"act": "dose", "effective_from": "2026-11-01", "credentials": [],
                            "dea_needed": False, "source": "made up"}),
        (f"/series/{series['series_id']}/overrides",
         {"rule": "series_size", "infusions": 1, "reason": "Made up."}),
    ]  # fmt: skip
    for path, wish in acts:
        assert await clinic.refused(path, wish | clinician) == [
            ("signer_is_another", "clinician_id")
        ], path


async def test_what_an_act_asks_of_its_signer_is_a_figure_with_a_source_and_a_first_day(
    clinic: Clinic,
) -> None:
    rules = await clinic.get("/signing-rules")
    assert {each["act"] for each in rules} >= {"screening", "clearance", "override", "dose"}
    assert all(each["source"] for each in rules)
    wish = {
        "act": "screening",
        "effective_from": "2026-10-07",
        "credentials": ["D.O."],
        "dea_needed": False,
        "source": "Dr. Made Up, by letter",
        "clinician_id": clinic.clinician_id,
    }
    kept = await clinic.post("/signing-rules", wish)
    assert kept["credentials"] == ["DO"]
    assert kept["revision"] == 1
    patient_id = await clinic.patient()
    clinic.clock.step_to(clinic.clock.now().replace(day=7))
    signed = {"clinician_id": clinic.clinician_id, "concerns": ["heart_disease"]}
    assert await clinic.refused(f"/patients/{patient_id}/screenings", signed) == [
        ("signer_credential", "clinician_id")
    ]


@pytest.mark.parametrize(
    ("wish", "rule"),
    [
        ({"measure": "systolic_mmhg", "soft_high": 100_000}, ("limit_unlikely", "measure")),
        ({"measure": "dose_ug_per_kg", "hard_low": 1}, ("dose_ceiling_raised", "hard_high")),
        ({"measure": "dose_ug_per_kg", "hard_high": 1000}, ("dose_ceiling_raised", "hard_high")),
    ],
)
async def test_no_signature_takes_the_ceiling_of_the_dose_away(
    clinic: Clinic, wish: dict[str, Any], rule: tuple[str, str]
) -> None:
    signed = {
        "clinician_id": clinic.clinician_id,
        "effective_from": "2026-11-01",
        "source": "made up",
    }
    assert await clinic.refused("/visit-types/ketamine_mood/limits", signed | wish) == [rule]


CLINICAL: dict[str, object] = {
    "fasting_min": 0,
    "ride_needed": False,
    "vitals_needed": False,
    "orientation_needed": False,
    "is_controlled": False,
    "least_age_years": None,
    "no_drive_min": 720,
    "gap_min_days": 1,
}


async def test_what_a_gate_asks_is_signed_by_a_prescriber_and_times_are_the_desk_s(
    clinic: Clinic,
) -> None:
    """Whoever runs the clinic switches no gate of ketamine off alone."""
    signed = {"clinician_id": clinic.clinician_id, "effective_from": "2026-11-02"}
    clinic.headers = bearer(Role.OPS, subject="manager-1")
    where, unsigned = "/visit-types/ketamine_mood", {"effective_from": "2026-11-02"}
    missing = [("signature_missing", "clinician_id")]
    for name, value in CLINICAL.items():
        wish = {name: {"value": value, "source": "made up"}}
        assert await clinic.refused(f"{where}/figures", unsigned | wish) == missing, name
        another = await clinic.refused(f"{where}/figures", signed | wish)
        assert another == [("signer_is_another", "clinician_id")], name
        added = {"visit_type": "loose", "like": "ketamine_mood"}
        added |= {"name": {"value": "Loose", "source": "made up"}}
        assert await clinic.refused("/visit-types", added | unsigned | wish) == missing, name
    longest = {"gap_max_days": {"value": 31, "source": "made up"}}
    assert await clinic.refused(f"{where}/protocol", unsigned | longest) == missing
    times = {
        name: {"value": value, "source": "made up"}
        for name, value in (("booked_min", 55), ("recovery_min", 15), ("room_needed", False))
    }
    nobody = await clinic.post(f"{where}/figures", unsigned | times)
    assert (nobody["clinician_id"], nobody["signed_by"]) == (None, None)
    clinic.headers = bearer(Role.PRESCRIBER, subject=clinic.subject)
    kept = await clinic.post(f"{where}/protocol", signed | longest)
    assert (kept["clinician_id"], kept["signed_by"]) == (clinic.clinician_id, clinic.subject)
    shorter = signed | {"fasting_min": {"value": 90, "source": "made up"}}
    both = await clinic.post(f"{where}/figures", shorter)
    assert (both["booked_min"], both["fasting_min"], both["revision"]) == (55, 90, 2)


@pytest.mark.parametrize("source", ["", "   ", "a", " x "])
async def test_the_source_of_a_clinical_figure_says_something(clinic: Clinic, source: str) -> None:
    wish = {"effective_from": "2026-11-02", "clinician_id": clinic.clinician_id}
    wish |= {"fasting_min": {"value": 90, "source": source}}  # type: ignore[dict-item]  # a figure
    answer = await clinic.send("/visit-types/ketamine_mood/figures", wish)
    assert answer.status_code == 422
