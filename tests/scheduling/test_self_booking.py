"""Patients book a session by a link, on a page that is read here as a browser reads it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.scheduling.booking_links import BookingLinks, SignedLink
from tests.scheduling.conftest import CLINICIAN, LOCATION, NOW, PATIENT, SECRET, Clinic, every

FIRST = datetime(2026, 10, 5, 16, 0, tzinfo=UTC)
"""The first start two hours after NOW, which the house asks for: a Monday's noon in Alexandria."""

SPEECH = re.compile(r"<title>(.*?)</title>")


@pytest.fixture
async def led(clinic: Clinic) -> Clinic:
    """A clinic that knows how long its preparation sessions are."""
    figures = {
        "effective_from": "2026-10-05",
        "booked_min": {"value": 60, "source": "made up"},
    }
    answer = await clinic.send("/visit-types/preparation/figures", figures)
    assert answer.status_code in {201, 409}, answer.text  # the figures are the module's
    return clinic


async def make(clinic: Clinic, patient_id: str | None = None, **wish: Any) -> dict[str, Any]:
    body = {"location_id": clinic.location_id, "clinician_id": clinic.clinician_id} | wish
    patient_id = patient_id or await clinic.patient()
    return dict(await clinic.post(f"/patients/{patient_id}/booking-links", body))


async def opened(clinic: Clinic, link: dict[str, Any], **query: str) -> httpx.Response:
    answer = await clinic.client.get(link["path"], params=query)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer


async def choose(clinic: Clinic, link: dict[str, Any], at: datetime) -> httpx.Response:
    return await clinic.client.post(link["path"], data={"starts_at": at.isoformat()})


def offered(page: httpx.Response) -> list[datetime]:
    return [
        datetime.fromisoformat(at)
        for at in re.findall(r'name="starts_at" value="(.*?)"', page.text)
    ]


def days(page: httpx.Response) -> list[str]:
    return re.findall(r"\?day=(\d{4}-\d\d-\d\d)", page.text)


async def test_a_patient_books_one_session_and_the_house_hears_of_it(led: Clinic) -> None:
    patient_id = await led.patient()
    link = await make(led, patient_id)
    page = await opened(led, link)
    assert page.status_code == 200
    assert offered(page)[0] == FIRST
    answer = await choose(led, link, FIRST)
    assert (answer.status_code, answer.headers["Location"]) == (303, link["path"])
    unread = await led.client.post(link["path"], data={"starts_at": "later"})
    assert (unread.status_code, "Your session is booked" in unread.text) == (422, True)
    page = await opened(led, link)
    assert "Your session is booked" in page.text
    assert "Monday, October 5" in page.text
    assert "12:00 p.m. to 1:00 p.m. EDT" in page.text
    [_, (kind, said)] = await led.said(patient_id)
    assert kind == "AppointmentBooked"
    assert (said["visit_type"], said["series_id"]) == ("preparation", None)
    used = await led.get(f"/booking-links/{link['link_id']}")
    assert (used["state"], used["appointment_id"]) == ("used", said["appointment_id"])


async def test_a_session_is_booked_no_sooner_than_the_house_can_be_ready_for_it(
    led: Clinic,
) -> None:
    link = await make(led)
    assert offered(await opened(led, link))[0] == FIRST
    led.clock.step(timedelta(minutes=1))
    assert offered(await opened(led, link))[0] == FIRST + timedelta(minutes=15)
    answer = await choose(led, link, FIRST)  # from a page that was opened before
    assert answer.status_code == 409
    assert "That time is too soon now" in answer.text
    assert "Nothing was booked" in answer.text


async def test_sessions_are_offered_on_the_days_and_hours_of_the_clinic(led: Clinic) -> None:
    page = await opened(led, await make(led))
    shown = days(page)
    assert len(shown) == len(set(shown)) == 13
    assert {datetime.fromisoformat(day).isoweekday() for day in shown} == {1, 3, 5}
    page = await opened(led, await make(led), day=shown[1])
    walls = [at.strftime("%H:%M") for at in offered(page)]
    assert (walls[0], walls[-1]) == ("09:00", "20:00"), "FAQ: from 9 A.M. to 9 P.M."
    for part in ("Morning", "Afternoon", "Evening"):
        legend = f'<legend>{part}<span class="unseen"> of Wednesday, October 7</span></legend>'
        assert legend in page.text


