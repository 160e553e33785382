"""Sessions at the desk: booked, moved, held by a clinician or not at all, and what is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.auth import Role
from shared.claims import Attendance, ConsultRecord
from tests.scheduling.conftest import CLINICIAN, LOCATION, NOW, VITALS, Clinic, bearer, every

FIRST = NOW + timedelta(minutes=15)
"""Monday at 10:15 in Alexandria; a preparation session's day."""

MADE_UP = {"value": 60, "source": "made up"}
TYPES = ("preparation", "spray_consult", "web_follow_up", "integration")


@pytest.fixture
async def led(clinic: Clinic) -> Clinic:
    """A clinic that knows how long its sessions are."""
    for visit_type in TYPES:
        figures = {"effective_from": "2026-10-05", "booked_min": MADE_UP}
        answer = await clinic.send(f"/visit-types/{visit_type}/figures", figures)
        assert answer.status_code in {201, 409}, answer.text  # the figures are the module's
    return clinic


def wish(clinic: Clinic, at: datetime = FIRST, **fields: object) -> dict[str, Any]:
    return {
        "location_id": clinic.location_id,
        "led_by": clinic.clinician_id,
        "visit_type": "preparation",
        "starts_at": at.isoformat(),
    } | fields


async def book(
    clinic: Clinic, at: datetime = FIRST, patient_id: str | None = None, **fields: object
) -> dict[str, Any]:
    patient_id = patient_id or await clinic.patient()
    return dict(await clinic.post(f"/patients/{patient_id}/sessions", wish(clinic, at, **fields)))


def held(clinic: Clinic, since: datetime, until: datetime, **fields: object) -> dict[str, Any]:
    return {
        "clinician_id": clinic.clinician_id,
        "started_at": since.isoformat(),
        "ended_at": until.isoformat(),
        "diagnoses": ["F33.1"],
    } | fields


async def attend(clinic: Clinic, session: dict[str, Any]) -> Any:
    """The patient comes in time, the session begins two minutes late and lasts fifty."""
    clinic.be_there(session)
    await clinic.step(session, "check-in")
    since = clinic.clock.now() + timedelta(minutes=2)
    clinic.clock.step_to(since + timedelta(minutes=55))
    return await clinic.step(session, "attend", held(clinic, since, since + timedelta(minutes=50)))


@pytest.mark.parametrize("visit_type", TYPES)
async def test_every_kind_of_session_is_booked_at_the_desk_and_takes_place(
    led: Clinic, visit_type: str
) -> None:
    session = await book(led, visit_type=visit_type)
    assert (session["state"], session["led_by"]) == ("booked", led.clinician_id)
    attended = await attend(led, session)
    assert (attended["state"], attended["clinician_id"]) == ("attended", led.clinician_id)
    said = await led.said(session["patient_id"])
    assert [kind for kind, _ in said] == [
        "PatientRegistered",
        "AppointmentBooked",
        "PatientCheckedIn",
        "ConsultCompleted",
    ]
    assert said[-1][1] == {
        "patient_id": session["patient_id"],
        "appointment_id": session["appointment_id"],
        "visit_type": visit_type,
        "type_code": visit_type,
        "location_id": led.location_id,
        "clinician_id": led.clinician_id,
        "started_at": "2026-10-05T14:17:00Z",
        "ended_at": "2026-10-05T15:07:00Z",
    }


async def test_what_a_bank_is_told_of_a_session_is_that_it_took_place_and_no_word_of_why(
    led: Clinic,
) -> None:
    session = await book(led, visit_type="spray_consult")
    path = f"/internal/consults/{session['appointment_id']}/attendance"
    asked = {
        "params": {"purpose": "card_dispute"},
        "headers": bearer(Role.SERVICE, subject="billing"),
    }
    assert (await led.client.get(path, **asked)).status_code == 404, "it did not take place yet"
    led.be_there(session)
    await led.step(session, "check-in")
    led.clock.step_to(FIRST + timedelta(hours=1))
    took_place = held(led, FIRST, FIRST + timedelta(minutes=45), diagnoses=["F33.1"])
    await led.step(session, "attend", took_place)

    answer = await led.client.get(path, **asked)

    told = Attendance.model_validate_json(answer.content)
    assert str(told.infusion_id) == session["appointment_id"]
    assert (told.started_at, told.stopped_at) == (FIRST, FIRST + timedelta(minutes=45))
    assert (told.last_name, told.consent_id) == ("Canary", None)
    assert "F33" not in answer.text
    assert "spray" not in answer.text


