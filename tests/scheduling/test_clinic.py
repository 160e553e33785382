"""Locations, chairs, clinicians."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.auth import Role
from tests.scheduling.conftest import CLINICIAN, LOCATION, Clinic, bearer, every


async def test_a_location_is_answered_as_it_was_given(clinic: Clinic) -> None:
    answer = await clinic.post("/locations", LOCATION)
    assert {name: answer[name] for name in LOCATION if name != "address"} == {
        name: value for name, value in LOCATION.items() if name != "address"
    }
    assert answer["address"] == LOCATION["address"] | {"line2": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("zone", "Virginia/Alexandria"),
        ("zone", "../../etc/passwd"),
        ("ein", "123456789"),
        ("ein", "00-1234567"),
        ("npi", "3234567893"),
        ("npi", "1234567890"),
        ("name", ""),
        ("name", "Old\u0000Town"),
        ("phone", "+1 202 555 0100"),
    ],
)
async def test_a_location_with_a_wrong_field_is_not_opened(
    clinic: Clinic, field: str, value: str
) -> None:
    answer = await clinic.send("/locations", LOCATION | {field: value})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == [field]


async def test_a_location_is_corrected_and_whoever_keeps_a_copy_hears_of_it(
    clinic: Clinic,
) -> None:
    path = f"/locations/{clinic.location_id}"
    address = LOCATION["address"] | {"line1": "2 King Street"}
    wish = {"name": "King Street", "address": address, "ein": "98-7654321"}
    answer = await clinic.post(path, wish, method="PATCH")
    assert (answer["name"], answer["address"]["line1"]) == ("King Street", "2 King Street")
    assert (answer["zone"], answer["npi"]) == (LOCATION["zone"], LOCATION["npi"])
    card = await clinic.client.get(
        f"/internal/locations/{clinic.location_id}",
        params={"purpose": "superbill"},
        headers=bearer(Role.SERVICE, subject="billing"),
    )
    assert card.json() | {"calendar_name": None} == answer
    place = await clinic.get(f"/fhir/Location/{clinic.location_id}")
    assert (place["name"], place["address"]["line"]) == ("King Street", ["2 King Street"])
    visit = (await clinic.series())["appointments"][0]
    calendar = await clinic.client.get(
        f"/appointments/{visit['appointment_id']}/calendar.ics", headers=clinic.headers
    )
    assert "2 King Street" in calendar.text
    now = clinic.clock.now().isoformat().replace("+00:00", "Z")
    heard = {"location_id": clinic.location_id, "revision": 1, "updated_at": now}
    assert await clinic.said(clinic.location_id) == [("LocationUpdated", heard)]
    [noted] = await clinic.rows(
        "SELECT action, outcome FROM audit_log WHERE actor = :who AND entity = :what",
        who=clinic.subject,
        what="PATCH /locations/{location_id}",
    )
    assert tuple(noted) == ("write", "ok")


async def test_a_correction_that_changes_nothing_on_the_card_is_told_to_nobody(
    clinic: Clinic,
) -> None:
    path = f"/locations/{clinic.location_id}"
    await clinic.post(path, {"name": LOCATION["name"], "calendar_name": "1"}, method="PATCH")
    assert await clinic.said(clinic.location_id) == []
    for wrong in ({}, {"name": None}, {"zone": "Virginia/Alexandria"}, {"ein": "1"}):
        assert (await clinic.send(path, wrong, method="PATCH")).status_code == 422
    gone = await clinic.send(f"/locations/{uuid4()}", {"name": "X"}, method="PATCH")
    assert gone.status_code == 404


async def test_a_zone_is_not_corrected_under_visits_that_were_agreed_by_its_clock(
    clinic: Clinic,
) -> None:
    path = f"/locations/{clinic.location_id}"
    west = {"zone": "America/Los_Angeles"}
    series = await clinic.series()
    assert await clinic.refused(path, west, method="PATCH") == [("zone_in_use", "zone")]
    await clinic.post(path, {"zone": LOCATION["zone"], "name": "Same"}, method="PATCH")
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Made up."})
    patient = await clinic.patient()
    hold = clinic.wish(patient, every(3, 6))
    del hold["prescriber_id"], hold["diagnoses"]
    held = await clinic.post("/holds", hold)
    assert await clinic.refused(path, west, method="PATCH") == [("zone_in_use", "zone")]
    await clinic.post(f"/holds/{held['hold_id']}/release", {})
    corrected = await clinic.post(path, west, method="PATCH")
    assert corrected["zone"] == "America/Los_Angeles"
    booked = await clinic.series(patient_id=patient)
    first = await clinic.client.get(
        f"/appointments/{booked['appointments'][0]['appointment_id']}/calendar.ics",
        headers=clinic.headers,
    )
    assert "DTSTART;TZID=America/Los_Angeles:20261007T090000" in first.text


async def test_a_location_has_one_chair_of_a_name(clinic: Clinic) -> None:
    await clinic.chair(name="By the window")
    refused = await clinic.refused(
        f"/locations/{clinic.location_id}/chairs", {"name": "By the window"}
    )
    assert refused == [("chair_name_taken", "name")]


async def test_a_chair_stands_at_a_known_location(clinic: Clinic) -> None:
    answer = await clinic.send(f"/locations/{uuid4()}/chairs", {"name": "1"})
    assert answer.status_code == 404


@pytest.mark.parametrize("without", ["dea_number", None])
async def test_a_clinician_may_have_no_dea_number(clinic: Clinic, without: str | None) -> None:
    wish: dict[str, Any] = {name: value for name, value in CLINICIAN.items() if name != without}
    answer = await clinic.post("/clinicians", wish)
    assert answer["dea_number"] == (None if without else CLINICIAN["dea_number"])


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("npi", "1234567890", "check digit"),
        ("npi", "123456789\u0663", "right would be ten digits"),
        ("dea_number", "AT0000001", "check digit"),
        ("dea_number", "1234563", "right would be two letters and seven digits"),
    ],
)
async def test_a_clinician_whose_number_does_not_check_is_not_taken(
    clinic: Clinic, field: str, value: str, right: str
) -> None:
    known = f"/clinicians/{clinic.clinician_id}"
    taken = await clinic.send("/clinicians", CLINICIAN | {field: value})
    changed = await clinic.send(known, {field: value}, method="PATCH")
    for answer in (taken, changed):
        assert answer.status_code == 422
        [violation] = answer.json()["violations"]
        assert violation["field"] == field
        assert right in violation["detail"]
        assert value not in answer.text


async def test_a_clinician_s_mistyped_number_is_corrected(clinic: Clinic) -> None:
    path = f"/clinicians/{clinic.clinician_id}"
    changed = await clinic.post(path, {"license_number": "VA-000002"}, method="PATCH")
    assert changed["license_number"] == "VA-000002"
    assert changed["npi"] == CLINICIAN["npi"]
    series = await clinic.series()
    headers = bearer(Role.SERVICE, subject="pharmacy")
    redeemed = await clinic.client.get(
        f"/internal/series/{series['series_id']}",
        params={"purpose": "prescription"},
        headers=headers,
    )
    assert redeemed.json()["prescriber"] | {"subject": clinic.subject} == changed
    for wrong in ({}, {"npi": None}, {"name": ""}):
        answer = await clinic.send(path, wrong, method="PATCH")
        assert answer.status_code == 422
    unknown = await clinic.send(f"/clinicians/{uuid4()}", {"name": "X"}, method="PATCH")
    assert unknown.status_code == 404


async def test_a_series_is_booked_with_a_prescriber_who_can_prescribe_its_spray(
    clinic: Clinic,
) -> None:
    without = {name: value for name, value in CLINICIAN.items() if name != "dea_number"}
    clinician_id = (await clinic.post("/clinicians", without))["clinician_id"]
    wish = clinic.wish(await clinic.patient(), every(3, 6), prescriber_id=clinician_id)
    assert await clinic.refused("/series", wish) == [("dea_number_missing", "prescriber_id")]
    number = {"dea_number": CLINICIAN["dea_number"]}
    await clinic.post(f"/clinicians/{clinician_id}", number, method="PATCH")
    await clinic.post("/series", wish)