async def test_after_the_clocks_change_the_same_wall_times_are_offered(led: Clinic) -> None:
    led.clock.step_to(datetime(2026, 10, 30, 12, tzinfo=UTC))
    link = await make(led)
    for day, offset_h in (("2026-10-30", -4), ("2026-11-02", -5)):
        last = offered(await opened(led, link, day=day))[-1]
        assert last.strftime("%H:%M") == "20:00"
        assert last.utcoffset() == timedelta(hours=offset_h)


async def test_what_the_leader_or_the_patient_has_already_is_not_offered(led: Clinic) -> None:
    patient_id = await led.patient()
    series = await led.series(every(3, 6, NOW + timedelta(hours=2)), patient_id=patient_id)
    assert series["appointments"][0]["starts_at"].startswith("2026-10-05T16:00")
    await choose(led, await make(led), FIRST)  # another patient, the same leader
    free = offered(await opened(led, await make(led, patient_id)))
    taken = [
        (FIRST, FIRST + timedelta(hours=1)),
        (NOW + timedelta(hours=2), NOW + timedelta(minutes=170)),
    ]
    hour = timedelta(hours=1)
    assert free
    assert all(at >= end or at + hour <= start for at in free for start, end in taken)
    other = (await led.post("/clinicians", CLINICIAN))["clinician_id"]
    link = await make(led, clinician_id=other)
    assert offered(await opened(led, link))[0] == FIRST, "another leader is free"


async def test_what_is_held_for_the_patient_is_not_offered_for_a_session(led: Clinic) -> None:
    patient_id = await led.patient()
    plan = led.wish(patient_id, every(3, 6, NOW + timedelta(hours=2)))
    del plan["prescriber_id"], plan["diagnoses"]
    await led.post("/holds", plan)
    free = offered(await opened(led, await make(led, patient_id)))
    held_from, held_until = NOW + timedelta(hours=2), NOW + timedelta(minutes=170)
    assert free
    assert all(at >= held_until or at + timedelta(hours=1) <= held_from for at in free)


async def test_a_patients_series_is_not_put_over_a_session(led: Clinic) -> None:
    patient_id = await led.patient()
    await choose(led, await make(led, patient_id), FIRST)
    wish = led.wish(patient_id, every(3, 6, FIRST))
    assert ("patient_taken", "appointments.0.starts_at") in await led.refused("/series", wish)


async def test_of_twelve_who_choose_the_same_time_one_has_it(led: Clinic) -> None:
    links = [await make(led) for _ in range(12)]
    answers = await asyncio.gather(*(choose(led, link, FIRST) for link in links))
    assert sorted(each.status_code for each in answers) == [303] + [409] * 11
    lost = next(each for each in answers if each.status_code == 409)
    assert "That time is no longer free" in lost.text
    assert offered(lost), "and the page offers others"


async def test_the_database_itself_keeps_a_leader_out_of_two_sessions(led: Clinic) -> None:
    await choose(led, await make(led), FIRST)
    copied = text(
        "INSERT INTO appointments (appointment_id, patient_id, location_id, led_by, visit_type,"
        " starts_at, ends_at, state, revision) SELECT gen_random_uuid(), CAST(:other AS uuid),"
        " location_id, led_by, visit_type, starts_at, ends_at, state, 0 FROM appointments"
        " WHERE led_by = CAST(:led_by AS uuid)"
    )
    values = {"other": await led.patient(), "led_by": led.clinician_id}
    with pytest.raises(IntegrityError, match="ex_appointments_led_by"):
        async with led.engine.begin() as connection:
            await connection.execute(copied, values)


async def test_what_a_clinic_is_called_is_shown_as_it_is_written(led: Clinic) -> None:
    place = await led.post("/locations", LOCATION | {"name": "<b>Bold</b> & Son"})
    page = await opened(led, await make(led, location_id=place["location_id"]))
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; Son" in page.text
    assert "<b>Bold" not in page.text


async def test_sent_twice_it_is_booked_once(led: Clinic) -> None:
    patient_id = await led.patient()
    link = await make(led, patient_id)
    answers = await asyncio.gather(*(choose(led, link, FIRST) for _ in range(5)))
    assert [each.status_code for each in answers] == [303] * 5
    assert (await led.kinds_said(patient_id)).count("AppointmentBooked") == 1