async def test_a_session_that_took_place_is_redeemed_with_what_a_superbill_prints(
    led: Clinic,
) -> None:
    session = await book(led, visit_type="spray_consult")
    path = f"/internal/consults/{session['appointment_id']}"
    as_billing = bearer(Role.SERVICE, subject="billing")
    asked = {"params": {"purpose": "superbill"}, "headers": as_billing}
    assert (await led.client.get(path, **asked)).status_code == 404, "nothing to bill yet"
    stand_in = (await led.post("/clinicians", CLINICIAN | {"name": "Dr. Stand In"}))["clinician_id"]
    led.be_there(session)
    await led.step(session, "check-in")
    led.clock.step_to(FIRST + timedelta(hours=1))
    took_place = held(
        led,
        FIRST,
        FIRST + timedelta(minutes=45),
        clinician_id=stand_in,
        diagnoses=["F33.1", "F41.1"],
    )
    await led.step(session, "attend", took_place)
    answer = await led.client.get(path, **asked)
    record = ConsultRecord.model_validate_json(answer.content)
    assert set(answer.json()) == set(ConsultRecord.model_fields)
    assert str(record.appointment_id) == session["appointment_id"]
    assert record.patient.last_name == "Canary"
    assert record.rendering.name == "Dr. Stand In", "who led it, not who was to"
    assert record.location.ein == LOCATION["ein"]
    assert record.visit_type == "spray_consult"
    assert record.diagnoses == ("F33.1", "F41.1")
    assert (record.started_at, record.ended_at) == (FIRST, FIRST + timedelta(minutes=45))
    [entry] = await led.rows(
        "SELECT actor, purpose, patient_id::text FROM audit_log WHERE entity_id = :id"
        " AND role = 'service' AND patient_id IS NOT NULL",
        id=session["appointment_id"],
    )
    assert tuple(entry) == ("billing", "superbill", session["patient_id"])


async def test_what_a_session_was_held_for_is_sealed(led: Clinic) -> None:
    session = await book(led)
    await attend(led, session)
    [(row,)] = await led.rows(
        "SELECT a::text FROM appointments a WHERE appointment_id = :id",
        id=session["appointment_id"],
    )
    assert "F33.1" not in row
    assert b"F33.1".hex() not in row


async def test_a_moved_session_is_told_and_its_calendar_file_replaces_the_old_one(
    led: Clinic,
) -> None:
    session = await book(led)
    later = FIRST + timedelta(days=2, hours=1)
    moved = await led.step(session, "move", {"starts_at": later.isoformat()})
    assert (moved["revision"], moved["state"]) == (1, "booked")
    assert moved["ends_at"] == "2026-10-07T16:15:00Z"
    [*_, (kind, said)] = await led.said(session["patient_id"])
    assert kind == "AppointmentMoved"
    assert (said["previous_starts_at"], said["starts_at"]) == (
        session["starts_at"],
        moved["starts_at"],
    )
    answer = await led.client.get(
        f"/appointments/{session['appointment_id']}/calendar.ics", headers=led.headers
    )
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert (str(event["UID"]), event["SEQUENCE"]) == (session["appointment_id"], 1)
    assert event.start == later
    await book(led)  # the old time is free again


async def test_a_session_moves_by_a_few_minutes_over_its_own_time(led: Clinic) -> None:
    session = await book(led)
    moved = await led.step(
        session, "move", {"starts_at": (FIRST + timedelta(minutes=30)).isoformat()}
    )
    assert moved["revision"] == 1


async def test_another_leader_at_the_same_time_is_no_move_for_others(led: Clinic) -> None:
    session = await book(led)
    stand_in = (await led.post("/clinicians", CLINICIAN))["clinician_id"]
    moved = await led.step(session, "move", {"starts_at": session["starts_at"], "led_by": stand_in})
    assert (moved["led_by"], moved["revision"]) == (stand_in, 1)
    assert "AppointmentMoved" not in await led.kinds_said(session["patient_id"])
    await book(led)  # who led it before is free


