"""Who waits for a treatment outside a series is offered a freed chair like anybody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.test_treatments import book
from tests.scheduling.test_waitlist import any_time, free_one, offers

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BOOSTER = "ketamine_maintenance"


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()
    await clinic.opens(visit_type=BOOSTER)


def wish_for(clinic: Clinic, patient_id: str, **fields: object) -> dict[str, Any]:
    return {
        "patient_id": patient_id,
        "location_id": clinic.location_id,
        "visit_type": BOOSTER,
        "windows": any_time(),
    } | fields


def order(clinic: Clinic) -> dict[str, Any]:
    return {"ordered_by": clinic.clinician_id, "diagnoses": ["F33.1"]}


async def test_a_treatment_that_waits_is_booked_in_the_chair_that_becomes_free(
    clinic: Clinic,
) -> None:
    booked = await clinic.series(every(3, 6))
    patient_id = await clinic.patient()
    waits = await clinic.post("/waitlist", wish_for(clinic, patient_id, **order(clinic)))
    assert waits["ordered_by"] == clinic.clinician_id
    assert "diagnoses" not in waits
    freed = await free_one(clinic, booked)
    [offer] = await offers(clinic)
    assert (offer["patient_id"], offer["visit_type"]) == (patient_id, BOOSTER)
    visit = await clinic.post(f"/offers/{offer['offer_id']}/accept", {})
    assert (visit["series_id"], visit["starts_at"]) == (None, freed["starts_at"])
    assert visit["ordered_by"] == clinic.clinician_id
    said = await clinic.kinds_said(patient_id)
    assert said == ["PatientRegistered", "ChairOffered", "AppointmentBooked"]
    assert (await clinic.get("/waitlist", location_id=clinic.location_id))["items"] == []


async def test_a_booked_treatment_moves_into_the_chair_that_becomes_free(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    later = await book(clinic, NOON + 20 * DAY, chair_id=await clinic.chair())
    moving = {"appointment_id": later["appointment_id"]}
    await clinic.post("/waitlist", wish_for(clinic, later["patient_id"], **moving))
    freed = await free_one(clinic, booked)
    [offer] = await offers(clinic)
    visit = await clinic.post(f"/offers/{offer['offer_id']}/accept", {})
    assert visit["appointment_id"] == later["appointment_id"]
    assert (visit["chair_id"], visit["starts_at"]) == (clinic.chair_id, freed["starts_at"])


async def test_nobody_is_offered_a_treatment_too_near_to_another_or_one_that_is_off(
    clinic: Clinic,
) -> None:
    booked = await clinic.series(every(3, 6))
    near = await book(clinic, NOON + 4 * DAY, chair_id=await clinic.chair())
    soon = {"windows": any_time(10)}
    await clinic.post("/waitlist", wish_for(clinic, near["patient_id"], **order(clinic), **soon))
    gone = await book(clinic, NOON + 20 * DAY, chair_id=await clinic.chair())
    moving = {"appointment_id": gone["appointment_id"]}
    await clinic.post("/waitlist", wish_for(clinic, gone["patient_id"], **moving))
    await clinic.step(gone, "cancel", {"reason": "patient_asked"})
    await free_one(clinic, booked)  # on the 10th, and the other is given on the 11th
    assert await offers(clinic) == []
    await clinic.step(near, "cancel", {"reason": "patient_asked"})
    await clinic.let_fall_due()
    assert [each["patient_id"] for each in await offers(clinic)] == [near["patient_id"]]


async def test_whose_gap_would_break_comes_before_a_treatment(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6, NOON + HOUR), chair_id=await clinic.chair())
    booked = await clinic.series(every(3, 6))
    await clinic.step(series["appointments"][1], "cancel", {"reason": "clinic_asked"})
    await clinic.let_fall_due()
    asked = [await clinic.patient() for _ in range(3)]
    for patient_id in asked:
        await clinic.post("/waitlist", wish_for(clinic, patient_id, **order(clinic)))
        clinic.clock.step(timedelta(seconds=1))
    lacks = {"patient_id": series["patient_id"], "visit_type": "ketamine_mood"}
    await clinic.post("/waitlist", wish_for(clinic, **lacks))
    await free_one(clinic, booked)
    made = {each["patient_id"] for each in await offers(clinic)}
    assert made == {series["patient_id"], *asked[:2]}


async def test_what_of_treatments_nobody_can_wait_for(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    treatment = await book(clinic, NOON + 20 * DAY)
    nothing = [("nothing_ordered", "appointment_id")]
    for wrong in (
        {},
        {"ordered_by": clinic.clinician_id},
        {"appointment_id": str(uuid4())},
        {"appointment_id": treatment["appointment_id"]},  # is another patient's
    ):
        wish = wish_for(clinic, patient_id, **wrong)
        assert await clinic.refused("/waitlist", wish) == nothing
    stranger = wish_for(clinic, patient_id, **order(clinic), visit_type="preparation")
    assert await clinic.refused("/waitlist", stranger) == [("chair_needless", "visit_type")]
    nobody = wish_for(clinic, patient_id, **(order(clinic) | {"ordered_by": str(uuid4())}))
    assert await clinic.refused("/waitlist", nobody) == [("unknown_clinician", "ordered_by")]
    series = await clinic.series(every(3, 6), chair_id=await clinic.chair())
    first = series["appointments"][0]["appointment_id"]
    ordered = wish_for(
        clinic,
        series["patient_id"],
        **order(clinic),
        visit_type="ketamine_mood",
        appointment_id=first,
    )
    assert await clinic.refused("/waitlist", ordered) == [("order_needless", "ordered_by")]
    wish = wish_for(clinic, patient_id, **order(clinic))
    await clinic.post("/waitlist", wish)
    assert await clinic.refused("/waitlist", wish) == [("waits_already", "patient_id")]