async def test_a_link_books_no_second_session(led: Clinic) -> None:
    link = await make(led)
    await choose(led, link, FIRST)
    answer = await choose(led, link, FIRST + timedelta(hours=2))
    assert answer.status_code == 409
    assert "You have booked a session already" in answer.text


async def test_the_session_is_in_the_days_list_and_staff_cancel_it(led: Clinic) -> None:
    patient_id = await led.patient()
    link = await make(led, patient_id)
    await choose(led, link, FIRST)
    listed = await led.get("/appointments", location_id=led.location_id)
    [session] = listed["items"]
    assert (session["led_by"], session["chair_id"]) == (led.clinician_id, None)
    cancelled = await led.step(session, "cancel", {"reason": "patient_asked"})
    assert (cancelled["state"], cancelled["revision"]) == ("cancelled", 1)
    assert (await led.kinds_said(patient_id))[-1] == "AppointmentCancelled"
    page = await opened(led, link)
    assert "This session was cancelled" in page.text
    assert offered(await opened(led, await make(led)))[0] == FIRST, "the time is free again"
    refused = await led.refused(
        f"/appointments/{session['appointment_id']}/cancel", {"reason": "patient_asked"}
    )
    assert refused == [("visit_state", "appointment_id")]


async def test_the_session_is_a_calendar_file_and_a_fhir_appointment(led: Clinic) -> None:
    link = await make(led)
    nothing_yet = await led.client.get(f"{link['path']}/calendar.ics")
    assert nothing_yet.status_code == 404
    await choose(led, link, FIRST)
    answer = await led.client.get(f"{link['path']}/calendar.ics")
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.start == FIRST
    used = await led.get(f"/booking-links/{link['link_id']}")
    found = await led.get(f"/fhir/Appointment/{used['appointment_id']}")
    actors = [each["actor"]["reference"] for each in found["participant"]]
    assert actors[1] == f"Practitioner/{led.clinician_id}"
    slot = await led.get(f"/fhir/Slot/{used['appointment_id']}")
    schedule = await led.get(f"/fhir/{slot['schedule']['reference']}")
    assert schedule["id"] == led.clinician_id


async def test_a_link_that_is_over_or_revoked_books_nothing_and_says_whom_to_call(
    led: Clinic,
) -> None:
    revoked, late = await make(led), await make(led, valid_days=1)
    await led.post(f"/booking-links/{revoked['link_id']}/revoke", {})
    led.clock.step_to(NOW + timedelta(days=1))
    for link, title in ((revoked, "no longer in use"), (late, "has expired")):
        for page in (await opened(led, link), await choose(led, link, FIRST + timedelta(days=2))):
            assert page.status_code == 410
            assert title in page.text
            assert 'href="tel:+12025550100"' in page.text
    assert await led.refused(f"/booking-links/{revoked['link_id']}/revoke", {}) == [
        ("link_state", "link_id")
    ]


@pytest.mark.parametrize("change", ["id", "end", "signature", "key", "shorter", "other text"])
async def test_a_link_that_was_tampered_with_is_none(led: Clinic, change: str) -> None:
    link = await make(led, valid_days=1)
    token = link["path"].removeprefix("/book/")
    signed = BookingLinks(SECRET).read(token)
    assert signed is not None
    later = SignedLink(signed.link_id, signed.expires_at + timedelta(days=30))
    forged = {
        "id": BookingLinks(SECRET).token(SignedLink(uuid4(), signed.expires_at)),
        "end": BookingLinks(SECRET).token(later)[:32] + token[32:],
        "signature": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "key": BookingLinks("another-secret-" * 3).token(signed),
        "shorter": token[:-4],
        "other text": "é" * 48,
    }[change]
    page = await led.client.get(f"/book/{forged}")
    assert page.status_code == 404
    assert "This link does not work" in page.text
    answer = await led.client.post(f"/book/{forged}", data={"starts_at": FIRST.isoformat()})
    assert answer.status_code == 404


