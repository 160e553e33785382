"""One person is on file once: who looks like somebody is put on file by an explicit word only."""

from __future__ import annotations

import asyncio
import base64
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.events import on
from services.scheduling.forms.wishes import RegisterPatient
from services.scheduling.handlers.patients import intake
from services.scheduling.rules.patients.intake import person_said
from services.scheduling.work import KeepFingerprints
from shared.clock import FixedClock
from shared.messaging import UnitOfWork
from shared.vault import Vault
from tests.scheduling.conftest import PATIENT, VAULT_KEYS, Clinic
from tests.scheduling.imported import (
    FHIR_PATIENT,
    bring,
    bundle,
    elsewhere,
    look,
    person,
    problems,
    put_on_file,
    sheet,
    tally,
)

__all__ = ["elsewhere"]

OLDER_KEYS = "k0:" + base64.b64encode(b"0" * 32).decode()
BORN = date.fromisoformat(PATIENT["birth_date"])
ANOTHER = "same_name_is_another_person"


def newcomer(**fields: Any) -> dict[str, Any]:
    """Somebody whom no other test has registered."""
    return PATIENT | {"last_name": f"Canary{uuid4().hex[:8]}"} | fields


async def told(clinic: Clinic, wish: dict[str, Any]) -> str:
    answer = await clinic.send("/patients", wish)
    assert answer.status_code == 409, answer.text
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("looks_like_patient", ANOTHER)
    return str(violation["detail"])


async def test_who_is_on_file_already_is_named_and_not_registered_again(clinic: Clinic) -> None:
    wish = newcomer()
    on_file = await clinic.post("/patients", wish)
    again = wish | {"phone": "+12025550123", "email": "testa@example.test"}
    assert on_file["patient_id"] in await told(clinic, again)
    twin = await clinic.post("/patients", again | {ANOTHER: True})
    assert twin["patient_id"] != on_file["patient_id"]
    third = await told(clinic, wish)
    assert on_file["patient_id"] in third
    assert twin["patient_id"] in third


@pytest.mark.parametrize(
    ("first_name", "last_name"),
    [("testa", "O'Néill-Canary"), ("TESTA ", "ONEILL CANARY"), ("Te-sta", "o\u2019neill canary")],
)
def test_a_name_is_the_same_however_it_is_written(first_name: str, last_name: str) -> None:
    as_registered = person_said("Testa", "O'Neill Canary", BORN)
    assert person_said(first_name, last_name, BORN) == as_registered


@pytest.mark.parametrize(
    "other", [{"birth_date": "1980-03-01"}, {"first_name": "Testina"}, {"last_name": "Finch"}]
)
async def test_a_daughter_or_a_namesake_of_another_age_is_another_person(
    clinic: Clinic, other: dict[str, str]
) -> None:
    wish = newcomer()
    await clinic.post("/patients", wish)
    if "last_name" in other:
        other = {"last_name": f"Finch{uuid4().hex[:8]}"}
    await clinic.post("/patients", wish | other)


async def test_a_patient_whose_name_is_corrected_is_found_by_the_new_one(clinic: Clinic) -> None:
    before, after = newcomer(), newcomer()
    patient_id = (await clinic.post("/patients", before))["patient_id"]
    change = {"last_name": after["last_name"]}
    await clinic.post(f"/patients/{patient_id}", change, method="PATCH")
    assert patient_id in await told(clinic, after)
    await clinic.post("/patients", before)


async def test_who_is_corrected_to_be_like_somebody_on_file_takes_a_word_too(
    clinic: Clinic,
) -> None:
    known, typed = newcomer(), newcomer(birth_date="1980-02-28")
    on_file = (await clinic.post("/patients", known))["patient_id"]
    path = f"/patients/{(await clinic.post('/patients', typed))['patient_id']}"
    await clinic.post(path, {"last_name": known["last_name"]}, method="PATCH")
    born = {"birth_date": known["birth_date"]}
    answer = await clinic.send(path, born, method="PATCH")
    assert answer.status_code == 409, answer.text
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("looks_like_patient", ANOTHER)
    assert on_file in violation["detail"]
    card = await clinic.get(path)
    assert card["birth_date"] == typed["birth_date"]
    await clinic.post(path, born | {ANOTHER: True}, method="PATCH")
    await clinic.post(path, {"phone": "+12025550123", "first_name": "TESTA"}, method="PATCH")


async def test_of_two_who_are_corrected_to_be_one_person_at_once_one_is(clinic: Clinic) -> None:
    like = {"last_name": newcomer()["last_name"]}
    paths = [
        f"/patients/{(await clinic.post('/patients', newcomer()))['patient_id']}" for _ in range(6)
    ]
    answers = await asyncio.gather(*(clinic.send(path, like, method="PATCH") for path in paths))
    assert sorted(each.status_code for each in answers) == [200] + [409] * 5


async def test_of_ten_desks_that_register_one_person_at_once_one_does(clinic: Clinic) -> None:
    wish = newcomer()
    answers = await asyncio.gather(*(clinic.send("/patients", wish) for _ in range(10)))
    assert sorted(each.status_code for each in answers) == [201] + [409] * 9


