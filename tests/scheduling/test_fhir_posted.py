"""A FHIR search by POST finds, refuses and notes what the same search by GET does."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from fhir.resources.R4B import get_fhir_model_class

from shared.auth import Role
from tests.scheduling.conftest import NOON, Clinic, bearer
from tests.scheduling.test_fhir import ask, resources
from tests.scheduling.test_fhir_search import self_link


async def post(
    clinic: Clinic, path: str, form: dict[str, Any], *, expects: int = 200, query: str = ""
) -> Any:
    url = f"/fhir/{path}/_search{query}"
    answer = await clinic.client.post(url, data=form, headers=clinic.headers)
    assert answer.status_code == expects, answer.text
    assert answer.headers["Content-Type"] == "application/fhir+json"
    found = answer.json()
    get_fhir_model_class(found["resourceType"]).model_validate(found)
    return found


async def test_every_search_by_form_is_answered_as_the_same_one_by_address(clinic: Clinic) -> None:
    series = await clinic.series()
    mine = series["patient_id"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("Appointment", {"patient": f"Patient/{mine}", "status": "booked"}),
        (
            "Appointment",
            {"patient": mine, "date": ["ge2026-10-10", "lt2026-10-14"]},
        ),
        ("Appointment", {"patient": mine, "_summary": "count"}),
        ("Slot", {"schedule": f"Schedule/{clinic.chair_id}"}),
        ("Schedule", {"actor": f"Location/{clinic.location_id}"}),
        ("Patient", {"_id": mine, "colour": "blue"}),
    ]
    for path, form in asked:
        by_form = await post(clinic, path, form)
        assert by_form == await ask(clinic, path, **form)
        assert len(resources(by_form)) > 0 or by_form["total"] == 6


async def test_what_stands_in_the_address_of_a_posted_search_counts_too(clinic: Clinic) -> None:
    series = await clinic.series()
    form = {"patient": series["patient_id"], "_count": "2"}
    found = await post(clinic, "Appointment", form, query="?status=booked")
    assert len(resources(found)) == 2
    assert "/fhir/Appointment?status=booked&patient=" in self_link(found)
    following = next(link["url"] for link in found["link"] if link["relation"] == "next")
    answer = await clinic.client.get(following, headers=clinic.headers)
    assert len(resources(answer.json())) == 2


async def test_a_posted_search_is_refused_as_the_same_one_by_address(clinic: Clinic) -> None:
    wrong = {"status": "perhaps"}
    by_form = await post(clinic, "Appointment", wrong, expects=400)
    assert by_form == await ask(clinic, "Appointment", expects=400, **wrong)
    clinic.headers |= {"Prefer": "handling=strict"}
    told = await post(clinic, "Slot", {"colour": "blue"}, expects=400)
    assert told["issue"][0]["code"] == "not-supported"
    clinic.headers = bearer(Role.PHARMACY_LIAISON)
    await post(clinic, "Patient", {"_id": "1"}, expects=403)
    clinic.headers = {}
    await post(clinic, "Patient", {"_id": "1"}, expects=401)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"_id": "1"}', 415),
        ("application/x-www-form-urlencoded", b"\xff=1", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 200), 400),
        ("application/x-www-form-urlencoded; charset=utf-8", b"_id=nobody", 200),
        ("", b"", 200),
    ],
)
async def test_only_a_form_is_a_search(clinic: Clinic, kind: str, body: bytes, status: int) -> None:
    headers = clinic.headers | ({"Content-Type": kind} if kind else {})
    answer = await clinic.client.post("/fhir/Patient/_search", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == ("Bundle" if status == 200 else "OperationOutcome")


async def test_whom_a_posted_search_showed_is_in_the_audit_log(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    clinic.headers = bearer(Role.BILLER, subject="biller-8")
    await post(clinic, "Patient", {"_id": patient_id})
    noted = await clinic.rows(
        "SELECT action, entity FROM audit_log WHERE actor = 'biller-8' ORDER BY seq"
    )
    assert [tuple(each) for each in noted] == [
        ("read", "patient"),
        ("read", "POST /fhir/Patient/_search"),
    ]


async def test_a_room_takes_part_in_its_visit_and_is_a_place_in_a_place(clinic: Clinic) -> None:
    room = await clinic.post(f"/locations/{clinic.location_id}/rooms", {"name": "Quiet room"})
    figures = {
        "effective_from": "2026-10-05",
        "booked_min": {"value": 40, "source": "made up"},
        "room_needed": {"value": True, "source": "made up"},
    }
    await clinic.send("/visit-types/magnesium/figures", figures)
    patient_id = await clinic.patient()
    wish = {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "magnesium",
        "starts_at": NOON.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    visit = await clinic.post(f"/patients/{patient_id}/treatments", wish)
    assert visit["room_id"] == room["room_id"]
    found = await ask(clinic, f"Appointment/{visit['appointment_id']}")
    actors = [each["actor"] for each in found["participant"]]
    there = {"reference": f"Location/{room['room_id']}", "display": "Quiet room"}
    assert actors[2:] == [there]
    read = await ask(clinic, there["reference"])
    assert (read["name"], read["partOf"]["reference"]) == (
        "Quiet room",
        f"Location/{clinic.location_id}",
    )
    assert read["physicalType"]["coding"][0]["code"] == "ro"
    for name in ("location", "actor"):
        by_room = await ask(clinic, "Appointment", **{name: there["reference"]})
        assert [each["id"] for each in resources(by_room)] == [visit["appointment_id"]]


@pytest.mark.parametrize("by_form", [False, True])
@pytest.mark.parametrize("why", ["not_understood", "another_modifier", "beyond_reach"])
async def test_a_search_that_is_refused_is_never_noted_as_one_that_was_answered(
    clinic: Clinic, why: str, *, by_form: bool
) -> None:
    """A patient whose visits nobody was shown is in no entry of the audit log that says so."""
    series = await clinic.series()
    subject = f"asks-{uuid4().hex[:8]}"
    path, asked, status = {
        "not_understood": ("Appointment", {"status": "perhaps"}, 400),
        "another_modifier": ("Appointment", {"status:not": "booked"}, 400),
        "beyond_reach": ("Slot", {"schedule_id": clinic.chair_id}, 403),
    }[why]
    asked["patient"] = series["patient_id"]
    at = [str(uuid4())] if why == "beyond_reach" else None
    clinic.headers = bearer(*Role, subject=subject, at=at)
    if by_form:
        await post(clinic, path, asked, expects=status)
    else:
        answer = await clinic.client.get(f"/fhir/{path}", params=asked, headers=clinic.headers)
        assert answer.status_code == status
    noted = await clinic.rows(
        "SELECT action, outcome, patient_id FROM audit_log WHERE actor = :who", who=subject
    )
    assert {tuple(each) for each in noted} <= {("read", "refused", None)}