async def test_a_link_is_no_token_and_a_token_is_no_link(led: Clinic) -> None:
    link = await make(led)
    token = link["path"].removeprefix("/book/")
    answer = await led.client.get("/appointments", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    bearer = led.headers["Authorization"].removeprefix("Bearer ")
    assert (await led.client.get(f"/book/{bearer[:190]}")).status_code == 404


async def test_times_that_are_not_offered_are_not_booked(led: Clinic) -> None:
    link = await make(led)
    for at in (
        NOW - timedelta(days=7),  # past
        FIRST + timedelta(minutes=5),  # off the grid
        datetime(2026, 10, 6, 14, tzinfo=UTC),  # a Tuesday
        datetime(2026, 10, 6, 0, 45, tzinfo=UTC),  # would end after nine in the evening
        NOW + timedelta(days=365),
    ):
        assert (await choose(led, link, at)).status_code == 409
    for wrong in ("", "noon", "2026-10-05T12:00"):
        answer = await led.client.post(link["path"], data={"starts_at": wrong})
        assert answer.status_code == 422
        assert "no time that we offer was chosen" in answer.text
        assert offered(answer), "and the page offers them again"
    assert (await led.get(f"/booking-links/{link['link_id']}"))["state"] == "open"


async def test_the_page_and_its_address_say_nothing_of_the_patient(led: Clinic) -> None:
    patient_id = await led.patient()
    link = await make(led, patient_id)
    await choose(led, link, FIRST)
    for page in (await opened(led, await make(led, patient_id)), await opened(led, link)):
        for secret in (PATIENT["first_name"], PATIENT["last_name"], PATIENT["phone"], patient_id):
            assert secret not in page.text
        assert "ketamine" not in page.text.casefold()
    assert patient_id not in link["path"]
    raw = BookingLinks(SECRET).read(link["path"].removeprefix("/book/"))
    assert raw is not None
    assert raw.link_id == UUID(link["link_id"])


async def test_the_page_needs_no_script_and_can_be_used_by_anyone(led: Clinic) -> None:
    page = await opened(led, await make(led))
    html = page.text
    assert "<script" not in html
    assert '<html lang="en">' in html
    assert html.count("<h1>") == 1
    assert SPEECH.search(html)
    times = re.findall(r"<label><input type=\"radio\".*?>(.*?)</label>", html)
    assert len(times) == len(offered(page)), "every time has its label"
    assert 'aria-current="date"' in html
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert LOCATION["name"] in html


async def test_who_opens_and_uses_a_link_is_in_the_audit_log(led: Clinic) -> None:
    link = await make(led)
    await opened(led, link)
    await choose(led, link, FIRST)
    entries = await led.rows(
        "SELECT action, actor, purpose FROM audit_log WHERE entity = 'booking_link'"
        " AND entity_id = :id ORDER BY seq",
        id=link["link_id"],
    )
    assert [entry.action for entry in entries] == ["read", "write"]
    assert {entry.actor for entry in entries} == {f"booking-link:{link['link_id']}"}


async def test_no_link_is_made_for_what_is_not_on_record(led: Clinic) -> None:
    wish = {"location_id": led.location_id, "clinician_id": led.clinician_id}
    patient_id = await led.patient()
    path = f"/patients/{patient_id}/booking-links"
    assert (await led.send(f"/patients/{uuid4()}/booking-links", wish)).status_code == 404
    unknown = wish | {"location_id": str(uuid4()), "clinician_id": str(uuid4())}
    assert await led.refused(path, unknown) == [
        ("unknown_location", "location_id"),
        ("unknown_clinician", "clinician_id"),
    ]
    broken = await led.refused(path, wish | {"visit_type": "ketamine_mood"})
    assert broken == [("chair_needed", "visit_type")]
    for wrong in ({"valid_days": 0}, {"valid_days": 61}, {"visit_type": "No code"}):
        assert (await led.send(path, wish | wrong)).status_code == 422


async def test_a_place_that_is_closed_offers_no_time_and_says_whom_to_call(led: Clinic) -> None:
    closure = {"first_on": "2026-10-05", "last_on": "2026-12-31", "reason": "made up"}
    await led.post(f"/locations/{led.location_id}/closures", closure)
    page = await opened(led, await make(led))
    assert page.status_code == 200
    assert "No free times at the moment" in page.text
    assert 'href="tel:+12025550100"' in page.text
