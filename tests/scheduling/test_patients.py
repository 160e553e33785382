"""Intake, contact details, and who sees what of a patient."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.auth import Role
from tests.scheduling.conftest import ADDRESS, PATIENT, Clinic, bearer


async def test_a_patient_without_concerns_is_on_file_and_not_screened(clinic: Clinic) -> None:
    answer = await clinic.post("/patients", PATIENT | {"same_name_is_another_person": True})
    assert (answer["held"], answer["screening"]) == (False, "not_screened")
    assert await clinic.kinds_said(answer["patient_id"]) == ["PatientRegistered"]


async def test_a_patient_with_a_concern_is_held(clinic: Clinic) -> None:
    concerns = ["uncontrolled_blood_pressure", "heart_disease"]
    wish = PATIENT | {"concerns": concerns, "same_name_is_another_person": True}
    answer = await clinic.post("/patients", wish)
    assert answer["held"] is True
    assert await clinic.kinds_said(answer["patient_id"]) == ["PatientRegistered", "PatientHeld"]
    on_file = await clinic.get(f"/patients/{answer['patient_id']}")
    assert on_file["concerns"] == ["heart_disease", "uncontrolled_blood_pressure"]


async def test_a_new_phone_is_kept_and_told_without_the_phone(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    await clinic.post(f"/patients/{patient_id}", {"phone": "+12025550199"}, method="PATCH")
    assert (await clinic.get(f"/patients/{patient_id}"))["phone"] == "+12025550199"
    kind, event = (await clinic.said(patient_id))[-1]
    assert kind == "PatientUpdated"
    assert set(event) == {"patient_id", "updated_at"}


async def test_a_change_that_changes_nothing_is_not_told(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    same = {"phone": PATIENT["phone"], "address": ADDRESS}
    await clinic.post(f"/patients/{patient_id}", same, method="PATCH")
    assert await clinic.kinds_said(patient_id) == ["PatientRegistered"]


async def test_an_address_is_replaced_whole(clinic: Clinic) -> None:
    patient_id = await clinic.patient(address=ADDRESS | {"line2": "Apartment 4"})
    await clinic.post(f"/patients/{patient_id}", {"address": ADDRESS}, method="PATCH")
    assert (await clinic.get(f"/patients/{patient_id}"))["address"]["line2"] is None


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"phone": None},
        {"phone": "202-555-0147"},
        {"birth_date": "1899-12-31"},
        {"held": False},
        {"first_name": "Testa\u0000"},
    ],
)
async def test_a_change_that_is_not_understood_stores_nothing(
    clinic: Clinic, wish: dict[str, Any]
) -> None:
    patient_id = await clinic.patient()
    answer = await clinic.send(f"/patients/{patient_id}", wish, method="PATCH")
    assert answer.status_code == 422
    assert await clinic.kinds_said(patient_id) == ["PatientRegistered"]


async def test_a_birth_date_to_come_is_refused(clinic: Clinic) -> None:
    wish = PATIENT | {"birth_date": "2026-10-06"}
    assert await clinic.refused("/patients", wish) == [("birth_date", "birth_date")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": "2025550147"},
        {"email": "nobody"},
        {"birth_date": "yesterday"},
        {"concerns": ["gout"]},
        {"address": ADDRESS | {"postal_code": "2231"}},
        {"last_name": "Can\nary"},
        {"nickname": "T"},
    ],
)
async def test_intake_names_the_field_that_is_wrong_and_repeats_no_patient(
    clinic: Clinic, wrong: dict[str, Any]
) -> None:
    answer = await clinic.send("/patients", PATIENT | wrong)
    assert answer.status_code == 422
    [violation] = answer.json()["violations"]
    assert violation["field"].split(".")[0] == next(iter(wrong))
    assert "Canary" not in answer.text


@pytest.mark.parametrize("path", ["", "/clearance"])
async def test_an_unknown_patient_is_not_found(clinic: Clinic, path: str) -> None:
    wish = clinic.clearance() if path else {"phone": "+12025550199"}
    method = "POST" if path else "PATCH"
    answer = await clinic.send(f"/patients/{uuid4()}{path}", wish, method=method)
    assert answer.status_code == 404
    assert answer.json()["violations"][0]["rule"] == "unknown_patient"


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.NURSE, True),
        (Role.PRESCRIBER, True),
        (Role.FRONT_DESK, False),
        (Role.BILLER, False),
    ],
)
async def test_only_those_who_treat_see_what_screening_found(
    clinic: Clinic,
    role: Role,
    sees: bool,  # noqa: FBT001  # a table's column
) -> None:
    patient_id = await clinic.patient(concerns=["heart_disease"])
    clinic.headers = bearer(role)
    on_file = await clinic.get(f"/patients/{patient_id}")
    assert on_file["held"] is True
    assert on_file["concerns"] == (["heart_disease"] if sees else None)


async def test_who_read_a_patient_is_on_the_audit_log(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    clinic.headers = bearer(Role.BILLER, subject="biller-7")
    await clinic.get(f"/patients/{patient_id}")
    [entry] = await clinic.rows(
        "SELECT actor, role FROM audit_log WHERE action = 'read' AND patient_id = :patient",
        patient=patient_id,
    )
    assert tuple(entry) == ("biller-7", "biller")
