"""Calendar files, read back as a patient's calendar reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Calendar

from tests.scheduling.conftest import LOCATION, Clinic, every

BEFORE_CLOCKS_GO_BACK = datetime(2026, 10, 26, 16, 0, tzinfo=UTC)  # noon in Alexandria, in summer


async def file_of(clinic: Clinic, path: str) -> Calendar:
    answer = await clinic.client.get(f"{path}/calendar.ics", headers=clinic.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = Calendar.from_ical(answer.content)
    assert isinstance(calendar, Calendar)
    assert all(not event.errors for event in calendar.events)
    return calendar


async def file_of_visit(clinic: Clinic, visit: dict[str, Any]) -> Calendar:
    return await file_of(clinic, f"/appointments/{visit['appointment_id']}")


async def test_a_series_is_one_file_with_every_visit_where_the_clinics_clocks_show_it(
    clinic: Clinic,
) -> None:
    starts = [
        BEFORE_CLOCKS_GO_BACK + timedelta(days=3 * n, hours=1 if n > 1 else 0) for n in range(6)
    ]
    series = await clinic.series(starts)
    calendar = await file_of(clinic, f"/series/{series['series_id']}")
    assert calendar["METHOD"] == "PUBLISH"
    assert [event.start.astimezone(UTC) for event in calendar.events] == starts
    assert {event["DTSTART"].params["TZID"] for event in calendar.events} == {LOCATION["zone"]}
    assert {event.start.strftime("%H:%M") for event in calendar.events} == {"12:00"}
    assert {event.end - event.start for event in calendar.events} == {timedelta(minutes=50)}


async def test_the_zone_that_a_file_describes_is_enough_to_read_it_by(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6, BEFORE_CLOCKS_GO_BACK))
    [zone] = (await file_of(clinic, f"/series/{series['series_id']}")).timezones
    described = zone.to_tz(lookup_tzid=False)
    for visit in series["appointments"]:
        at = datetime.fromisoformat(visit["starts_at"])
        offset_h = -4 if at < datetime(2026, 11, 1, 6, tzinfo=UTC) else -5
        assert at.astimezone(described).utcoffset() == timedelta(hours=offset_h)


async def test_a_visit_keeps_its_uid_and_its_sequence_rises_with_every_change(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    visit = series["appointments"][-1]
    [booked] = (await file_of_visit(clinic, visit)).events
    assert booked["UID"] == visit["appointment_id"]
    assert (booked["SEQUENCE"], booked["STATUS"]) == (0, "CONFIRMED")

    later = datetime.fromisoformat(visit["starts_at"]) + timedelta(hours=2)
    await clinic.step(visit, "move", {"starts_at": later.isoformat()})
    [moved] = (await file_of_visit(clinic, visit)).events
    assert (moved["UID"], moved["SEQUENCE"]) == (booked["UID"], 1)
    assert moved.start == later

    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    calendar = await file_of_visit(clinic, visit)
    [cancelled] = calendar.events
    assert calendar["METHOD"] == "CANCEL"
    assert (cancelled["UID"], cancelled["SEQUENCE"]) == (booked["UID"], 2)
    assert cancelled["STATUS"] == "CANCELLED"
    assert str(cancelled["ORGANIZER"]) == f"tel:{LOCATION['phone']}", "RFC 5546 asks for one"

    whole = await file_of(clinic, f"/series/{series['series_id']}")
    assert whole["METHOD"] == "PUBLISH", "five of six still stand"
    assert [event["STATUS"] for event in whole.events] == ["CONFIRMED"] * 5 + ["CANCELLED"]


async def test_a_file_says_nothing_of_the_treatment_or_the_patient(clinic: Clinic) -> None:
    series = await clinic.series()
    calendar = await file_of(clinic, f"/series/{series['series_id']}")
    assert {str(event["SUMMARY"]) for event in calendar.events} == {"Appointment"}
    for event in calendar.events:
        del event["UID"]  # any letters and digits at all
    shown = calendar.to_ical().decode().casefold()
    for word in ("ketamine", "infusion", "mood", "f33", "series", "canary", "recovery", "nurse"):
        assert word not in shown


async def test_a_clinic_s_own_name_tells_nobody_what_is_given_there(clinic: Clinic) -> None:
    place = LOCATION | {"name": "Ketamine Clinic of Old Town"}
    clinic.location_id = (await clinic.post("/locations", place))["location_id"]
    clinic.chair_id = await clinic.chair()
    visit = (await clinic.series())["appointments"][0]
    calendar = await file_of_visit(clinic, visit)
    assert "ketamine" not in calendar.to_ical().decode().casefold()
    [event] = calendar.events
    assert str(event["LOCATION"]) == "1 Made Up Street, Alexandria, VA 22314"
    assert "CN" not in event["ORGANIZER"].params

    path = f"/locations/{clinic.location_id}"
    for telling in ("Old Town Ketamine", "Mental Health Partners", "INFUSIONS"):
        refused = await clinic.refused(path, {"calendar_name": telling}, method="PATCH")
        assert refused == [("calendar_name_tells", "calendar_name")]
        refused = await clinic.refused("/locations", place | {"calendar_name": telling})
        assert refused == [("calendar_name_tells", "calendar_name")]
    named = await clinic.post(path, {"calendar_name": "Made Up Street"}, method="PATCH")
    assert (named["calendar_name"], named["name"]) == ("Made Up Street", place["name"])
    [event] = (await file_of_visit(clinic, visit)).events
    assert str(event["LOCATION"]).startswith("Made Up Street, 1 Made Up Street")
    assert event["ORGANIZER"].params["CN"] == "Made Up Street"
    await clinic.post(path, {"calendar_name": None}, method="PATCH")
    [event] = (await file_of_visit(clinic, visit)).events
    assert "CN" not in event["ORGANIZER"].params


async def test_a_file_that_is_handed_out_is_in_the_audit_log(clinic: Clinic) -> None:
    series = await clinic.series()
    await file_of(clinic, f"/series/{series['series_id']}")
    [entry] = await clinic.rows(
        "SELECT action, patient_id FROM audit_log WHERE entity LIKE '%calendar.ics'"
        " AND entity_id = :id",
        id=series["series_id"],
    )
    assert (entry.action, str(entry.patient_id)) == ("read", series["patient_id"])


async def test_what_is_not_on_record_has_no_file(clinic: Clinic) -> None:
    for path in ("appointments", "series"):
        answer = await clinic.client.get(
            f"/{path}/{clinic.chair_id}/calendar.ics", headers=clinic.headers
        )
        assert answer.status_code == 404
