"""A place changes while somebody books there: one waits for the other, and is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.races import nobody_deadlocks, race, until_waiting

__all__ = ["nobody_deadlocks"]

WEST = {"zone": "America/Los_Angeles"}


async def booking_of(clinic: Clinic, kind: str) -> tuple[str, dict[str, Any]]:
    """A booking for an hour at which the clinic is open by the clock of the east, not the west."""
    patient, ten = await clinic.patient(), NOON - timedelta(hours=2)
    plan = clinic.wish(patient, every(3, 6, ten))
    treatment = {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": ten.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    session = {
        "location_id": clinic.location_id,
        "led_by": clinic.clinician_id,
        "visit_type": "preparation",
        "starts_at": ten.isoformat(),
    }
    return {
        "series": ("/series", plan),
        "hold": (
            "/holds",
            {key: plan[key] for key in ("patient_id", "location_id", "visit_type", "appointments")},
        ),
        "treatment": (f"/patients/{patient}/treatments", treatment),
        "session": (f"/patients/{patient}/sessions", session),
    }[kind]


async def opens_by_its_clock(clinic: Clinic) -> None:
    for visit_type in ("ketamine_mood", "ketamine_maintenance", "preparation"):
        await clinic.opens(visit_type=visit_type)
    length = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await clinic.send("/visit-types/preparation/figures", length)


@pytest.mark.parametrize("kind", ["series", "hold", "treatment", "session"])
async def test_a_booking_that_waits_for_a_correction_of_the_zone_is_judged_by_the_new_one(
    clinic: Clinic, kind: str
) -> None:
    await opens_by_its_clock(clinic)
    path, wish = await booking_of(clinic, kind)
    async with clinic.engine.begin() as other:
        place = {"id": clinic.location_id}
        await other.execute(
            text("SELECT 1 FROM locations WHERE location_id = :id FOR UPDATE"), place
        )
        await other.execute(
            text("UPDATE locations SET zone = :zone WHERE location_id = :id"), place | WEST
        )
        booking = asyncio.create_task(clinic.send(path, wish))
        await until_waiting(clinic)
    answer = await booking
    assert answer.status_code == 409, answer.text
    assert {each["rule"] for each in answer.json()["violations"]} == {"opening_hours"}


@pytest.mark.parametrize("kind", ["series", "hold", "treatment", "session"])
async def test_a_correction_of_the_zone_waits_for_who_books_by_the_old_one(
    clinic: Clinic, kind: str
) -> None:
    await opens_by_its_clock(clinic)
    path, wish = await booking_of(clinic, kind)
    table, held = (
        ("clinicians", clinic.clinician_id)
        if kind == "session"
        else (
            "chairs",
            clinic.chair_id,
        )
    )
    async with clinic.engine.begin() as other:
        await other.execute(
            text(f"SELECT 1 FROM {table} WHERE {table[:-1]}_id = :id FOR UPDATE"),
            {"id": held},
        )
        booking = asyncio.create_task(clinic.send(path, wish))
        await until_waiting(clinic)
        place = f"/locations/{clinic.location_id}"
        correction = asyncio.create_task(clinic.send(place, WEST, method="PATCH"))
        await until_waiting(clinic, 2)
    assert (await booking).status_code == 201
    refused = await correction
    assert [each["rule"] for each in refused.json()["violations"]] == ["zone_in_use"]


@pytest.mark.parametrize("kind", ["series", "hold", "treatment"])
async def test_a_booking_that_waits_for_a_chair_to_be_taken_out_of_service_is_told_so(
    clinic: Clinic, kind: str
) -> None:
    """Of all that a booking holds, only the chair's own row says whether it is in service."""
    path, wish = await booking_of(clinic, kind)
    async with clinic.engine.begin() as other:
        await other.execute(
            text(
                "UPDATE chairs SET out_since = now(), out_reason = 'made up' WHERE chair_id = :id"
            ),
            {"id": clinic.chair_id},
        )
        booking = asyncio.create_task(clinic.send(path, wish))
        await until_waiting(clinic)
    _, lost = await race(booking)
    assert lost == {"chair_out": 1}


@pytest.mark.parametrize("kind", ["series", "treatment"])
async def test_whoever_takes_a_chair_out_of_service_is_told_of_who_was_just_booked_in_it(
    clinic: Clinic, kind: str
) -> None:
    path, wish = await booking_of(clinic, kind)
    async with clinic.engine.begin() as other:
        await other.execute(
            text("SELECT 1 FROM clinicians WHERE clinician_id = :id FOR UPDATE"),
            {"id": clinic.clinician_id},
        )
        booking = asyncio.create_task(clinic.send(path, wish))
        await until_waiting(clinic)
        out = f"/chairs/{clinic.chair_id}/out-of-service"
        taken_out = asyncio.create_task(clinic.send(out, {"reason": "Made up."}))
        await until_waiting(clinic, 2)
    assert (await booking).status_code == 201
    assert len((await taken_out).json()["touches"]) == len(wish.get("appointments", [wish]))
