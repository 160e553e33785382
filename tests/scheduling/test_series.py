"""A series is booked whole or not at all, and may be ended early."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.scheduling.conftest import LOCATION, NOON, NOW, Clinic, every


async def test_six_infusions_are_booked_in_one_request(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    visits = series["appointments"]
    assert [visit["sequence_no"] for visit in visits] == [1, 2, 3, 4, 5, 6]
    assert {visit["state"] for visit in visits} == {"booked"}
    assert {visit["revision"] for visit in visits} == {0}
    assert [datetime.fromisoformat(visit["starts_at"]) for visit in visits] == every(3, 6)
    lasts = {
        datetime.fromisoformat(visit["ends_at"]) - datetime.fromisoformat(visit["starts_at"])
        for visit in visits
    }
    assert lasts == {timedelta(minutes=50)}
    assert series["advice"] == []
    assert await clinic.get(f"/series/{series['series_id']}") == series


async def test_a_booked_series_and_each_of_its_visits_are_told(clinic: Clinic) -> None:
    series = await clinic.series(every(2, 8))
    said = await clinic.said(series["patient_id"])
    assert [kind for kind, _ in said] == [
        "PatientRegistered",
        "SeriesBooked",
        *["AppointmentBooked"] * 8,
    ]
    booked, first = said[1][1], said[2][1]
    assert booked["planned_infusions"] == 8
    assert booked["first_starts_at"] == series["appointments"][0]["starts_at"]
    assert booked["last_starts_at"] == series["appointments"][-1]["starts_at"]
    assert first["appointment_id"] == series["appointments"][0]["appointment_id"]
    assert "F33.1" not in str(said)


async def test_a_pain_series_of_consecutive_days_holds_its_chair_four_hours(
    clinic: Clinic,
) -> None:
    series = await clinic.series(every(1, 5), visit_type="ketamine_pain", diagnoses=["G90.50"])
    first = series["appointments"][0]
    assert first["ends_at"] == (NOON + timedelta(hours=4)).isoformat().replace("+00:00", "Z")


async def test_gaps_longer_than_advised_are_booked_with_advice(clinic: Clinic) -> None:
    series = await clinic.series(every(6, 6))
    assert len(series["advice"]) == 6
    assert series["advice"][0].startswith("Infusion 2 is 6 local days after infusion 1")
    assert series["advice"][-1].startswith("The last infusion is 30 local days after the first")


async def test_a_held_patient_is_booked_with_advice(clinic: Clinic) -> None:
    held = await clinic.patient(concerns=["active_liver_disease"])
    series = await clinic.series(patient_id=held)
    [advice] = series["advice"]
    assert "clearance" in advice


async def test_a_refused_booking_names_all_that_is_wrong_and_stores_nothing(
    clinic: Clinic,
) -> None:
    await clinic.series(every(3, 6))
    elsewhere = (await clinic.post("/locations", LOCATION))["location_id"]
    far_chair = (await clinic.post(f"/locations/{elsewhere}/chairs", {"name": "1"}))["chair_id"]
    patient_id = await clinic.patient()
    wish = clinic.wish(
        patient_id,
        [NOON + timedelta(minutes=30), NOW, NOON + timedelta(days=9), NOON + timedelta(days=10)],
        prescriber_id=str(uuid4()),
    )
    wish["appointments"][2]["chair_id"] = far_chair
    wish["appointments"][3]["chair_id"] = str(uuid4())
    assert sorted(await clinic.refused("/series", wish)) == [
        ("bookable_time", "appointments.1.starts_at"),
        ("chair_elsewhere", "appointments.2.chair_id"),
        ("chair_taken", "appointments.0.chair_id"),
        ("series_gap", "appointments.2.starts_at"),
        ("series_gap", "appointments.3.starts_at"),
        ("series_order", "appointments.1.starts_at"),
        ("series_size", "appointments"),
        ("unknown_chair", "appointments.3.chair_id"),
        ("unknown_clinician", "prescriber_id"),
    ]
    assert await clinic.kinds_said(patient_id) == ["PatientRegistered"]
    assert (
        await clinic.rows("SELECT 1 FROM series WHERE patient_id = :patient", patient=patient_id)
        == []
    )


async def test_an_unknown_patient_and_location_are_named_together(clinic: Clinic) -> None:
    wish = clinic.wish(str(uuid4()), every(3, 6), location_id=str(uuid4()))
    rules = {rule for rule, _ in await clinic.refused("/series", wish)}
    assert {"unknown_patient", "unknown_location", "chair_elsewhere"} == rules


@pytest.mark.parametrize(
    "wrong",
    [
        {"visit_type": "No code"},
        {"diagnoses": []},
        {"diagnoses": ["depressed"]},
        {"appointments": [{"chair_id": str(uuid4()), "starts_at": "2026-10-07T12:00:00"}]},
        {"appointments": [{"chair_id": str(uuid4()), "starts_at": "0001-01-01T00:00:00+14:00"}]},
        {"appointments": [{"chair_id": str(uuid4()), "starts_at": "9999-12-31T23:59:59-12:00"}]},
        {"appointments": [{"chair_id": str(uuid4()), "starts_at": "0001-01-01T00:00:00Z"}]},
        {"appointments": [{"chair_id": "1", "starts_at": "2026-10-07T12:00:00Z"}]},
    ],
)
async def test_a_wish_that_is_not_understood_is_told_so(
    clinic: Clinic, wrong: dict[str, Any]
) -> None:
    wish = clinic.wish(str(uuid4()), every(3, 6)) | wrong
    answer = await clinic.send("/series", wish)
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"].startswith(next(iter(wrong)))
    assert "datetime." not in answer.text
    assert "VisitType" not in answer.text


async def test_one_infusion_does_not_run_into_the_next_day_s(clinic: Clinic) -> None:
    late = datetime.fromisoformat("2026-10-07T23:00:00-04:00")
    starts = [late, late + timedelta(hours=2), late + timedelta(days=2)]
    wish = clinic.wish(await clinic.patient(), starts, visit_type="ketamine_pain")
    assert await clinic.refused("/series", wish) == [
        ("chair_taken", "appointments.1.chair_id"),
        ("patient_taken", "appointments.1.starts_at"),
    ]


async def test_a_patient_has_one_open_series_at_a_time(clinic: Clinic) -> None:
    series = await clinic.series()
    other = clinic.wish(series["patient_id"], every(3, 6, NOON + timedelta(days=1)))
    assert await clinic.refused("/series", other) == [("series_open", "patient_id")]
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Better already."})
    await clinic.post("/series", other)


async def test_visits_that_only_touch_share_a_chair(clinic: Clinic) -> None:
    await clinic.series(every(3, 6))
    await clinic.series(every(3, 6, NOON + timedelta(minutes=50)))


async def test_the_same_request_under_the_same_key_books_once(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    wish = clinic.wish(patient_id, every(3, 6))
    first = await clinic.send("/series", wish, key="the-same")
    again = await clinic.send("/series", wish, key="the-same")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await clinic.kinds_said(patient_id)).count("SeriesBooked") == 1
    other = await clinic.send("/series", wish | {"diagnoses": ["F33.2"]}, key="the-same")
    assert other.status_code == 422


async def test_a_stopped_series_cancels_what_is_left_and_keeps_what_was_given(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    for visit in series["appointments"][:3]:
        await clinic.given(visit)
    await clinic.check_in(series["appointments"][3])
    stopped = await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "No relief."})
    assert stopped["state"] == "stopped"
    assert [visit["state"] for visit in stopped["appointments"]] == [
        *["completed"] * 3,
        *["cancelled"] * 3,
    ]
    said = await clinic.said(series["patient_id"])
    cancelled = [event for kind, event in said if kind == "AppointmentCancelled"]
    assert [event["reason"] for event in cancelled] == ["series_stopped"] * 3
    assert [event["revision"] for event in cancelled] == [1, 1, 1]
    [ended] = [event for kind, event in said if kind == "SeriesStopped"]
    assert ended["infusions_completed"] == 3
    assert "SeriesCompleted" not in dict(said)
    assert "relief" not in str(said)


async def test_a_stopped_series_takes_no_more(clinic: Clinic) -> None:
    series = await clinic.series()
    path = f"/series/{series['series_id']}/stop"
    await clinic.post(path, {"reason": "No relief."})
    visit = f"/appointments/{series['appointments'][0]['appointment_id']}"
    clinic.be_there(series["appointments"][0])
    state = [("visit_state", "appointment_id")]
    assert await clinic.refused(path, {"reason": "Again."}) == [("series_state", "series_id")]
    assert await clinic.refused(f"{visit}/cancel", {"reason": "patient_asked"}) == state
    assert await clinic.refused(f"{visit}/check-in", {"fasted": True}) == state
    assert await clinic.refused(f"{visit}/ride", {"mode": "rideshare"}) == state
    moved = {"starts_at": (NOON + timedelta(hours=1)).isoformat()}
    assert await clinic.refused(f"{visit}/move", moved) == state


async def test_a_series_with_a_running_drip_is_not_stopped(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    await clinic.check_in(visit)
    await clinic.step(visit, "start", {"clinician_id": clinic.clinician_id})
    refused = await clinic.refused(f"/series/{series['series_id']}/stop", {"reason": "Now."})
    assert refused == [("infusion_running", "series_id")]


async def test_the_chair_of_a_stopped_series_is_free(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "No relief."})
    await clinic.series(every(3, 6))


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/stop")])
async def test_an_unknown_series_is_not_found(clinic: Clinic, method: str, path: str) -> None:
    body = {"reason": "x"} if method == "POST" else None
    answer = await clinic.send(f"/series/{uuid4()}{path}", body, method=method)
    assert answer.status_code == 404
    assert answer.json()["violations"][0]["rule"] == "unknown_series"


@pytest.mark.parametrize("year", [2000, 2199])
async def test_a_year_before_all_figures_or_far_ahead_is_refused_in_words(
    clinic: Clinic, year: int
) -> None:
    starts = every(3, 6, NOON.replace(year=year))
    broken = await clinic.refused("/series", clinic.wish(await clinic.patient(), starts))
    assert broken == [("bookable_time", f"appointments.{n}.starts_at") for n in range(6)]
    visit = (await clinic.series())["appointments"][0]
    path = f"/appointments/{visit['appointment_id']}/move"
    broken = await clinic.refused(path, {"starts_at": starts[0].isoformat()})
    assert ("bookable_time", "starts_at") in broken
