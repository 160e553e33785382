"""FHIR searches answer what was asked, and say in their self link what that was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.scheduling.routes.fhir import router
from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.imported import bring, person, sheet, source_of
from tests.scheduling.test_fhir import ask, find, resources


def self_link(bundle: dict[str, Any]) -> str:
    [url] = [link["url"] for link in bundle["link"] if link["relation"] == "self"]
    return str(url)


async def ids(clinic: Clinic, path: str = "Appointment", **params: Any) -> list[str]:
    return [each["id"] for each in resources(await ask(clinic, path, **params))]


async def test_visits_are_found_by_status_id_series_actor_and_place(clinic: Clinic) -> None:
    series = await clinic.series()
    visits = [visit["appointment_id"] for visit in series["appointments"]]
    other = await clinic.series(every(3, 6, NOON + timedelta(hours=2)))
    await clinic.step(series["appointments"][5], "cancel", {"reason": "patient_asked"})
    mine = {"patient": series["patient_id"]}
    assert await ids(clinic, status="cancelled", **mine) == visits[5:]
    assert await ids(clinic, status="booked,cancelled", **mine) == visits
    assert await ids(clinic, status="waitlist", **mine) == []
    status = "http://hl7.org/fhir/appointmentstatus|cancelled"
    assert await ids(clinic, status=status, **mine) == visits[5:]
    assert await ids(clinic, _id=f"{visits[2]},{visits[1]},nobody's") == visits[1:3]
    of_series = f"urn:practice:series|{series['series_id']}"
    assert await ids(clinic, identifier=of_series) == visits
    assert await ids(clinic, identifier=series["series_id"]) == visits
    assert await ids(clinic, identifier=f"urn:other|{series['series_id']}") == []
    assert await ids(clinic, actor=f"Patient/{series['patient_id']}") == visits
    both = sorted([*visits, *(visit["appointment_id"] for visit in other["appointments"])])
    for place in (clinic.chair_id, clinic.location_id):
        assert sorted(await ids(clinic, location=f"Location/{place}")) == both
    assert sorted(await ids(clinic, actor=f"Location/{clinic.chair_id}")) == both
    assert await ids(clinic, actor=f"Practitioner/{clinic.clinician_id}") == []


async def test_a_reference_may_be_a_whole_address(clinic: Clinic) -> None:
    series = await clinic.series()
    asked = f"https://clinic.example.test/fhir/Patient/{series['patient_id']}"
    assert len(await ids(clinic, patient=asked)) == 6
    schedule = f"http://test/fhir/Schedule/{clinic.chair_id}"
    assert len(await ids(clinic, "Slot", schedule=schedule)) == 6


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ("ne2026-10-10", [0, 2]),
        ("sa2026-10-10", [2]),
        ("eb2026-10-10", [0]),
        ("eq2026-10-10", [1]),
        ("ge2026-10-10", [1, 2]),
    ],
)
async def test_the_prefixes_of_dates_mean_what_fhir_says(
    clinic: Clinic, date: str, shown: list[int]
) -> None:
    series = await clinic.series(every(3, 6))
    visits = [visit["appointment_id"] for visit in series["appointments"]]
    found = await ids(clinic, patient=series["patient_id"], date=[date, "lt2026-10-14"])
    assert found == [visits[n] for n in shown]


async def test_what_is_not_known_is_ignored_and_not_said_to_be_searched(clinic: Clinic) -> None:
    series = await clinic.series()
    asked = {"patient": series["patient_id"], "practitioner-colour": "blue"}
    bundle = await ask(clinic, "Appointment", **asked)
    assert "colour" not in self_link(bundle)
    assert f"patient={series['patient_id']}" in self_link(bundle)
    *visits, told = resources(bundle)
    assert len(visits) == 6
    [issue] = told["issue"]
    assert (issue["severity"], issue["code"]) == ("warning", "not-supported")
    assert issue["diagnostics"].startswith("practitioner-colour")
    assert bundle["entry"][-1]["search"] == {"mode": "outcome"}


@pytest.mark.parametrize(
    ("asked", "prefer", "status"),
    [
        ({"colour": "blue"}, "handling=strict", 400),
        ({"colour": "blue"}, 'return=minimal; handling="strict"', 400),
        ({"colour": "blue"}, "handling=lenient", 200),
        ({"status": "booked", "_format": "json", "_count": "1"}, "handling=strict", 200),
        ({"status:not": "booked"}, "handling=lenient", 400),
        ({"status": ["booked", "cancelled"]}, "handling=lenient", 400),
        ({"_format": "xml"}, "handling=lenient", 400),
    ],
)
async def test_a_client_may_ask_to_be_refused_what_is_not_understood(
    clinic: Clinic, asked: dict[str, Any], prefer: str, status: int
) -> None:
    clinic.headers |= {"Prefer": prefer}
    found = await ask(clinic, "Appointment", expects=status, **asked)
    if status == 400:
        assert found["issue"][0]["code"] in {"not-supported", "invalid"}


async def test_a_count_says_how_many_and_shows_none(clinic: Clinic) -> None:
    series = await clinic.series()
    bundle = await ask(clinic, "Appointment", patient=series["patient_id"], _summary="count")
    assert bundle["total"] == 6
    assert "entry" not in bundle
    assert (await ask(clinic, "Slot", schedule=clinic.chair_id, _summary="count"))["total"] == 6


async def test_every_entry_says_where_it_is_read(clinic: Clinic) -> None:
    series = await clinic.series()
    bundle = await ask(clinic, "Appointment", patient=series["patient_id"])
    for entry in bundle["entry"]:
        path = entry["fullUrl"].removeprefix("http://test/fhir/")
        assert await ask(clinic, path) == entry["resource"]


async def test_all_that_a_visit_refers_to_can_be_read(clinic: Clinic) -> None:
    series = await clinic.series()
    found = await ask(clinic, f"Appointment/{series['appointments'][0]['appointment_id']}")
    actors = [each["actor"]["reference"] for each in found["participant"]]
    _, chair = [await ask(clinic, actor) for actor in actors]
    place = await ask(clinic, chair["partOf"]["reference"])
    assert (place["name"], place["address"]["city"]) == ("Old Town", "Alexandria")
    who = await ask(clinic, f"Practitioner/{clinic.clinician_id}")
    assert who["identifier"] == [
        {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1987654328"}
    ]
    assert "AT1234563" not in str(who), "a DEA number is for prescriptions"
    schedule = await ask(clinic, f"Schedule/{clinic.clinician_id}")
    assert await ask(clinic, schedule["actor"][0]["reference"]) == who
    for kind in ("Location", "Practitioner"):
        await ask(clinic, f"{kind}/{uuid4()}", expects=404)


async def test_slots_are_found_by_status_and_free_ones_by_find(clinic: Clinic) -> None:
    await clinic.series()
    schedule = {"schedule": clinic.chair_id}
    assert len(await ids(clinic, "Slot", status="busy", **schedule)) == 6
    assert await ids(clinic, "Slot", status="busy-tentative", **schedule) == []
    [told] = resources(await ask(clinic, "Slot", status="free", **schedule))
    assert told["resourceType"] == "OperationOutcome"
    assert "$find" in told["issue"][0]["diagnostics"]
    plan = clinic.wish(await clinic.patient(), every(3, 6, NOON + timedelta(hours=2)))
    del plan["prescriber_id"], plan["diagnoses"]
    await clinic.post("/holds", plan)
    held = await ids(clinic, "Slot", status="busy-tentative", **schedule)
    assert len(held) == 6
    assert await ids(clinic, "Slot", _id=held[0]) == held[:1]
    assert len(await ids(clinic, "Slot", status="busy,busy-tentative", **schedule)) == 12


async def test_a_patient_is_found_by_id_here_and_in_the_system_before(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    assert await ids(clinic, "Patient", _id=patient_id) == [patient_id]
    known_as = f"urn:practice:patient|{patient_id}"
    assert await ids(clinic, "Patient", identifier=known_as) == [patient_id]
    assert await ids(clinic, "Patient", identifier=known_as, _id=str(uuid4())) == []
    assert await ids(clinic, "Patient") == [], "everyone is no search"
    await bring(clinic, "patients", sheet([person(7, first_name="Imported")]))
    word = source_of(clinic)
    [found] = resources(await ask(clinic, "Patient", identifier=f"urn:practice:source:{word}|p7"))
    assert found["name"][0]["given"] == ["Imported"]
    assert await ids(clinic, "Patient", identifier=f"urn:practice:source:{word}|p8") == []


async def test_what_is_proposed_to_a_patient_keeps_the_patients_gaps(clinic: Clinic) -> None:
    await clinic.opens("12:00", "12:50")
    series = await clinic.series()
    await clinic.step(series["appointments"][5], "cancel", {"reason": "patient_asked"})
    lost = NOON + timedelta(days=15)
    span = {
        "start": (NOON + timedelta(days=11)).isoformat(),
        "end": (NOON + timedelta(days=22)).isoformat(),
    }
    mine = {"patient__reference": series["patient_id"]}
    found = await find(clinic, **span, **mine)
    days = [each["start"][:10] for each in found]
    assert days[0] == (lost - timedelta(days=1)).date().isoformat(), "two days after the fifth"
    assert days[-1] == (lost + timedelta(days=4)).date().isoformat(), "seven days after it"
    assert len(await find(clinic, **span)) > len(found), "others have no such gaps"
    near = {"end": (NOON + timedelta(days=13, minutes=-1)).isoformat()}
    [told] = await find(clinic, **(span | near), **mine)
    assert told["issue"][0]["details"]["coding"][0]["code"] == "series_gap"


async def test_nothing_is_proposed_on_the_day_after_an_infusion_of_a_stopped_series(
    clinic: Clinic,
) -> None:
    await clinic.opens("12:00", "12:50")
    series = await clinic.series()
    visit = series["appointments"][0]
    await clinic.infuse(visit)
    await clinic.give(visit)
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Enough."})
    span = {
        "start": (NOON + timedelta(days=1, hours=-1)).isoformat(),
        "end": (NOON + timedelta(days=2, hours=1)).isoformat(),
    }
    found = await find(clinic, patient__reference=series["patient_id"], **span)
    assert [each["start"][:10] for each in found] == ["2026-10-09"]


async def test_whose_visits_were_shown_is_in_the_audit_log(clinic: Clinic) -> None:
    one = (await clinic.series())["patient_id"]
    other = (await clinic.series(every(3, 6, NOON + timedelta(hours=2))))["patient_id"]
    here = {"location": f"Location/{clinic.location_id}"}

    async def noted() -> list[str]:
        rows = await clinic.rows(
            "SELECT patient_id::text AS who FROM audit_log WHERE entity = 'appointment'"
            " AND patient_id::text IN (:one, :other) ORDER BY seq",
            one=one,
            other=other,
        )
        return [row.who for row in rows]

    await ask(clinic, "Appointment", _summary="count", **here)
    assert await noted() == []
    await ask(clinic, "Appointment", **here)
    assert await noted() == [one, other]
    await clinic.get("/appointments", location_id=clinic.location_id)
    assert await noted() == [one, other] * 2


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/fhir/Observation", 404, None),
        ("GET", "/fhir/", 404, None),
        ("GET", "/fhir/Appointment/1/2/3", 404, None),
        ("POST", "/fhir/Appointment/$find", 405, "GET"),
        ("POST", "/fhir/Appointment", 405, "GET"),
        ("PUT", "/fhir/Patient/_search", 405, "POST"),
        ("GET", "/fhir/Slot/_search", 405, "POST"),
        ("POST", "/fhir/Observation/_search", 404, None),
        ("DELETE", f"/fhir/Patient/{uuid4()}", 405, "GET"),
    ],
)
async def test_what_is_not_there_is_said_in_fhir_too(
    clinic: Clinic, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await clinic.client.request(method, path, headers=clinic.headers)
    assert (answer.status_code, answer.headers.get("Allow")) == (status, allow)
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_fault_of_ours_is_said_in_fhir_too(clinic: Clinic, app: FastAPI) -> None:
    app.state.unit = None
    found = await ask(clinic, f"Patient/{uuid4()}", expects=500)
    assert found["issue"][0]["code"] == "exception"


async def test_what_can_be_searched_is_what_is_said_to_be(clinic: Clinic) -> None:
    clinic.headers = {}
    said = {
        each["type"]: {param["name"] for param in each.get("searchParam", ())}
        for each in (await ask(clinic, "metadata"))["rest"][0]["resource"]
    }
    looked_at = {
        route.path.removeprefix("/fhir/"): {
            name
            for model in route.dependant.query_params
            for name in _names(model.field_info.annotation)
        }
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
    }
    not_searches = {"_cursor", "_format"}
    for kind, params in said.items():
        assert params == looked_at.get(kind, set()) - not_searches, kind
        assert f"{kind}/" in "".join(f"{path}/" for path in looked_at), "it can be read"


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