async def test_what_forbids_a_booking_forbids_a_move(led: Clinic) -> None:
    patient_id = await led.patient()
    first_infusion = FIRST + timedelta(days=2)
    await led.series(every(3, 6, first_infusion), patient_id=patient_id)
    session = await book(led, patient_id=patient_id)
    other = await book(led, FIRST + timedelta(hours=2))
    path = f"/appointments/{session['appointment_id']}/move"
    closure = {"first_on": "2026-10-12", "last_on": "2026-10-12", "reason": "made up"}
    await led.post(f"/locations/{led.location_id}/closures", closure)
    for at, rule in (
        (NOW - timedelta(days=7), "bookable_time"),
        (NOW + timedelta(days=800), "bookable_time"),
        (FIRST + timedelta(days=1), "opening_hours"),  # a Tuesday
        (datetime(2026, 10, 8, 0, 30, tzinfo=UTC), "opening_hours"),  # to half past nine at night
        (FIRST + timedelta(days=7), "closed"),
        (datetime.fromisoformat(other["starts_at"]), "leader_taken"),
        (first_infusion + timedelta(minutes=30), "patient_taken"),
    ):
        asked = {"starts_at": at.isoformat()}
        assert (rule, "starts_at") in await led.refused(path, asked), at
        booking = wish(led, at)
        refused = await led.refused(f"/patients/{patient_id}/sessions", booking)
        assert (rule, "starts_at") in refused, at
    assert await led.refused(
        path, {"starts_at": session["starts_at"], "chair_id": led.chair_id}
    ) == [("session_chair", "chair_id")]
    assert await led.refused(path, {"starts_at": session["starts_at"], "led_by": str(uuid4())}) == [
        ("unknown_clinician", "led_by")
    ]
    assert "AppointmentMoved" not in await led.kinds_said(patient_id)


async def test_an_infusion_has_no_leader_and_needs_an_answer_about_food(led: Clinic) -> None:
    visit = (await led.series())["appointments"][0]
    path = f"/appointments/{visit['appointment_id']}"
    asked = {"starts_at": visit["starts_at"], "led_by": led.clinician_id}
    assert ("infusion_leader", "led_by") in await led.refused(f"{path}/move", asked)
    led.be_there(visit)
    assert await led.refused(f"{path}/check-in", {}) == [("fasting_unasked", "fasted")]


async def test_a_session_is_booked_for_what_is_on_record(led: Clinic) -> None:
    assert (await led.send(f"/patients/{uuid4()}/sessions", wish(led))).status_code == 404
    path = f"/patients/{await led.patient()}/sessions"
    unknown_place = wish(led, location_id=str(uuid4()))
    assert await led.refused(path, unknown_place) == [("unknown_location", "location_id")]
    unknown_leader = wish(led, led_by=str(uuid4()))
    assert await led.refused(path, unknown_leader) == [("unknown_clinician", "led_by")]
    for visit_type, rule in (("ketamine_mood", "chair_needed"), ("made_up", "unknown_visit_type")):
        broken = await led.refused(path, wish(led, visit_type=visit_type))
        assert broken == [(rule, "visit_type")]


async def test_a_session_takes_place_after_check_in_on_its_day_and_in_order(led: Clinic) -> None:
    session = await book(led, FIRST + timedelta(days=2))
    path = f"/appointments/{session['appointment_id']}"
    assert await led.refused(f"{path}/check-in", {}) == [("visit_day", "starts_at")]
    led.be_there(session)
    at, minute = led.clock.now(), timedelta(minutes=1)
    took_place = held(led, at - 5 * minute, at - minute)
    assert await led.refused(f"{path}/attend", took_place) == [("visit_state", "appointment_id")]
    await led.step(session, "check-in")
    for since, until, refused in (
        (at, at + minute, [("session_to_come", "ended_at")]),
        (at - minute, at - minute, [("session_times", "ended_at")]),
        (at - minute, at - 2 * minute, [("session_times", "ended_at")]),
        (
            at - timedelta(days=1),
            at - timedelta(hours=1),
            [("session_times", "ended_at"), ("visit_day", "started_at")],
        ),
    ):
        assert refused == await led.refused(f"{path}/attend", held(led, since, until))
    nobody = held(led, at - 5 * minute, at, clinician_id=str(uuid4()))
    assert await led.refused(f"{path}/attend", nobody) == [("unknown_clinician", "clinician_id")]
    no_diagnosis = held(led, at - 5 * minute, at, diagnoses=[])
    assert (await led.send(f"{path}/attend", no_diagnosis)).status_code == 422
    await led.step(session, "attend", took_place)
    assert await led.refused(f"{path}/attend", took_place) == [("visit_state", "appointment_id")]
    for step, body in (
        ("move", {"starts_at": (at + timedelta(days=2)).isoformat()}),
        ("cancel", {"reason": "patient_asked"}),
        ("check-in", {}),
        ("send-home", {"reason": "patient_asked"}),
    ):
        refused = await led.refused(f"{path}/{step}", body)
        assert ("visit_state", "appointment_id") in refused, step
    assert (await led.kinds_said(session["patient_id"])).count("ConsultCompleted") == 1


