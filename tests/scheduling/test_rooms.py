"""Rooms: a visit whose type needs one has it to itself, whoever books it and however."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import sqlstate
from tests.scheduling.conftest import CLINICIAN, NOON, NOW, Clinic, every

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MADE_UP = "made up"
NEEDED = {"value": True, "source": MADE_UP}


@pytest.fixture
async def roomy(clinic: Clinic) -> Clinic:
    """A clinic whose preparation sessions, boosters and mood infusions each need a room."""
    for visit_type in ("preparation", "ketamine_maintenance", "ketamine_mood"):
        figures = {"effective_from": "2026-10-05", "room_needed": NEEDED}
        if visit_type == "preparation":
            figures["booked_min"] = {"value": 60, "source": MADE_UP}
        answer = await clinic.send(f"/visit-types/{visit_type}/figures", figures)
        assert answer.status_code in {201, 409}, answer.text  # the figures are the module's
    return clinic


async def room(clinic: Clinic, name: str = "Quiet room") -> str:
    path = f"/locations/{clinic.location_id}/rooms"
    return str((await clinic.post(path, {"name": name}))["room_id"])


def session(clinic: Clinic, at: Any, led_by: str | None = None) -> dict[str, Any]:
    return {
        "location_id": clinic.location_id,
        "led_by": led_by or clinic.clinician_id,
        "visit_type": "preparation",
        "starts_at": at.isoformat(),
    }


def treatment(clinic: Clinic, at: Any, chair_id: str | None = None) -> dict[str, Any]:
    return {
        "location_id": clinic.location_id,
        "chair_id": chair_id or clinic.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": at.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }


async def test_rooms_are_told_apart_by_their_names(clinic: Clinic) -> None:
    await room(clinic)
    path = f"/locations/{clinic.location_id}/rooms"
    assert await clinic.refused(path, {"name": "Quiet room"}) == [("room_name_taken", "name")]
    assert [each["name"] for each in await clinic.get(path)] == ["Quiet room"]


async def test_where_no_room_is_on_record_nothing_is_booked_that_needs_one(roomy: Clinic) -> None:
    path = f"/patients/{await roomy.patient()}"
    assert await roomy.refused(f"{path}/treatments", treatment(roomy, NOON)) == [
        ("room_missing", "starts_at")
    ]


async def test_a_session_and_a_booster_do_not_share_a_room(roomy: Clinic) -> None:
    quiet = await room(roomy)
    booster = await roomy.post(
        f"/patients/{await roomy.patient()}/treatments", treatment(roomy, NOON)
    )
    assert booster["room_id"] == quiet
    path = f"/patients/{await roomy.patient()}/sessions"
    broken = await roomy.refused(path, session(roomy, NOON + timedelta(minutes=30)))
    assert broken == [("room_taken", "starts_at")]
    other = await room(roomy, "Second room")
    beside = await roomy.post(path, session(roomy, NOON + timedelta(minutes=30)))
    assert beside["room_id"] == other


async def test_a_moved_session_keeps_its_room_or_takes_a_free_one(roomy: Clinic) -> None:
    await room(roomy, "A")
    second = await room(roomy, "B")
    leader = (await roomy.post("/clinicians", CLINICIAN))["clinician_id"]
    first = f"/patients/{await roomy.patient()}/sessions"
    await roomy.post(first, session(roomy, NOON))
    beside = f"/patients/{await roomy.patient()}/sessions"
    moving = await roomy.post(beside, session(roomy, NOON, leader))
    assert moving["room_id"] == second
    move = {"starts_at": (NOON + 2 * HOUR).isoformat()}
    moved = await roomy.post(f"/appointments/{moving['appointment_id']}/move", move)
    assert moved["room_id"] == second


async def test_a_series_has_a_room_for_each_infusion_and_gives_it_back(roomy: Clinic) -> None:
    quiet = await room(roomy)
    series = await roomy.series(every(3, 6))
    assert {each["room_id"] for each in series["appointments"]} == {quiet}
    other = await roomy.chair()
    path = f"/patients/{await roomy.patient()}/treatments"
    wished = treatment(roomy, NOON + 3 * DAY, other)
    assert await roomy.refused(path, wished) == [("room_taken", "starts_at")]
    second = series["appointments"][1]
    await roomy.step(second, "cancel", {"reason": "clinic_asked"})
    assert (await roomy.post(path, wished))["room_id"] == quiet


async def test_plans_leave_the_hours_in_which_no_room_is_free(roomy: Clinic) -> None:
    await room(roomy)
    await roomy.opens()
    other = await roomy.chair()
    for n in range(4):
        at = NOON + n * DAY
        path = f"/patients/{await roomy.patient()}/treatments"
        await roomy.post(path, treatment(roomy, at, other))
    patient_id = await roomy.patient()
    found = await roomy.plans(patient_id, preferences={"from": "12:00", "until": "13:00"})
    starts = [each["starts_at"] for plan in found["plans"] for each in plan["appointments"]]
    assert not {(NOON + n * DAY).isoformat().replace("+00:00", "Z") for n in range(4)} & set(starts)
    for plan in (found["plans"] or found["nearest"])[:1]:
        wished = roomy.wish(patient_id, []) | {"appointments": plan["appointments"]}
        held = await roomy.post("/holds", {k: wished[k] for k in HELD})
        booked = await roomy.post(
            f"/holds/{held['hold_id']}/book",
            {"prescriber_id": roomy.clinician_id, "diagnoses": ["F33.1"]},
        )
        assert all(each["room_id"] for each in booked["appointments"])


HELD = ("patient_id", "location_id", "visit_type", "appointments")


async def test_of_many_who_want_the_last_room_one_has_it(roomy: Clinic) -> None:
    await room(roomy)
    wishes = []
    for _ in range(8):
        leader = (await roomy.post("/clinicians", CLINICIAN))["clinician_id"]
        wishes.append((await roomy.patient(), leader))
    answers = await asyncio.gather(
        *(
            roomy.send(f"/patients/{patient_id}/sessions", session(roomy, NOON, leader))
            for patient_id, leader in wishes
        )
    )
    assert sorted(each.status_code for each in answers) == [201, *[409] * 7]


async def test_the_database_itself_lets_no_two_visits_have_one_room(roomy: Clinic) -> None:
    quiet = await room(roomy)
    await room(roomy, "Second room")
    await roomy.post(f"/patients/{await roomy.patient()}/treatments", treatment(roomy, NOON))
    other = await roomy.chair()
    path = f"/patients/{await roomy.patient()}/treatments"
    beside = await roomy.post(path, treatment(roomy, NOON, other))
    async with roomy.engine.begin() as connection:
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(
                text("UPDATE appointments SET room_id = :room WHERE appointment_id = :id"),
                {"room": quiet, "id": beside["appointment_id"]},
            )
    assert sqlstate(refused.value) == "23P01"


async def test_free_times_of_a_booking_link_are_those_with_a_room(roomy: Clinic) -> None:
    await room(roomy)
    patient_id = await roomy.patient()
    made = {"location_id": roomy.location_id, "clinician_id": roomy.clinician_id}
    link = await roomy.post(f"/patients/{patient_id}/booking-links", made)
    before = (await roomy.client.get(link["path"])).text
    other = (await roomy.post("/clinicians", CLINICIAN))["clinician_id"]
    taken = NOW + 3 * HOUR
    path = f"/patients/{await roomy.patient()}/sessions"
    await roomy.post(path, session(roomy, taken, other))
    after = (await roomy.client.get(link["path"])).text
    times = [f"2026-10-05T{each}:00" for each in ("12:15", "13:00", "13:45", "14:00")]
    assert [each in before for each in times] == [True] * 4
    assert [each in after for each in times] == [False, False, False, True]
