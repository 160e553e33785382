"""An adverse event is open until somebody says that it is over; a serious one is reviewed."""

from __future__ import annotations

from typing import Any

import pytest

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer

FALL = {
    "event": "other", "severity": "serious", "action": "Fell; an ambulance came.", "resolved": False
}  # fmt: skip


async def running(clinic: Clinic) -> dict[str, Any]:
    visit: dict[str, Any] = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    return visit


async def listed(clinic: Clinic, patient_id: str, *, open_: bool = True) -> list[Any]:
    page = await clinic.get("/adverse-events", patient_id=patient_id, open=open_)
    return list(page["items"])


async def waiting(clinic: Clinic, patient_id: str) -> list[Any]:
    return list((await clinic.get("/reviews", patient_id=patient_id))["items"])


async def test_an_adverse_event_is_followed_up_until_it_is_over(clinic: Clinic) -> None:
    visit = await running(clinic)
    noted = await clinic.step(visit, "adverse-events", FALL)
    [event] = await listed(clinic, visit["patient_id"])
    assert (event["note_id"], event["severity"]) == (noted["note_id"], "serious")
    assert (event["resolved_at"], event["follow_ups"]) == (None, [])
    path = f"/adverse-events/{event['note_id']}/follow-ups"
    await clinic.post(path, {"found": "Rests at home.", "resolved": False})
    over = await clinic.post(path, {"found": "No harm was found.", "resolved": True})
    assert over["resolved_by"] == clinic.subject
    assert [each["note"]["found"] for each in over["follow_ups"]] == [
        "Rests at home.",
        "No harm was found.",
    ]
    assert await listed(clinic, visit["patient_id"]) == []
    assert await listed(clinic, visit["patient_id"], open_=False) == [over]
    back = await clinic.post(path, {"found": "Dizzy again.", "resolved": False})
    assert back["resolved_at"] is None
    chart = await clinic.get(f"/appointments/{visit['appointment_id']}/chart")
    assert [each["note"]["kind"] for each in chart["notes"]] == [
        "adverse_event", "follow_up", "follow_up", "follow_up"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("severity", "matters"), [("serious", ["serious_event"]), ("expected", [])]
)
async def test_a_serious_event_waits_for_a_prescriber_and_is_told_to_nobody_else(
    clinic: Clinic, severity: str, matters: list[str]
) -> None:
    visit = await running(clinic)
    said = await clinic.kinds_said(visit["patient_id"])
    await clinic.step(visit, "adverse-events", FALL | {"severity": severity})
    reviews = await waiting(clinic, visit["patient_id"])
    assert [each["matter"] for each in reviews] == matters
    assert [each["appointment_id"] for each in reviews] == [visit["appointment_id"]] * len(matters)
    assert await clinic.kinds_said(visit["patient_id"]) == said


async def test_only_a_prescriber_closes_the_review_of_a_serious_event(clinic: Clinic) -> None:
    visit = await running(clinic)
    await clinic.step(visit, "adverse-events", FALL)
    [review] = await waiting(clinic, visit["patient_id"])
    path, done = f"/reviews/{review['review_id']}/acknowledge", {"done": "The series is paused."}
    clinic.headers = bearer(Role.NURSE)
    assert (await clinic.send(path, done)).status_code == 403
    clinic.headers = bearer(Role.PRESCRIBER)
    assert (await clinic.post(path, done))["done"] == "The series is paused."
    assert await waiting(clinic, visit["patient_id"]) == []


async def test_a_dose_that_ran_above_the_ceiling_is_recorded_and_reviewed(clinic: Clinic) -> None:
    visit = await running(clinic)
    await clinic.step(visit, "complete")
    ran = {
        "drawn_ug": 5_000_000,
        "given_ug": 5_000_000,
        "off_plan_reason": "The pump was set wrong.",
    }
    await clinic.give(visit, **ran)
    assert [each["matter"] for each in await waiting(clinic, visit["patient_id"])] == [
        "dose_above_ceiling"
    ]


async def test_nothing_of_an_event_is_readable_in_its_rows(clinic: Clinic) -> None:
    visit = await running(clinic)
    await clinic.step(visit, "adverse-events", FALL)
    for table in ("adverse_events", "chart_notes", "reviews"):
        for (row,) in await clinic.rows(f"SELECT t::text FROM {table} AS t"):
            for secret in ("Fell", "serious"):
                assert secret not in row
                assert secret.encode().hex() not in row