async def test_a_patient_who_does_not_come_missed_the_session(led: Clinic) -> None:
    session = await book(led)
    path = f"/appointments/{session['appointment_id']}/cancel"
    assert await led.refused(path, {"reason": "no_show"}) == [("not_missed_yet", "reason")]
    led.be_there(session, late=timedelta(hours=1))
    missed = await led.step(session, "cancel", {"reason": "no_show"})
    assert missed["state"] == "no_show"
    [kept] = await led.get(f"/patients/{session['patient_id']}/missed-visits")
    assert (kept["appointment_id"], kept["kind"]) == (session["appointment_id"], "no_show")
    [*_, (kind, said)] = await led.said(session["patient_id"])
    assert (kind, said["reason"]) == ("AppointmentCancelled", "no_show")


async def test_a_session_that_does_not_take_place_lets_its_patient_go(led: Clinic) -> None:
    session = await book(led)
    led.be_there(session)
    await led.step(session, "check-in")
    gone = await led.step(session, "send-home", {"reason": "unwell"})
    assert (gone["state"], gone["sent_home_reason"]) == ("sent_home", "unwell")
    kinds = await led.kinds_said(session["patient_id"])
    assert kinds[-2:] == ["PatientCheckedIn", "PatientSentHome"]


async def test_the_check_in_to_the_wrong_session_is_taken_back(led: Clinic) -> None:
    session = await book(led)
    path = f"/appointments/{session['appointment_id']}/undo-check-in"
    led.be_there(session)
    assert await led.refused(path, {}) == [("visit_state", "appointment_id")]
    await led.step(session, "check-in", {"fasted": True})
    back = await led.step(session, "undo-check-in")
    assert (back["state"], back["fasted"]) == ("booked", None)
    kinds = await led.kinds_said(session["patient_id"])
    assert kinds[-2:] == ["PatientCheckedIn", "PatientCheckInUndone"]
    assert (await attend(led, session))["state"] == "attended"
    assert (await led.kinds_said(session["patient_id"]))[-2:] == [
        "PatientCheckedIn",
        "ConsultCompleted",
    ]
    assert await led.refused(path, {}) == [("visit_state", "appointment_id")]


async def test_of_two_moves_of_one_session_one_wins_and_the_other_sees_its_revision(
    led: Clinic,
) -> None:
    session = await book(led)
    path = f"/appointments/{session['appointment_id']}/move"
    times = [FIRST + timedelta(days=2, minutes=15 * n) for n in range(10)]
    answers = await asyncio.gather(
        *(led.send(path, {"starts_at": at.isoformat(), "revision": 0}) for at in times)
    )
    assert sorted(each.status_code for each in answers) == [201] + [409] * 9
    lost = next(each.json() for each in answers if each.status_code == 409)
    assert "changed_meanwhile" in {each["rule"] for each in lost["violations"]}
    assert (await led.kinds_said(session["patient_id"])).count("AppointmentMoved") == 1


async def test_of_ten_sessions_moved_to_one_time_one_has_it(led: Clinic) -> None:
    booked = [await book(led, FIRST + timedelta(hours=n)) for n in range(10)]
    at = {"starts_at": (FIRST + timedelta(days=2)).isoformat()}
    answers = await asyncio.gather(
        *(led.send(f"/appointments/{each['appointment_id']}/move", at) for each in booked)
    )
    assert sorted(each.status_code for each in answers) == [201] + [409] * 9
    rules = {
        v["rule"] for each in answers if each.status_code == 409 for v in each.json()["violations"]
    }
    assert rules == {"leader_taken"}


