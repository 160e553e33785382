"""What a series is given for, and by whose order, is put right by a prescriber's signature."""

from __future__ import annotations

from typing import Any

from shared.auth import Role
from shared.claims import InfusionRecord
from tests.scheduling.conftest import Clinic, bearer, every

OTHER_NPI = "1245319599"


def path(series: dict[str, Any]) -> str:
    return f"/series/{series['series_id']}/corrections"


def correction(clinic: Clinic, **fields: object) -> dict[str, Any]:
    signed = {"clinician_id": clinic.clinician_id, "reason": "Typed from the wrong chart."}
    return signed | fields


async def test_a_wrong_diagnosis_is_put_right_and_the_wrong_one_kept(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    had = series["diagnoses"]
    assert await clinic.refused(path(series), correction(clinic, diagnoses=had)) == [
        ("correction_empty", "diagnoses")
    ]
    other = await clinic.clinician(npi=OTHER_NPI)
    asked = correction(clinic, diagnoses=["F33.1"], clinician_id=other)
    assert ("signer_is_another", "clinician_id") in await clinic.refused(path(series), asked)
    made = await clinic.post(path(series), correction(clinic, diagnoses=["F33.1", "F41.1"]))
    assert (made["diagnoses_before"], made["diagnoses"]) == (had, ["F33.1", "F41.1"])
    shown = await clinic.get(f"/series/{series['series_id']}")
    assert shown["diagnoses"] == ["F33.1", "F41.1"]
    assert await clinic.get(path(series)) == [made]
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Made up."})
    await clinic.post(path(series), correction(clinic, diagnoses=["F33.2"]))
    kept = await clinic.get(path(series))
    assert [each["diagnoses_before"] for each in kept] == [had, ["F33.1", "F41.1"]]


async def test_what_is_redeemed_for_a_superbill_afterwards_is_the_right_code(
    clinic: Clinic,
) -> None:
    series = await clinic.series(every(3, 6))
    visit = series["appointments"][0]
    await clinic.given(visit)
    await clinic.post(path(series), correction(clinic, diagnoses=["F41.1"]))
    rows = await clinic.rows(
        "SELECT infusion_id FROM appointments WHERE appointment_id = :id",
        id=visit["appointment_id"],
    )
    answer = await clinic.client.get(
        f"/internal/infusions/{rows[0].infusion_id}",
        params={"purpose": "superbill"},
        headers=bearer(Role.SERVICE, subject="billing"),
    )
    assert InfusionRecord.model_validate_json(answer.content).diagnoses == ("F41.1",)


async def test_another_prescriber_answers_for_a_series_until_it_ends(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    other = await clinic.clinician(npi=OTHER_NPI)
    made = await clinic.post(path(series), correction(clinic, prescriber_id=other))
    assert (made["prescriber_id_before"], made["prescriber_id"]) == (
        series["prescriber_id"],
        other,
    )
    assert (await clinic.get(f"/series/{series['series_id']}"))["prescriber_id"] == other
    nobody = correction(clinic, prescriber_id=series["series_id"])
    assert await clinic.refused(path(series), nobody) == [("unknown_clinician", "prescriber_id")]
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Made up."})
    back = correction(clinic, prescriber_id=series["prescriber_id"])
    assert await clinic.refused(path(series), back) == [("prescriber_told", "prescriber_id")]
