"""Visits of people who are on file here already are imported as theirs, once somebody says so."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.scheduling.conftest import NOON, PATIENT, Clinic, every
from tests.scheduling.imported import (
    Row,
    elsewhere,
    finish,
    look,
    person,
    problems,
    put_on_file,
    sheet,
    source_of,
    tally,
    visit,
    wish_for,
)
from tests.scheduling.test_people import newcomer

__all__ = ["elsewhere"]


def series_of(clinic: Clinic) -> list[Row]:
    return [visit(clinic, n, at) for n, at in enumerate(every(3, 6, NOON))]


async def visits_of(clinic: Clinic) -> list[dict[str, Any]]:
    return list((await clinic.get("/appointments", location_id=clinic.location_id))["items"])


async def test_visits_of_a_patient_on_file_are_imported_as_that_patients(
    elsewhere: Clinic,
) -> None:
    patient_id = await elsewhere.patient()
    content, same = sheet(series_of(elsewhere)), {"p1": patient_id}
    found = await look(elsewhere, "appointments", content)
    assert {rule for _, _, rule in await problems(elsewhere, found)} >= {"patient_missing"}
    found = await look(elsewhere, "appointments", content, same_people=same)
    assert tally(found) == {"ready": 6}
    assert await visits_of(elsewhere) == [], "a dry run puts nothing on file"
    assert await elsewhere.rows("SELECT 1 FROM imported WHERE object_id = :id", id=patient_id) == []
    done = await put_on_file(elsewhere, found)
    assert (done["state"], tally(done)) == ("applied", {"applied": 6})
    booked = await visits_of(elsewhere)
    assert [each["patient_id"] for each in booked] == [patient_id] * 6
    for people in ({}, same):
        again = await look(elsewhere, "appointments", content, same_people=people)
        assert tally(again) == {"known": 6}, "a second run doubles nothing"
        await put_on_file(elsewhere, again)
    assert len(await visits_of(elsewhere)) == 6


async def test_a_patient_of_a_file_who_is_on_file_is_linked_and_stays_as_is_here(
    elsewhere: Clinic,
) -> None:
    wish = newcomer()
    patient_id = (await elsewhere.post("/patients", wish))["patient_id"]
    content = sheet([person(1, last_name=wish["last_name"], phone="+12025550199"), person(2)])
    found = await look(elsewhere, "patients", content, same_people={"p1": patient_id})
    assert tally(found) == {"ready": 2}
    assert tally(await put_on_file(elsewhere, found)) == {"applied": 2}
    assert (await elsewhere.get(f"/patients/{patient_id}"))["phone"] == PATIENT["phone"]
    named = f"urn:practice:source:{source_of(elsewhere)}|p1"
    [entry] = (await elsewhere.get("/fhir/Patient", identifier=named))["entry"]
    assert entry["resource"]["id"] == patient_id
    found = await look(elsewhere, "appointments", sheet(series_of(elsewhere)))
    assert tally(found) == {"ready": 6}, "and whoever imports visits later names nobody again"
    again = await look(elsewhere, "patients", content, same_people={"p1": patient_id})
    assert tally(again) == {"known": 2}


async def test_who_is_said_to_be_somebody_else_is_told_by_row(elsewhere: Clinic) -> None:
    one, other = newcomer(), newcomer()
    patient_id = (await elsewhere.post("/patients", one))["patient_id"]
    other_id = (await elsewhere.post("/patients", other))["patient_id"]
    rows = [person(n, last_name=one["last_name"]) for n in (1, 2, 3)]
    same = {"p1": other_id, "p2": str(uuid4()), "p3": patient_id}
    found = await look(elsewhere, "patients", sheet(rows), same_people=same)
    assert await problems(elsewhere, found) == [
        (2, "source_id", "not_that_patient"),
        (3, "source_id", "unknown_patient"),
    ]
    assert tally(found) == {"ready": 1, "wrong": 2}
    await put_on_file(elsewhere, found, skip_wrong=True)
    found = await look(elsewhere, "patients", sheet(rows[2:]), same_people={"p3": other_id})
    assert await problems(elsewhere, found) == [(2, "source_id", "imported_as_another")]
    rows = [each | {"patient_source_id": "p3"} for each in series_of(elsewhere)]
    found = await look(elsewhere, "appointments", sheet(rows), same_people={"p3": other_id})
    assert (2, "patient_source_id", "imported_as_another") in await problems(elsewhere, found)


async def test_a_file_that_was_merged_since_the_dry_run_is_not_linked(elsewhere: Clinic) -> None:
    wish = newcomer() | {"same_name_is_another_person": True}
    one, other = [(await elsewhere.post("/patients", wish))["patient_id"] for _ in range(2)]
    content = sheet(series_of(elsewhere))
    found = await look(elsewhere, "appointments", content, same_people={"p1": one})
    merge = {"into_patient_id": other, "reason": "One person."}
    await elsewhere.post(f"/patients/{one}/merge", merge)
    done = await put_on_file(elsewhere, found)
    assert (done["state"], tally(done)) == ("not_applied", {"wrong": 6})
    assert (2, "patient_source_id", "file_merged") in await problems(elsewhere, done)


async def test_whoever_names_people_of_a_file_names_those_of_it_and_each_once(
    elsewhere: Clinic,
) -> None:
    patient_id = await elsewhere.patient()
    wish = wish_for(elsewhere, "patients", sheet([person(1)]))
    same = [{"source_id": "p1", "patient_id": patient_id}]
    typo = wish | {"same_people": [*same, {"source_id": "p11", "patient_id": patient_id}]}
    assert await elsewhere.refused("/imports", typo) == [
        ("unknown_source_id", "same_people.1.source_id")
    ]
    for twice in (
        wish | {"same_people": same * 2},
        wish | {"same_people": same, "other_people": ["p1"]},
    ):
        answer = await elsewhere.send("/imports", twice)
        assert answer.status_code == 422
        assert answer.json()["violations"][0]["rule"] == "said_twice"


async def test_a_file_of_which_no_row_is_right_is_not_told_as_applied(elsewhere: Clinic) -> None:
    found = await look(elsewhere, "appointments", sheet(series_of(elsewhere)))
    assert tally(found) == {"wrong": 6}
    path = f"/imports/{found['import_id']}"
    for skip_wrong in (False, True):
        wrong = await elsewhere.refused(f"{path}/apply", {"skip_wrong": skip_wrong})
        assert wrong == [("nothing_right", "import_id")]
    await finish(elsewhere)
    assert (await elsewhere.get(path))["state"] == "checked"
