"""A hospital takes a patient over: deliberate, signed, with vitals and a name, and listed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer
from tests.scheduling.test_leaving import path

PLACE = "Made Up General Hospital"


def handover(clinic: Clinic, **fields: object) -> dict[str, Any]:
    return {
        "clinician_id": clinic.clinician_id,
        "transferred_to": PLACE,
        "taken_over_by": "Medic Unit 7, Testa Medic",
        "reason": "A pressure that does not come down.",
    } | fields


async def after_the_drip(clinic: Clinic) -> dict[str, Any]:
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    return dict(visit)


async def test_a_discharge_names_no_hospital(clinic: Clinic) -> None:
    """No word in another form lets a patient go past the gates."""
    visit = await after_the_drip(clinic)
    answer = await clinic.send(path(visit, "discharge"), {"transferred_to": PLACE})
    assert answer.status_code == 422


async def test_a_transfer_has_vitals_and_the_drugs_record_whatever_they_are(
    clinic: Clinic,
) -> None:
    visit = await after_the_drip(clinic)
    refused = await clinic.refused(path(visit, "transfer"), handover(clinic))
    assert refused == [("vitals_missing", "vitals"), ("dose_not_recorded", "dose")]
    await clinic.vitals(visit, systolic_mmhg=200, diastolic_mmhg=115)
    await clinic.give(visit)
    clinic.clock.step(timedelta(hours=2))
    assert await clinic.refused(path(visit, "transfer"), handover(clinic)) == [
        ("vitals_stale", "vitals")
    ]
    await clinic.vitals(visit, systolic_mmhg=200, diastolic_mmhg=115)
    gone = await clinic.step(visit, "transfer", handover(clinic))
    assert gone["state"] == "discharged"
    assert await clinic.refused(path(visit, "transfer"), handover(clinic)) == [
        ("visit_state", "appointment_id")
    ]


async def test_a_transfer_is_listed_with_the_overrides_and_bans_driving(clinic: Clinic) -> None:
    visit = await after_the_drip(clinic)
    stopped_at = clinic.clock.now()
    await clinic.give(visit)
    await clinic.vitals(visit, systolic_mmhg=200, diastolic_mmhg=115)
    await clinic.step(visit, "transfer", handover(clinic))
    listed = await clinic.get("/overrides", kind="transfer", patient_id=visit["patient_id"])
    [shown] = listed["items"]
    assert shown["reason"] == "A pressure that does not come down."
    assert (shown["clinician_id"], shown["signed_by"]) == (clinic.clinician_id, clinic.subject)
    assert shown["appointment_id"] == visit["appointment_id"]
    kind, event = (await clinic.said(visit["patient_id"]))[-1]
    assert kind == "PatientDischarged"
    until = (stopped_at + timedelta(hours=6)).isoformat().replace("+00:00", "Z")
    assert event["no_drive_until"] == until
    assert PLACE not in str(event)
    [(sealed, left_on)] = await clinic.rows(
        "SELECT handed_over, left_on_reading_id FROM transfers JOIN appointments"
        " USING (appointment_id) WHERE appointment_id = :id",
        id=visit["appointment_id"],
    )
    assert b"Made Up" not in bytes(sealed)
    assert left_on is not None


@pytest.mark.parametrize("field", ["reason", "taken_over_by", "transferred_to", "clinician_id"])
async def test_a_transfer_says_who_took_over_where_and_why(clinic: Clinic, field: str) -> None:
    visit = await after_the_drip(clinic)
    wish = {name: value for name, value in handover(clinic).items() if name != field}
    answer = await clinic.send(path(visit, "transfer"), wish)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["violations"]} == {field}


async def test_nobody_signs_a_transfer_for_another(clinic: Clinic) -> None:
    visit = await after_the_drip(clinic)
    await clinic.give(visit)
    await clinic.vitals(visit)
    clinic.headers = bearer(Role.NURSE, subject="nurse-7")
    assert await clinic.refused(path(visit, "transfer"), handover(clinic)) == [
        ("signer_is_another", "clinician_id")
    ]
    wish = handover(clinic, clinician_id=await nurse(clinic, "nurse-7"))
    clinic.headers = bearer(Role.NURSE, subject="nurse-7")
    assert (await clinic.step(visit, "transfer", wish))["state"] == "discharged"


async def nurse(clinic: Clinic, subject: str) -> str:
    """One who prescribes nothing."""
    clinic.headers = clinic.as_staff(clinic.subject)
    return await clinic.clinician(
        credential="RN", dea_number=None, subject=subject, npi="1234567893"
    )


async def test_an_aborted_infusion_can_end_in_a_transfer(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    assert await clinic.refused(path(visit, "transfer"), handover(clinic)) == [
        ("visit_state", "appointment_id")
    ]
    await clinic.step(visit, "abort", {"reason": "Chest pain."})
    await clinic.give(visit, given_ug=10_000, drawn_ug=10_000)
    await clinic.vitals(visit)
    gone = await clinic.step(visit, "transfer", handover(clinic))
    assert (gone["state"], gone["no_drive_until"]) == ("aborted", "2026-10-07T22:00:00Z")