async def test_of_a_move_and_a_check_in_at_once_the_session_keeps_one(led: Clinic) -> None:
    session = await book(led)
    led.be_there(session)
    path = f"/appointments/{session['appointment_id']}"
    later = {"starts_at": (FIRST + timedelta(days=2)).isoformat()}
    moved, here = await asyncio.gather(
        led.send(f"{path}/move", later), led.send(f"{path}/check-in", {})
    )
    assert sorted((moved.status_code, here.status_code)) == [201, 409]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'attended'",
        "state = 'checked_in', diagnoses = 'sealed'",
        "state = 'checked_in', clinician_id = led_by",
        "state = 'checked_in', started_at = now(), clinician_id = led_by",
    ],
)
async def test_no_writer_at_all_stores_a_session_that_half_took_place(
    led: Clinic, change: str
) -> None:
    session = await book(led)
    query = f"UPDATE appointments SET {change} WHERE appointment_id = :id"
    async with led.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="violates check constraint"):
            await connection.execute(text(query), {"id": session["appointment_id"]})


async def test_no_writer_at_all_makes_a_session_of_an_infusion(led: Clinic) -> None:
    visit = (await led.series())["appointments"][0]
    led.be_there(visit)
    await led.step(visit, "check-in", {"fasted": True})
    query = (
        "UPDATE appointments SET state = 'attended', started_at = now(), stopped_at = now(),"
        " clinician_id = :clinician, diagnoses = 'sealed' WHERE appointment_id = :id"
    )
    async with led.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="ck_appointments_attended"):
            await connection.execute(
                text(query), {"id": visit["appointment_id"], "clinician": led.clinician_id}
            )


async def infused_at(clinic: Clinic, at: datetime) -> str:
    """A patient who has a maintenance infusion booked, fifty minutes and six hours of ban."""
    patient_id = await clinic.patient()
    treatment = {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": at.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    await clinic.post(f"/patients/{patient_id}/treatments", treatment)
    return patient_id


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("visit_type", "hours", "broken"),
    [
        ("preparation", 1, [("driving_ban", "starts_at")]),
        ("preparation", 6.5, [("driving_ban", "starts_at")]),
        ("preparation", 7, []),
        ("spray_consult", 2, [("driving_ban", "starts_at")]),
        ("integration", 1, []),
        ("web_follow_up", 1, []),
    ],
)
async def test_a_session_begins_in_a_driving_ban_only_where_its_type_may(
    led: Clinic, visit_type: str, hours: float, broken: list[tuple[str, str]]
) -> None:
    patient_id = await infused_at(led, FIRST)
    asked = wish(led, FIRST + hours * HOUR, visit_type=visit_type)
    answer = await led.send(f"/patients/{patient_id}/sessions", asked)
    found = answer.json().get("violations", [])
    assert [(each["rule"], each["field"]) for each in found] == broken


async def test_no_infusion_is_booked_whose_ban_a_session_would_begin_in(led: Clinic) -> None:
    session = await book(led, FIRST + 2 * HOUR)
    patient_id = session["patient_id"]
    treatment = {
        "location_id": led.location_id,
        "chair_id": led.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": FIRST.isoformat(),
        "ordered_by": led.clinician_id,
        "diagnoses": ["F33.1"],
    }
    path = f"/patients/{patient_id}/treatments"
    assert await led.refused(path, treatment) == [("driving_ban_after", "starts_at")]
    later = treatment | {"starts_at": (FIRST + 4 * HOUR).isoformat()}
    await led.post(path, later)


async def test_a_session_whose_patient_was_infused_late_waits_until_the_ban_is_over(
    led: Clinic,
) -> None:
    patient_id = await infused_at(led, FIRST)
    session = await book(led, FIRST + 7 * HOUR, patient_id)
    infusions = (await led.get("/appointments"))["items"]
    [infusion] = [
        each for each in infusions if each["patient_id"] == patient_id and each["chair_id"]
    ]
    await led.consent(patient_id, visit_types=["ketamine_maintenance"])
    await led.plan_dose(infusion)
    led.clock.step_to(FIRST + HOUR)
    for step, body in (
        ("ride", {"mode": "rideshare"}),
        ("check-in", {"fasted": True}),
        ("vitals", VITALS),
        ("clear", {}),
        ("start", {"clinician_id": led.clinician_id}),
    ):
        await led.step(infusion, step, body)
    led.clock.step_to(FIRST + 2 * HOUR)
    await led.step(infusion, "complete")
    led.be_there(session)
    path = f"/appointments/{session['appointment_id']}/check-in"
    assert await led.refused(path, {}) == [("driving_ban", "starts_at")]
    led.clock.step_to(FIRST + 8 * HOUR)
    await led.step(session, "check-in")
