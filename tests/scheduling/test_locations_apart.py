"""Who works at one location neither reads nor changes what is of another; patients are everybody's.

Every route of the API's document is gone through: one that names a thing of a location, or lists
such things, and does not ask where its caller works, fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from services.scheduling.app import build
from services.scheduling.store.reach import REACH
from shared.auth import Role
from shared.http.reach import OTHER_LOCATION
from tests.scheduling.conftest import LOCATION, NOON, SECRET, VAULT_KEYS, Clinic, bearer, every
from tests.scheduling.imported import look, person, sheet
from tests.scheduling.named_ids import named_ids
from tests.scheduling.test_adverse_events import FALL
from tests.scheduling.test_gap_risks import live_until
from tests.scheduling.test_overrides import sign
from tests.scheduling.test_self_booking import make
from tests.scheduling.test_waitlist import free_one, lacking, movers, offers

OF_NO_LOCATION = {
    *("patient_id", "into_patient_id", "consent_id", "outcome_id", "review_id"),
    *("clinician_id", "prescriber_id", "practitioner_id", "led_by", "ordered_by"),
}
"""A patient's, wherever it was recorded, and clinicians: they are where they are needed."""

SHARED_LISTS = {
    "/visit-types",
    "/house-figures",
    "/signing-rules",
    "/chart-words",
    "/fhir/Patient",
    "/fhir/Patient/_search",
}
"""What holds in the whole practice, or is a patient's: these name nothing of a location."""

PATIENTS_LISTS = {"/reviews"}
"""What waits for a person about a patient is everybody's, though it names where it was found."""

HOUR = timedelta(hours=1)


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            if "x-roles" in operation:
                yield method.upper(), path, operation


async def furnish(clinic: Clinic) -> dict[str, str]:
    """One thing of the clinic's location for every name by which a request may name it."""
    await clinic.opens()
    place = f"/locations/{clinic.location_id}"
    room = await clinic.post(f"{place}/rooms", {"name": "Room 1"})
    hours = await clinic.opens(visit_type="preparation", effective_from="2027-01-01")
    hold = {
        name: value
        for name, value in clinic.wish(
            await clinic.patient(), every(3, 6, NOON + 4 * HOUR), chair_id=await clinic.chair()
        ).items()
        if name not in {"prescriber_id", "diagnoses"}
    }
    held = await clinic.post("/holds", hold)
    length = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await clinic.send("/visit-types/preparation/figures", length)  # once for all tests of a module
    link = await make(clinic)
    imported = await look(clinic, "patients", sheet([person(1)]))
    late = await lacking(clinic, NOON + 2 * HOUR, 4, 2)  # from the 7th to the 15th is too long
    booked = await clinic.series(every(3, 6))
    [wish] = await movers(clinic, 1)
    await free_one(clinic, booked, 1)
    [offer] = await offers(clinic)
    replan = await clinic.post(f"/series/{booked['series_id']}/replans", {})
    override = await sign(clinic, booked, rule="series_size", infusions=1)
    drip = (await clinic.series(chair_id=await clinic.chair()))["appointments"][0]
    await clinic.check_in(drip)
    started = await clinic.start(drip)
    note = await clinic.step(drip, "adverse-events", FALL)
    await clinic.step(drip, "complete")
    await clinic.give(drip, drawn_ug=40_000)
    await clinic.infuse(late["appointments"][0])
    await clinic.discharge(late["appointments"][0])
    closed = {"first_on": "2026-10-22", "last_on": "2026-10-22", "reason": "Made up"}
    closure = await clinic.post(f"{place}/closures", closed)
    await live_until(clinic, datetime(2026, 10, 12, 12, tzinfo=UTC))
    return {
        "location_id": clinic.location_id,
        "location-reference": f"Location/{clinic.location_id}",
        "chair_id": clinic.chair_id,
        "schedule_id": clinic.chair_id,
        "room_id": room["room_id"],
        "appointment_id": drip["appointment_id"],
        "slot_id": drip["appointment_id"],
        "infusion_id": started["infusion_id"],
        "series_id": booked["series_id"],
        "hold_id": held["hold_id"],
        "instead_of": held["hold_id"],
        "replan_id": replan["replan_id"],
        "override_id": override["override_id"],
        "note_id": note["note_id"],
        "wish_id": wish["wish_id"],
        "offer_id": offer["offer_id"],
        "closure_id": closure["closure_id"],
        "id": hours["hours_id"],
        "link_id": link["link_id"],
        "import_id": imported["import_id"],
    }


