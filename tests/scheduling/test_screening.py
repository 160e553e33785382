"""Nobody is infused unscreened, and what was signed ends."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.scheduling.rules.patients import screening as rules
from services.scheduling.rules.patients.intake import Concern
from services.scheduling.rules.patients.screening import Screened, Screening
from shared.clock import FixedClock
from tests.scheduling.conftest import CLINICIAN, Clinic

TODAY = date(2026, 10, 5)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


async def here(clinic: Clinic, patient_id: str) -> dict[str, Any]:
    """A visit that lacks nothing but what screening asks."""
    visit: dict[str, Any] = (await clinic.series(patient_id=patient_id))["appointments"][0]
    clinic.be_there(visit)
    await clinic.plan_dose(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    return visit


@pytest.mark.parametrize(
    ("screened", "rule"),
    [
        (Screened(Screening.NOT_SCREENED, None), "screening_missing"),
        (Screened(Screening.CONCERN, None), "clearance_missing"),
        (Screened(Screening.CLEAR, YESTERDAY), "screening_lapsed"),
        (Screened(Screening.CLEARED, YESTERDAY), "clearance_lapsed"),
        (Screened(Screening.CLEAR, TODAY), None),
        (Screened(Screening.CLEARED, TODAY), None),
    ],
)
def test_the_drip_starts_only_on_a_screening_that_holds_today(
    screened: Screened, rule: str | None
) -> None:
    broken = rules.broken_by_screening(screened, TODAY)
    assert [each.rule for each in broken] == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("concerns", "until", "rule"),
    [
        ([], None, "valid_until_missing"),
        ([], YESTERDAY, "valid_until_past"),
        ([], TODAY, None),
        ([], TODAY + timedelta(days=30), None),
        ([], TODAY + timedelta(days=31), "valid_until_far"),
        ([Concern.HEART_DISEASE], None, None),
        ([Concern.HEART_DISEASE], TOMORROW, "concern_without_end"),
    ],
)
def test_a_screening_says_what_it_found_or_until_when_it_found_nothing(
    concerns: list[Concern], until: date | None, rule: str | None
) -> None:
    broken = rules.broken_by_finding(concerns, until, TODAY, 30)
    assert [each.rule for each in broken] == ([] if rule is None else [rule])


async def test_nobody_is_infused_unscreened(clinic: Clinic) -> None:
    patient_id = await clinic.patient(screened=False)
    series = await clinic.series(patient_id=patient_id)
    assert any("Nobody has screened" in each for each in series["advice"])
    visit = series["appointments"][0]
    clinic.be_there(visit)
    await clinic.plan_dose(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    assert await clinic.refused(path(visit, "clear"), {}) == [("screening_missing", "screening")]
    await clinic.screen(patient_id)
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    [row] = await clinic.rows(
        "SELECT screened_until FROM appointments WHERE appointment_id = :id",
        id=visit["appointment_id"],
    )
    assert row.screened_until.isoformat() == clinic.in_days(300)


async def test_a_concern_that_is_found_later_holds_a_patient_who_was_cleared_to_start(
    clinic: Clinic,
) -> None:
    patient_id = await clinic.patient()
    visit = await here(clinic, patient_id)
    await clinic.step(visit, "clear")
    held = await clinic.screen(patient_id, "heart_disease")
    assert (held["held"], held["screening"]) == (True, "concern")
    start = {"clinician_id": clinic.clinician_id}
    assert await clinic.refused(path(visit, "start"), start) == [("clearance_missing", "clearance")]
    assert (await clinic.kinds_said(patient_id))[-1] == "PatientHeld"
    await clinic.clear_patient(patient_id, note="Cardiology wrote.")
    assert (await clinic.start(visit))["state"] == "running"
    on_file = await clinic.get(f"/patients/{patient_id}/screening")
    assert [each["concerns"] for each in on_file["screenings"]] == [["heart_disease"], []]
    [clearance] = on_file["clearances"]
    assert (clearance["signed_by"], clearance["note"]) == (clinic.subject, "Cardiology wrote.")


async def test_a_clearance_ends_and_is_renewed(clinic: Clinic, clock: FixedClock) -> None:
    patient_id = await clinic.patient(concerns=["heart_disease"])
    cleared = await clinic.clear_patient(patient_id, days=1)
    assert (cleared["held"], cleared["screening"]) == (False, "cleared")
    series = await clinic.series(patient_id=patient_id)
    assert any("the series goes on to 2026-10-22" in each for each in series["advice"])
    visit = series["appointments"][0]
    clinic.be_there(visit)
    await clinic.plan_dose(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    assert await clinic.refused(path(visit, "clear"), {}) == [("clearance_lapsed", "clearance")]
    assert (await clinic.get(f"/patients/{patient_id}"))["held"] is True
    await clinic.clear_patient(patient_id, days=30)
    again = await clinic.refused(f"/patients/{patient_id}/clearance", clinic.clearance(days=30))
    assert again == [("cleared_already", "patient_id")]
    await clinic.clear_patient(patient_id, days=31)
    await clinic.step(visit, "clear")
    kinds = await clinic.kinds_said(patient_id)
    assert kinds.count("PatientCleared") == 2, "a renewal before the end tells nothing new"


async def test_a_screening_ends_and_the_patient_is_screened_again(
    clinic: Clinic, clock: FixedClock
) -> None:
    patient_id = await clinic.patient(screened=False)
    await clinic.screen(patient_id, days=1)
    visit = await here(clinic, patient_id)
    assert await clinic.refused(path(visit, "clear"), {}) == [("screening_lapsed", "screening")]
    await clinic.screen(patient_id)
    await clinic.step(visit, "clear")


async def test_what_a_nurse_finds_she_does_not_clear(clinic: Clinic) -> None:
    nurse, login = f"{clinic.subject}-nurse", clinic.headers
    rn = await clinic.clinician(credential="RN", dea_number=None, subject=nurse)
    patient_id = await clinic.patient(screened=False)
    clinic.headers = clinic.as_staff(nurse)
    found = {"clinician_id": rn, "concerns": ["uncontrolled_blood_pressure"]}
    screenings = f"/patients/{patient_id}/screenings"
    assert (await clinic.post(screenings, found))["held"] is True
    signed = clinic.clearance(clinician_id=rn)
    assert await clinic.refused(f"/patients/{patient_id}/clearance", signed) == [
        ("signer_credential", "clinician_id")
    ]
    nothing = {"clinician_id": rn, "concerns": [], "valid_until": clinic.in_days(30)}
    assert await clinic.refused(screenings, nothing) == [("signer_credential", "clinician_id")]
    clinic.headers = login
    gone = await clinic.screen(patient_id)
    assert (gone["held"], gone["screening"]) == (False, "clear")
    kinds = await clinic.kinds_said(patient_id)
    assert kinds == ["PatientRegistered", "PatientHeld", "PatientCleared"]


async def test_a_clearance_names_everything_that_is_wrong_with_it(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    wish = clinic.clearance(clinician_id=str(uuid4()), valid_until="2026-10-04")
    assert await clinic.refused(f"/patients/{patient_id}/clearance", wish) == [
        ("not_held", "patient_id"),
        ("valid_until_past", "valid_until"),
        ("unknown_clinician", "clinician_id"),
    ]
    far = clinic.clearance(days=366)
    held = await clinic.patient(concerns=["heart_disease"])
    assert await clinic.refused(f"/patients/{held}/clearance", far) == [
        ("valid_until_far", "valid_until")
    ]


async def test_what_the_desk_notes_at_intake_holds_and_is_nobodys_signature(
    clinic: Clinic,
) -> None:
    patient_id = await clinic.patient(concerns=["heart_disease"])
    on_file = await clinic.get(f"/patients/{patient_id}/screening")
    [noted] = on_file["screenings"]
    assert (noted["clinician_id"], noted["recorded_by"]) == (None, clinic.subject)
    assert (on_file["held"], on_file["screening"]) == (True, "concern")
    assert CLINICIAN["credential"] == "MD", "the other tests of this page rest on it"
