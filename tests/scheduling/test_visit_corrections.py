"""What a single treatment is given for, or a session was held for, is put right by a signature."""

from __future__ import annotations

from typing import Any

from shared.auth import Role
from tests.scheduling.conftest import NOON, Clinic, bearer
from tests.scheduling.test_sessions import attend, led
from tests.scheduling.test_sessions import book as book_session
from tests.scheduling.test_treatments import book, give, has_length

__all__ = ["led"]


def correction(clinic: Clinic, *codes: str, **fields: object) -> dict[str, Any]:
    signed = {"clinician_id": clinic.clinician_id, "reason": "Typed from the wrong chart."}
    return signed | {"diagnoses": codes} | fields


def path(visit: dict[str, Any]) -> str:
    return f"/appointments/{visit['appointment_id']}/corrections"


async def test_a_wrong_diagnosis_of_a_treatment_is_put_right_and_the_wrong_one_kept(
    clinic: Clinic,
) -> None:
    visit = await book(clinic, NOON)
    assert await clinic.refused(path(visit), correction(clinic, "F33.1")) == [
        ("correction_empty", "diagnoses")
    ]
    made = await clinic.post(path(visit), correction(clinic, "F33.2", "F41.1"))
    assert (made["diagnoses_before"], made["diagnoses"]) == (["F33.1"], ["F33.2", "F41.1"])
    assert (made["signed_by"], made["reason"]) == (clinic.subject, "Typed from the wrong chart.")
    assert await clinic.get(path(visit)) == [made]
    listed = await clinic.get("/overrides", kind="visit_correction", patient_id=visit["patient_id"])
    assert [each["override_id"] for each in listed["items"]] == [made["correction_id"]]
    given = await give(clinic, visit)
    service = bearer(Role.SERVICE, subject="billing")
    record = await clinic.client.get(
        f"/internal/infusions/{given['infusion_id']}",
        params={"purpose": "payment"},
        headers=service,
    )
    assert record.json()["diagnoses"] == ["F33.2", "F41.1"], "a superbill has the right codes"


async def test_who_signs_it_prescribes_where_the_drug_is_controlled(clinic: Clinic) -> None:
    subject = f"{clinic.subject}-nurse"
    nurse = await clinic.clinician(npi="1245319599", dea_number=None, subject=subject)
    await has_length(clinic, "vitamins")
    ketamine = await book(clinic, NOON)
    vitamins = await book(clinic, NOON.replace(day=9), visit_type="vitamins")
    clinic.headers = clinic.as_staff(subject)
    asked = correction(clinic, "E55.9", clinician_id=nurse)
    assert await clinic.refused(path(ketamine), asked) == [
        ("signer_does_not_prescribe", "clinician_id")
    ]
    await clinic.post(path(vitamins), asked)


async def test_a_visit_of_a_series_is_given_for_what_its_series_is(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    assert await clinic.refused(path(visit), correction(clinic, "F41.1")) == [
        ("no_own_diagnoses", "appointment_id")
    ]


async def test_what_a_session_was_held_for_is_put_right_once_it_was(led: Clinic) -> None:
    session = await book_session(led)
    asked = correction(led, "F41.1")
    assert await led.refused(path(session), asked) == [("no_own_diagnoses", "appointment_id")]
    await attend(led, session)
    assert (await led.post(path(session), asked))["diagnoses"] == ["F41.1"]
