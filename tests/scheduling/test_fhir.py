"""FHIR R4, read by the models of `fhir.resources`: its R4B has these resources as R4 has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class

from services.scheduling.documents.fhir import STATUS
from services.scheduling.rules.visits.life import VisitState
from shared.auth import Role
from tests.scheduling.conftest import NOON, PATIENT, Clinic, bearer, every

CODES = {
    "proposed",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered-in-error",
    "checked-in",
    "waitlist",
}
"""FHIR R4, value set appointmentstatus."""


async def ask(clinic: Clinic, path: str, *, expects: int = 200, **params: Any) -> Any:
    """A FHIR answer, as its standard's own models read it; as JSON."""
    named = {name.replace("__", "-"): value for name, value in params.items()}
    url = httpx.URL(f"/fhir/{path}").copy_merge_params(named)
    answer = await clinic.client.get(url, headers=clinic.headers)
    assert answer.status_code == expects, answer.text
    assert answer.headers["Content-Type"] == "application/fhir+json"
    found = answer.json()
    get_fhir_model_class(found["resourceType"]).model_validate(found)
    return found


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle.get("entry", ())]


async def test_a_visit_is_an_appointment_with_its_patient_chair_and_slot(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    found = await ask(clinic, f"Appointment/{visit['appointment_id']}")
    assert found["status"] == "booked"
    assert datetime.fromisoformat(found["start"]) == NOON
    assert found["minutesDuration"] == 50
    actors = [each["actor"]["reference"] for each in found["participant"]]
    assert actors == [f"Patient/{series['patient_id']}", f"Location/{visit['chair_id']}"]
    slot = await ask(clinic, found["slot"][0]["reference"])
    assert (slot["status"], slot["start"], slot["end"]) == ("busy", found["start"], found["end"])
    schedule = await ask(clinic, slot["schedule"]["reference"])
    assert schedule["actor"][1]["reference"] == f"Location/{clinic.location_id}"
    bundle = await ask(clinic, "Schedule", actor=f"Location/{clinic.location_id}")
    assert resources(bundle) == [schedule]


def test_every_state_of_a_visit_has_a_status_that_fhir_knows() -> None:
    assert set(STATUS) == set(VisitState)
    assert set(STATUS.values()) <= CODES


async def test_a_cancelled_visit_is_said_to_be_and_takes_no_slot(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    found = await ask(clinic, f"Appointment/{visit['appointment_id']}")
    assert (found["status"], found["meta"]["versionId"]) == ("cancelled", "1")
    assert "slot" not in found
    await ask(clinic, f"Slot/{visit['appointment_id']}", expects=404)
    bundle = await ask(clinic, "Slot", schedule=f"Schedule/{clinic.chair_id}")
    assert len(resources(bundle)) == 5


async def test_a_patient_is_read_with_name_contacts_and_address(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    found = await ask(clinic, f"Patient/{patient_id}")
    assert found["name"] == [
        {"use": "official", "family": PATIENT["last_name"], "given": [PATIENT["first_name"]]}
    ]
    assert found["birthDate"] == PATIENT["birth_date"]
    assert [each["value"] for each in found["telecom"]] == [PATIENT["phone"], PATIENT["email"]]


async def starts(clinic: Clinic, *dates: str, **params: Any) -> list[str]:
    bundle = await ask(clinic, "Appointment", date=list(dates), **params)
    return [each["start"][:10] for each in resources(bundle)]


async def test_visits_are_searched_by_patient_and_by_the_days_of_the_clinics_calendar(
    clinic: Clinic,
) -> None:
    late = datetime(2026, 10, 9, 0, 30, tzinfo=UTC)  # 20:30 the evening before, in Alexandria
    series = await clinic.series(every(3, 6, late))
    mine = {"patient": f"Patient/{series['patient_id']}"}
    whole = await starts(clinic, **mine)
    assert len(whole) == 6
    assert await starts(clinic, "2026-10-08", **mine) == ["2026-10-09"], "its local day"
    assert await starts(clinic, "2026-10-09", **mine) == []
    assert await starts(clinic, "ge2026-10-11", "lt2026-10-17", **mine) == whole[1:3]
    assert await starts(clinic, "gt2026-10-08", "le2026-10-11", **mine) == whole[1:2]
    assert (
        await starts(clinic, "ge2026-10-09T00:30:00Z", "lt2026-10-12T00:30Z", **mine) == whole[:1]
    )
    assert await starts(clinic, "2026-10", **mine) == whole
    assert await starts(clinic, "2027", **mine) == []
    assert await starts(clinic, patient=str(uuid4())) == []


async def test_a_search_is_read_page_by_page_along_its_links(clinic: Clinic) -> None:
    series = await clinic.series()
    bundle = await ask(clinic, "Appointment", patient=series["patient_id"], _count=4)
    seen = resources(bundle)
    [following] = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    bundle = await ask(clinic, following.split("/fhir/")[1])
    seen += resources(bundle)
    assert [each["id"] for each in seen] == [
        visit["appointment_id"] for visit in series["appointments"]
    ]
    assert [link["relation"] for link in bundle["link"]] == ["self"]


async def find(clinic: Clinic, hours: int = 4, **params: Any) -> list[dict[str, Any]]:
    """What is free from noon on, for so many hours."""
    span = {"start": NOON.isoformat(), "end": (NOON + timedelta(hours=hours)).isoformat()}
    asked = {"visit__type": "ketamine_mood", "location__reference": clinic.location_id}
    return resources(await ask(clinic, "Appointment/$find", **(span | asked | params)))


async def test_free_slots_are_found_by_the_rules_that_a_series_is_planned_by(
    clinic: Clinic,
) -> None:
    await clinic.opens("09:00", "17:00")
    patient_id = await clinic.patient()
    await clinic.series(every(3, 6, NOON + timedelta(hours=1)))
    found = await find(clinic, patient__reference=f"Patient/{patient_id}")
    at = [datetime.fromisoformat(each["start"]) - NOON for each in found]
    quarter = timedelta(minutes=15)
    free = [0, 8, 9, 10, 11, 12]  # one chair, taken from 13:00 to 13:50
    assert at == [n * quarter for n in free]
    assert {each["status"] for each in found} == {"proposed"}
    assert {each["contained"][0]["status"] for each in found} == {"free"}
    await clinic.series(
        every(3, 6, datetime.fromisoformat(found[0]["start"])), patient_id=patient_id
    )
    assert found[0]["start"] not in {each["start"] for each in await find(clinic)}


async def test_where_nothing_is_free_the_rule_that_says_so_is_told(clinic: Clinic) -> None:
    [told] = await find(clinic)
    assert told["resourceType"] == "OperationOutcome"
    assert told["issue"][0]["severity"] == "information"
    assert told["issue"][0]["details"]["coding"][0]["code"] == "opening_hours_missing"


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("Appointment/not-an-id", {}, 400, "invalid"),
        (f"Appointment/{uuid4()}", {}, 404, "not-found"),
        (f"Patient/{uuid4()}", {}, 404, "not-found"),
        (f"Schedule/{uuid4()}", {}, 404, "not-found"),
        ("Appointment", {"date": "2026-02-30"}, 400, "value"),
        ("Appointment", {"date": "tomorrow"}, 400, "value"),
        ("Appointment", {"date": "ap2026-10-05"}, 400, "value"),
        ("Appointment", {"date": "0001-01-01"}, 400, "value"),
        ("Appointment", {"date": "ge9999-12-31"}, 400, "value"),
        ("Appointment", {"date": "9999-12-31T23:59Z"}, 400, "value"),
        ("Appointment", {"date": "lt0001-01-01T00:00+14:00"}, 400, "value"),
        ("Slot", {"start": "sa9999-12"}, 400, "value"),
        ("Appointment", {"patient": "Practitioner/1"}, 400, "value"),
        ("Appointment", {"_cursor": "not-ours"}, 400, "invalid"),
        ("Slot", {"status": "open"}, 400, "code-invalid"),
        ("Schedule", {}, 400, "invalid"),
        ("Appointment/$find", {}, 400, "invalid"),
    ],
)
async def test_what_goes_wrong_is_an_operation_outcome(
    clinic: Clinic, path: str, params: dict[str, str], status: int, code: str
) -> None:
    found = await ask(clinic, path, expects=status, **params)
    assert found["resourceType"] == "OperationOutcome"
    assert found["issue"][0]["code"] == code


async def test_a_find_that_makes_no_sense_says_what_would(clinic: Clinic) -> None:
    for wrong in (
        {"visit__type": "no_such_type"},
        {"visit__type": "preparation"},
        {"location__reference": str(uuid4())},
        {"patient__reference": str(uuid4())},
        {"end": (NOON - timedelta(hours=1)).isoformat()},
        {"end": (NOON + timedelta(days=60)).isoformat()},
        {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
    ):
        span = {"start": NOON.isoformat(), "end": (NOON + timedelta(hours=4)).isoformat()}
        asked = {"visit__type": "ketamine_mood", "location__reference": clinic.location_id}
        found = await ask(clinic, "Appointment/$find", expects=400, **(span | asked | wrong))
        assert found["issue"][0]["details"]["text"]


async def test_who_has_no_token_or_another_role_is_told_in_fhir(clinic: Clinic) -> None:
    clinic.headers = {}
    found = await ask(clinic, f"Patient/{uuid4()}", expects=401)
    assert found["issue"][0]["code"] == "login"
    clinic.headers = bearer(Role.OPS)
    found = await ask(clinic, f"Patient/{uuid4()}", expects=403)
    assert found["issue"][0]["code"] == "forbidden"


async def test_what_can_be_asked_is_public_and_says_r4(clinic: Clinic) -> None:
    clinic.headers = {}
    found = await ask(clinic, "metadata")
    assert found["fhirVersion"] == "4.0.1"
    kinds = [each["type"] for each in found["rest"][0]["resource"]]
    assert kinds == [*("Appointment", "Location", "Patient", "Practitioner", "Schedule", "Slot")]


async def test_every_read_is_in_the_audit_log_with_its_patient(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, visit = series["patient_id"], series["appointments"][0]
    await ask(clinic, f"Appointment/{visit['appointment_id']}")
    await ask(clinic, "Appointment", patient=patient_id)
    await ask(clinic, f"Patient/{patient_id}")
    entries = await clinic.rows(
        "SELECT entity FROM audit_log WHERE patient_id = CAST(:id AS uuid) AND action = 'read'"
        " ORDER BY seq",
        id=patient_id,
    )
    assert [entry.entity for entry in entries] == [
        "GET /fhir/Appointment/{appointment_id}",
        "appointment",
        "GET /fhir/Patient/{patient_id}",
    ]


async def test_a_held_chair_is_a_slot_that_is_busy_for_now_and_no_appointment(
    clinic: Clinic,
) -> None:
    await clinic.opens("12:00", "12:50")
    plan = clinic.wish(await clinic.patient(), every(3, 6))
    del plan["prescriber_id"], plan["diagnoses"]
    hold = await clinic.post("/holds", plan)
    bundle = await ask(clinic, "Slot", schedule=f"Schedule/{clinic.chair_id}")
    slots = resources(bundle)
    assert [each["status"] for each in slots] == ["busy-tentative"] * 6
    assert [datetime.fromisoformat(each["start"]) for each in slots] == every(3, 6)
    assert await ask(clinic, f"Slot/{slots[0]['id']}") == slots[0]
    await ask(clinic, f"Appointment/{slots[0]['id']}", expects=404)
    assert await free_at_noon(clinic) == [], "a held chair is never offered"
    await clinic.post(f"/holds/{hold['hold_id']}/release", {})
    await ask(clinic, f"Slot/{slots[0]['id']}", expects=404)
    assert await free_at_noon(clinic) == [NOON]


async def free_at_noon(clinic: Clinic) -> list[datetime]:
    """What `$find` offers in the hour of the first infusion."""
    found = await find(clinic, hours=1)
    starts = (each for each in found if each["resourceType"] == "Appointment")
    return [datetime.fromisoformat(each["start"]) for each in starts]
