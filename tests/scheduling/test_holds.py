"""Plans that are held: taken for all others, booked whole, and free again in time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.auth import Role
from tests.scheduling.conftest import NOON, NOW, Clinic, bearer, every


def plan(clinic: Clinic, patient_id: str, **fields: object) -> dict[str, Any]:
    wish = clinic.wish(patient_id, every(3, 6)) | fields
    return {
        name: wish[name] for name in ("patient_id", "location_id", "visit_type", "appointments")
    }


def booking(clinic: Clinic) -> dict[str, Any]:
    return {"prescriber_id": clinic.clinician_id, "diagnoses": ["F33.1"]}


async def test_a_plan_is_held_for_as_long_as_the_house_says_and_then_booked_as_it_is(
    clinic: Clinic,
) -> None:
    patient = await clinic.patient()
    hold = await clinic.post("/holds", plan(clinic, patient))
    assert (hold["state"], hold["expires_at"]) == ("held", "2026-10-05T14:10:00Z")
    series = await clinic.post(f"/holds/{hold['hold_id']}/book", booking(clinic))
    starts = [visit["starts_at"] for visit in series["appointments"]]
    assert starts == [each["starts_at"] for each in hold["appointments"]]
    assert [visit["sequence_no"] for visit in series["appointments"]] == [1, 2, 3, 4, 5, 6]
    assert (await clinic.kinds_said(patient))[1:] == ["SeriesBooked", *["AppointmentBooked"] * 6]
    became = await clinic.get(f"/holds/{hold['hold_id']}")
    assert (became["state"], became["series_id"]) == ("booked", series["series_id"])
    clinic.clock.step(timedelta(minutes=11))
    await clinic.let_fall_due()
    assert await clinic.get(f"/series/{series['series_id']}") == series


async def test_held_chairs_are_taken_for_all_others_and_shown_as_nobody_s_visits(
    clinic: Clinic,
) -> None:
    patient = await clinic.patient()
    hold = await clinic.post("/holds", plan(clinic, patient))
    other = await clinic.patient()
    chairs = [("chair_taken", f"appointments.{n}.chair_id") for n in range(6)]
    assert await clinic.refused("/series", clinic.wish(other, every(3, 6))) == chairs
    assert await clinic.refused("/holds", plan(clinic, other)) == chairs
    await clinic.opens()
    plans = (await clinic.plans(other))["plans"]
    taken = {each["starts_at"] for each in hold["appointments"]}
    assert not taken & {each["starts_at"] for plan in plans for each in plan["appointments"]}
    shown = await clinic.get("/appointments", location_id=clinic.location_id)
    assert shown["items"] == []
    none = await clinic.get("/fhir/Appointment", patient=f"Patient/{patient}")
    assert "entry" not in none
    slots = await clinic.get("/fhir/Slot", schedule=f"Schedule/{clinic.chair_id}")
    shown_as = [each["resource"]["status"] for each in slots["entry"]]
    assert shown_as == ["busy-tentative"] * 6
    held = await clinic.rows(
        "SELECT appointment_id FROM appointments WHERE hold_id = :id", id=hold["hold_id"]
    )
    for step, body in (
        ("cancel", {"reason": "patient_asked"}),
        ("move", {"starts_at": NOON.isoformat()}),
    ):
        path = f"/appointments/{held[0].appointment_id}/{step}"
        assert (await clinic.send(path, body)).status_code == 404


async def test_a_hold_that_ran_out_is_refused_in_words_and_its_chairs_are_free(
    clinic: Clinic,
) -> None:
    patient = await clinic.patient()
    hold = await clinic.post("/holds", plan(clinic, patient))
    clinic.clock.step(timedelta(minutes=10))
    path = f"/holds/{hold['hold_id']}/book"
    assert await clinic.refused(path, booking(clinic)) == [("hold_expired", "hold_id")]
    await clinic.let_fall_due()
    answer = await clinic.send(path, booking(clinic))
    assert "ended at 2026-10-05 10:10 and" in answer.json()["violations"][0]["detail"]
    assert (await clinic.get(f"/holds/{hold['hold_id']}"))["state"] == "expired"
    await clinic.series()


async def test_a_hold_is_released_before_its_time(clinic: Clinic) -> None:
    hold = await clinic.post("/holds", plan(clinic, await clinic.patient()))
    path = f"/holds/{hold['hold_id']}"
    for _ in range(2):
        assert (await clinic.post(f"{path}/release", {}))["state"] == "released"
    assert await clinic.refused(f"{path}/book", booking(clinic)) == [("hold_released", "hold_id")]
    await clinic.series()


async def test_a_patient_has_one_hold_and_books_nothing_beside_it(clinic: Clinic) -> None:
    patient = await clinic.patient()
    await clinic.post("/holds", plan(clinic, patient))
    later = clinic.wish(patient, every(3, 6, NOON + timedelta(hours=2)))
    fields = {"appointments": later["appointments"]}
    for path, wish in (("/series", later), ("/holds", plan(clinic, patient, **fields))):
        first, *others = await clinic.refused(path, wish)
        assert first == ("hold_open", "patient_id")
        assert {rule for rule, _ in others} == {"driving_ban"}  # of what is held two hours before


async def test_a_hold_is_judged_by_the_rules_of_a_booking(clinic: Clinic) -> None:
    patient = await clinic.patient()
    for count in (0, 5, 9, 50):
        wish = plan(clinic, patient) | {
            "appointments": clinic.wish(patient, every(3, count))["appointments"]
        }
        assert ("series_size", "appointments") in await clinic.refused("/holds", wish)
    close = clinic.wish(patient, every(1, 6))["appointments"]
    rules = await clinic.refused("/holds", plan(clinic, patient) | {"appointments": close})
    assert {rule for rule, _ in rules} == {"series_gap"}
    past = clinic.wish(patient, every(3, 6, NOW - timedelta(days=1)))["appointments"]
    rules = await clinic.refused("/holds", plan(clinic, patient) | {"appointments": past})
    assert rules == [("bookable_time", "appointments.0.starts_at")]
    hold = await clinic.post("/holds", plan(clinic, patient))
    wish = booking(clinic) | {"prescriber_id": str(uuid4())}
    broken = await clinic.refused(f"/holds/{hold['hold_id']}/book", wish)
    assert broken == [("unknown_clinician", "prescriber_id")]
    assert (await clinic.get(f"/holds/{hold['hold_id']}"))["state"] == "held"
    assert (await clinic.send(f"/holds/{uuid4()}/book", booking(clinic))).status_code == 404


async def test_forty_hold_the_last_chair_and_one_has_it(clinic: Clinic) -> None:
    patients = [await clinic.patient() for _ in range(40)]
    answers = await asyncio.gather(
        *(clinic.send("/holds", plan(clinic, patient)) for patient in patients)
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 39]


async def test_a_hold_booked_and_released_and_running_out_at_once_has_one_end(
    clinic: Clinic,
) -> None:
    hold = await clinic.post("/holds", plan(clinic, await clinic.patient()))
    clinic.clock.step(timedelta(minutes=9, seconds=59))
    path = f"/holds/{hold['hold_id']}"
    book = [clinic.send(f"{path}/book", booking(clinic)) for _ in range(5)]
    release = [clinic.send(f"{path}/release", {}) for _ in range(5)]
    answers = await asyncio.gather(*book, *release, clinic.let_fall_due())
    end = (await clinic.get(path))["state"]
    rows = await clinic.rows(
        "SELECT state, count(*) FROM appointments WHERE chair_id = :c GROUP BY 1", c=clinic.chair_id
    )
    assert (end, rows) in [("booked", [("booked", 6)]), ("released", [])]
    booked = [each.status_code for each in answers[:5] if each is not None]
    assert booked.count(201) == (end == "booked")


async def test_the_house_s_figures_are_rows_with_a_source_and_a_first_day(clinic: Clinic) -> None:
    rows = await clinic.get("/house-figures")
    assert all(row["source"] for row in rows)
    assert {row["figure"]: row["value"] for row in rows}.items() >= {
        "response_fall_pct": 50,
        "remission_phq9_below": 5,
        "checkpoint_infusion": 4,
    }.items()
    wish = {
        "figure": "hold_min",
        "effective_from": "2026-10-05",
        "value": 30,
        "source": "the clinic's own, made up",
    }
    recorded = await clinic.post("/house-figures", wish)
    unsigned = {"clinician_id": None, "signed_by": None}
    assert recorded == wish | unsigned | {"revision": 1}
    hold = await clinic.post("/holds", plan(clinic, await clinic.patient()))
    assert hold["expires_at"] == "2026-10-05T14:30:00Z"
    starts = every(3, 6, NOON + timedelta(hours=3))
    later = plan(clinic, patient := await clinic.patient())
    later["appointments"] = clinic.wish(patient, starts)["appointments"]
    mended = await clinic.post("/house-figures", wish | {"value": 45})
    assert (mended["value"], mended["revision"]) == (45, 2)
    other = await clinic.post("/holds", later)
    assert other["expires_at"] == "2026-10-05T14:45:00Z"
    assert (await clinic.get(f"/holds/{hold['hold_id']}"))["expires_at"] == hold["expires_at"]
    wrong = wish | {"effective_from": "2026-10-01", "value": 0}
    assert await clinic.refused("/house-figures", wrong) == [
        ("first_day_past", "effective_from"),
        ("figure_limits", "value"),
    ]
    clinic.headers = bearer(Role.FRONT_DESK)
    assert (await clinic.send("/house-figures", wish)).status_code == 403


async def test_a_plan_takes_the_place_of_its_own_patients_hold_only_and_whole_or_not_at_all(
    clinic: Clinic,
) -> None:
    patient, other = await clinic.patient(), await clinic.patient()
    hold = await clinic.post("/holds", plan(clinic, patient))
    mine = {"instead_of": hold["hold_id"]}
    assert ("hold_over", "instead_of") in await clinic.refused("/holds", plan(clinic, other) | mine)
    await clinic.series(
        every(3, 6, NOON + timedelta(hours=4)), patient_id=other, chair_id=clinic.chair_id
    )
    taken = clinic.wish(patient, every(3, 6, NOON + timedelta(hours=4)))["appointments"]
    refused = await clinic.refused("/holds", plan(clinic, patient, appointments=taken) | mine)
    assert {rule for rule, _ in refused} == {"chair_taken"}
    assert (await clinic.get(f"/holds/{hold['hold_id']}"))["state"] == "held"
    later = clinic.wish(patient, every(3, 6, NOON + timedelta(minutes=10)))["appointments"]
    moved = await clinic.post("/holds", plan(clinic, patient, appointments=later) | mine)
    assert moved["state"] == "held"
    over = await clinic.refused("/series", clinic.wish(patient, every(3, 6)) | mine)
    assert ("hold_over", "instead_of") in over
    await clinic.let_fall_due()
    clinic.clock.step_to(datetime.fromisoformat(moved["expires_at"]))
    await clinic.let_fall_due()
    assert (await clinic.get(f"/holds/{moved['hold_id']}"))["state"] == "expired"


async def test_two_at_the_desk_who_replace_one_hold_at_once_leave_one(clinic: Clinic) -> None:
    patient = await clinic.patient()
    hold = await clinic.post("/holds", plan(clinic, patient))
    wishes = [
        plan(
            clinic,
            patient,
            appointments=clinic.wish(patient, every(3, 6, NOON + timedelta(minutes=10 * n)))[
                "appointments"
            ],
        )
        | {"instead_of": hold["hold_id"]}
        for n in range(4)
    ]
    answers = await asyncio.gather(*(clinic.send("/holds", wish) for wish in wishes))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    [(chairs,)] = await clinic.rows(
        "SELECT count(*) FROM appointments WHERE patient_id = :id AND state = 'held'", id=patient
    )
    assert chairs == 6