async def test_an_imported_person_who_is_on_file_takes_a_word_too(elsewhere: Clinic) -> None:
    wish = newcomer()
    on_file = await elsewhere.post("/patients", wish)
    content = sheet([person(1, last_name=wish["last_name"]), person(2)])
    found = await look(elsewhere, "patients", content, other_people=["p2"])
    assert await problems(elsewhere, found) == [(2, "source_id", "looks_like_patient")]
    listed = (await elsewhere.get(f"/imports/{found['import_id']}/problems"))["items"]
    assert on_file["patient_id"] in listed[0]["problems"][0]["detail"]
    found = await look(elsewhere, "patients", content)
    await put_on_file(elsewhere, found)
    found = await elsewhere.get(f"/imports/{found['import_id']}")
    assert tally(found) == {"applied": 2}
    found = await look(elsewhere, "patients", content, other_people=[])
    assert tally(found) == {"known": 2}


async def test_a_person_of_a_bundle_who_is_on_file_takes_a_word_too(elsewhere: Clinic) -> None:
    wish = newcomer()
    await elsewhere.post("/patients", wish)
    named = [{"family": wish["last_name"], "given": ["Testa"]}]
    content = bundle(FHIR_PATIENT | {"name": named})
    found = await look(elsewhere, "fhir_bundle", content, other_people=[])
    assert await problems(elsewhere, found) == [(1, "source_id", "looks_like_patient")]
    assert tally(await bring(elsewhere, "fhir_bundle", content)) == {"applied": 1}


async def test_who_was_registered_since_the_dry_run_is_found_when_it_is_applied(
    elsewhere: Clinic,
) -> None:
    wish = newcomer()
    content = sheet([person(1, last_name=wish["last_name"])])
    found = await look(elsewhere, "patients", content, other_people=[])
    assert tally(found) == {"ready": 1}
    await elsewhere.post("/patients", wish)
    await put_on_file(elsewhere, found)
    assert await problems(elsewhere, found) == [(2, "source_id", "looks_like_patient")]


async def look_through(engine: AsyncEngine, clock: FixedClock, keys: str) -> None:
    """The hourly round, for as long as it leaves more to be done."""
    async with UnitOfWork(engine, clock, on, vault=Vault(keys)).transaction() as tx:
        await intake.keep_fingerprints(KeepFingerprints(), tx)


async def mark_of(clinic: Clinic, patient_id: str) -> bytes | None:
    [row] = await clinic.rows(
        "SELECT person FROM patients WHERE patient_id = CAST(:id AS uuid)", id=patient_id
    )
    return None if row.person is None else bytes(row.person)


async def test_a_patient_of_before_gets_a_fingerprint_by_itself(
    clinic: Clinic, engine: AsyncEngine, clock: FixedClock
) -> None:
    wish = newcomer()
    patient_id = (await clinic.post("/patients", wish))["patient_id"]
    kept = await mark_of(clinic, patient_id)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE patients SET person = NULL")
    while await mark_of(clinic, patient_id) is None:
        await look_through(engine, clock, VAULT_KEYS)
    assert await mark_of(clinic, patient_id) == kept
    await told(clinic, wish)


async def test_who_was_kept_under_an_older_key_is_found_and_brought_under_the_newest(
    clinic: Clinic, engine: AsyncEngine, clock: FixedClock
) -> None:
    """Between two keys both are configured, the newest first."""
    wish = newcomer()
    patient_id = (await clinic.post("/patients", wish))["patient_id"]
    kept = await mark_of(clinic, patient_id)
    older = Vault(OLDER_KEYS).fingerprints(
        person_said(wish["first_name"], wish["last_name"], BORN),
        purpose="one person is on file once",
    )[0]
    assert older != kept
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE patients SET person = $1 WHERE patient_id = $2", (older, patient_id)
        )
    both = f"{VAULT_KEYS},{OLDER_KEYS}"
    async with UnitOfWork(engine, clock, on, vault=Vault(both)).transaction() as tx:
        alike = await intake.broken_by_intake(RegisterPatient(**wish), tx)
    assert [each.rule for each in alike] == ["looks_like_patient"]
    await look_through(engine, clock, both)
    assert await mark_of(clinic, patient_id) == kept


async def test_a_fingerprint_is_in_no_answer_and_no_event(clinic: Clinic) -> None:
    patient_id = (await clinic.post("/patients", newcomer()))["patient_id"]
    mark = await mark_of(clinic, patient_id)
    assert mark is not None
    secret = mark.removeprefix(Vault(VAULT_KEYS).mark)
    assert len(secret) == 32
    said = repr(await clinic.said(patient_id))
    for path in (f"/patients/{patient_id}", f"/fhir/Patient/{patient_id}"):
        answer = await clinic.client.get(path, headers=clinic.headers)
        said += answer.text
    for written in (secret.hex(), base64.b64encode(secret).decode(), repr(secret)[2:-1]):
        assert written not in said