async def another_location(clinic: Clinic) -> str:
    return str((await clinic.post("/locations", LOCATION))["location_id"])


def test_every_name_in_the_document_has_a_place_or_is_known_to_have_none(app: FastAPI) -> None:
    document = app.openapi()
    named = {
        name for _, _, operation in operations(app) for _, name in named_ids(document, operation)
    }
    assert named - OF_NO_LOCATION <= set(REACH.places)
    assert set(REACH.places) - named == {"room_id"}  # a room is chosen for who books, so far
    assert named >= OF_NO_LOCATION


def test_the_service_is_built_with_these_places(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "PRACTICE_ENV": "development",
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PRACTICE_VAULT_KEYS": VAULT_KEYS,
        "PRACTICE_TOKEN_SECRET": SECRET,
        "SCHEDULING_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/none",
        "SCHEDULING_HTTP_PORT": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert build().state["reach"] is REACH


async def test_every_route_refuses_what_it_names_of_another_location(
    clinic: Clinic, app: FastAPI
) -> None:
    things = await furnish(clinic)
    assert set(things) == set(REACH.places)
    elsewhere = await another_location(clinic)
    clinic.headers = bearer(*Role, at=[elsewhere])
    let_through, tried = [], 0
    for method, template, operation in operations(app):
        for where, name in named_ids(app.openapi(), operation):
            if name in OF_NO_LOCATION:
                continue
            path = template
            for other in operation.get("parameters", ()):
                given = things[name] if (where, name) == ("path", other["name"]) else str(uuid4())
                path = path.replace(f"{{{other['name']}}}", given)
            if where == "query":
                path += f"?{name}={things[name]}"
            body = {"any": [{name: things[name]}]} if where == "body" else {}
            answer = await clinic.send(path, body, method=method)
            tried += 1
            if answer.status_code != 403 or OTHER_LOCATION not in answer.text:
                let_through.append((method, template, where, name, answer.status_code))
    assert let_through == []
    assert tried > 80


async def test_lists_show_what_is_of_the_locations_where_who_reads_works(
    clinic: Clinic, app: FastAPI
) -> None:
    things = await furnish(clinic)
    elsewhere = await another_location(clinic)
    of_the_clinic = {things[name].removeprefix("Location/") for name in things}
    chair = {"actor": f"Location/{clinic.chair_id}"}
    asked = {"/fhir/Schedule": chair, "/fhir/Schedule/_search": chair}
    lists = [
        (method, path)
        for method, path, operation in operations(app)
        if (method == "GET" or path.endswith("/_search"))
        and "{" not in path
        and path != "/fhir/Appointment/$find"  # it names its location
    ]
    shown: dict[tuple[str, str], bool] = {}
    for who, at in {"here": [clinic.location_id, elsewhere], "elsewhere": [elsewhere]}.items():
        clinic.headers = bearer(*Role, at=at)
        for method, path in lists:
            by = {"GET": "params", "POST": "data"}[method]
            answer = await clinic.client.request(
                method, path, headers=clinic.headers, **{by: asked.get(path, {})}
            )
            assert answer.is_success, answer.text
            said = re.sub(r"actor=[^\"&]*", "", answer.text)  # the self link says what was asked
            shown[path, who] = any(each in said for each in of_the_clinic)
    silent = {path for path, who in shown if who == "here" and not shown[path, who]}
    assert silent == SHARED_LISTS
    told = {path for path, who in shown if who == "elsewhere" and shown[path, who]}
    assert told == PATIENTS_LISTS


async def test_a_chair_and_a_room_are_of_their_location_in_fhir_too(clinic: Clinic) -> None:
    room = await clinic.post(f"/locations/{clinic.location_id}/rooms", {"name": "Room 1"})
    clinic.headers = bearer(*Role, at=[await another_location(clinic)])
    for thing in (clinic.location_id, clinic.chair_id, room["room_id"]):
        answer = await clinic.send(f"/fhir/Location/{thing}", None, method="GET")
        assert answer.status_code == 403
        assert OTHER_LOCATION in answer.text


async def test_a_count_counts_no_visit_of_another_location(clinic: Clinic) -> None:
    series = await clinic.series()
    asked = {"patient": series["patient_id"], "_summary": "count"}
    assert (await clinic.get("/fhir/Appointment", **asked))["total"] == 6
    clinic.headers = bearer(*Role, at=[await another_location(clinic)])
    assert (await clinic.get("/fhir/Appointment", **asked))["total"] == 0


async def test_who_works_at_the_location_treats_there_as_anybody_does(clinic: Clinic) -> None:
    clinic.headers = bearer(*Role, subject=clinic.subject, at=[clinic.location_id])
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    discharged = await clinic.discharge(visit)
    assert discharged["state"] == "discharged"


async def test_a_patient_is_read_at_every_location_and_who_reads_is_noted(clinic: Clinic) -> None:
    series = await clinic.series()
    patient = f"/patients/{series['patient_id']}"
    clinic.headers = bearer(*Role, subject="far-away", at=[await another_location(clinic)])
    for of in ("", "/screening", "/consents", "/missed-visits", "/outcomes"):
        await clinic.get(patient + of)
    noted = await clinic.rows(
        "SELECT action, outcome FROM audit_log WHERE actor = 'far-away' AND patient_id = :id",
        id=series["patient_id"],
    )
    assert [tuple(each) for each in noted] == [("read", "ok")] * 5


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_asked_beyond_reach_is_noted_as_refused(clinic: Clinic, method: str) -> None:
    visit = (await clinic.series())["appointments"][0]["appointment_id"]
    subject = f"far-{uuid4()}"
    clinic.headers = bearer(*Role, subject=subject, at=[await another_location(clinic)])
    path = {"GET": f"/appointments/{visit}/chart", "POST": f"/appointments/{visit}/cancel"}[method]
    answer = await clinic.send(path, {"reason": "patient_asked"}, method=method)
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("other_location", "appointment_id")
    assert violation["source"] == "the locations that your sign-in names"
    [row] = await clinic.rows(
        "SELECT action, outcome, entity_id, details FROM audit_log WHERE actor = :who",
        who=subject,
    )
    action = {"GET": "read", "POST": "write"}[method]
    assert tuple(row) == (action, "refused", visit, {"code": "other_location"})


@pytest.mark.parametrize("written", ["{0}", "urn:uuid:{0}", "{{{0}}}", "HEX", "UPPER"])
async def test_another_way_of_writing_an_id_opens_nothing(clinic: Clinic, written: str) -> None:
    special = {
        "HEX": clinic.location_id.replace("-", ""),
        "UPPER": clinic.location_id.upper(),
    }
    given = special.get(written) or written.format(clinic.location_id)
    wish = clinic.wish(await clinic.patient(), every(3, 6)) | {"location_id": given}
    here = clinic.headers
    clinic.headers = bearer(*Role, at=[await another_location(clinic)])
    answer = await clinic.send("/series", wish)
    assert (answer.status_code, answer.json()["violations"][0]["rule"]) == (403, OTHER_LOCATION)
    clinic.headers = here
    await clinic.post("/series", wish)  # to the form it is the location's id


async def test_who_works_nowhere_reaches_nothing(clinic: Clinic) -> None:
    clinic.headers = bearer(*Role, at=[])
    answer = await clinic.send(f"/locations/{clinic.location_id}/rooms", None, method="GET")
    assert answer.status_code == 403
    assert (await clinic.get("/appointments"))["items"] == []
