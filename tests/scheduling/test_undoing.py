"""Honest mistakes at the desk are taken back while nothing has followed from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.scheduling.conftest import NOON, Clinic, every

STATE = ("visit_state", "appointment_id")


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


async def missed(clinic: Clinic) -> dict[str, Any]:
    """A series whose first patient was three minutes late."""
    series: dict[str, Any] = await clinic.series()
    visit = series["appointments"][0]
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    clinic.be_there(visit)
    await clinic.step(visit, "cancel", {"reason": "no_show"})
    clinic.clock.step(timedelta(minutes=3))
    return series


async def test_the_check_in_of_the_wrong_patient_is_taken_back(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    clinic.be_there(visit)
    assert await clinic.refused(path(visit, "undo-check-in"), {}) == [STATE]
    await clinic.step(visit, "check-in", {"fasted": True})
    back = await clinic.step(visit, "undo-check-in")
    assert (back["state"], back["fasted"]) == ("booked", None)
    assert (await clinic.kinds_said(visit["patient_id"]))[-1] == "PatientCheckInUndone"
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})


async def test_a_check_in_with_something_on_the_chart_stands(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    assert await clinic.refused(path(visit, "undo-check-in"), {}) == [
        ("chart_begun", "appointment_id")
    ]


async def test_a_no_show_who_comes_is_checked_in_and_told_to_whoever_heard_of_it(
    clinic: Clinic,
) -> None:
    series = await missed(clinic)
    visit = series["appointments"][0]
    back = await clinic.step(visit, "undo-no-show")
    assert (back["state"], back["revision"]) == ("confirmed", 2)
    kinds = await clinic.kinds_said(series["patient_id"])
    assert kinds[-3:] == ["AppointmentCancelled", "AppointmentBooked", "RideConfirmed"]
    assert await clinic.get(f"/patients/{series['patient_id']}/missed-visits") == []
    await clinic.step(visit, "check-in", {"fasted": True})


async def test_a_no_show_stands_once_its_chair_is_taken(clinic: Clinic) -> None:
    series = await missed(clinic)
    soon = clinic.clock.now() + timedelta(minutes=5)
    await clinic.series([soon, *every(3, 5, NOON + timedelta(days=3, hours=2))])
    assert await clinic.refused(path(series["appointments"][0], "undo-no-show"), {}) == [
        ("chair_taken", "chair_id")
    ]


async def test_a_no_show_stands_once_another_infusion_is_booked_for_it(clinic: Clinic) -> None:
    series = await missed(clinic)
    more = {
        "chair_id": clinic.chair_id,
        "starts_at": (NOON + timedelta(days=18)).isoformat(),
    }
    await clinic.post(f"/series/{series['series_id']}/appointments", more)
    [broken] = await clinic.refused(path(series["appointments"][0], "undo-no-show"), {})
    assert broken[0] == "series_whole"


async def test_a_no_show_stands_once_a_booster_is_booked_too_near_to_it(clinic: Clinic) -> None:
    """The booster was far enough from what stood; both would be a day apart."""
    series = await missed(clinic)
    tomorrow = clinic.clock.now() + timedelta(days=1)
    booster = {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": tomorrow.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    treatments = f"/patients/{series['patient_id']}/treatments"
    await clinic.post(treatments, booster)
    assert await clinic.refused(path(series["appointments"][0], "undo-no-show"), {}) == [
        ("series_gap", "starts_at")
    ]


async def test_a_missed_booster_stands_once_another_is_booked_too_near_to_it(
    clinic: Clinic,
) -> None:
    patient, today = await clinic.patient(), clinic.clock.now() + timedelta(hours=1)
    booster = {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": today.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    treatments = f"/patients/{patient}/treatments"
    visit = await clinic.post(treatments, booster)
    clinic.be_there(visit)
    await clinic.step(visit, "cancel", {"reason": "no_show"})
    tomorrow = (today + timedelta(days=1)).isoformat()
    other = await clinic.post(treatments, booster | {"starts_at": tomorrow})
    assert await clinic.refused(path(visit, "undo-no-show"), {}) == [("drug_gap", "starts_at")]
    await clinic.step(other, "cancel", {"reason": "clinic_asked"})
    await clinic.step(visit, "undo-no-show")


async def test_a_no_show_is_taken_back_on_its_own_day_only(clinic: Clinic) -> None:
    series = await missed(clinic)
    clinic.clock.step(timedelta(days=1))
    assert await clinic.refused(path(series["appointments"][0], "undo-no-show"), {}) == [
        ("visit_day", "starts_at")
    ]
