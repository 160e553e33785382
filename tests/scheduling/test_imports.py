"""What a clinic has on file elsewhere comes in: looked at first, row by row, and only once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.rules.imports.files import read_file
from services.scheduling.rules.imports.layout import Kind, Record
from shared.refusals import Broken
from tests.scheduling.conftest import (
    NOW,
    Clinic,
)
from tests.scheduling.imported import (
    bring,
    elsewhere,
    finish,
    look,
    patients_on_file,
    person,
    problems,
    put_on_file,
    sheet,
    source_of,
    tally,
    visit,
)

__all__ = ["elsewhere"]


async def test_a_dry_run_puts_nothing_on_file(elsewhere: Clinic) -> None:
    before = await patients_on_file(elsewhere)
    found = await look(elsewhere, "patients", sheet([person(1), person(2)]))
    assert (found["state"], found["total"], tally(found)) == ("checked", 2, {"ready": 2})
    assert await patients_on_file(elsewhere) == before


async def test_patients_come_in_as_if_the_front_desk_had_registered_them(
    elsewhere: Clinic,
) -> None:
    rows = [person(1, phone="(202) 555-0147", concerns="heart_disease")]
    found = await bring(elsewhere, "patients", sheet(rows))
    assert (found["state"], tally(found)) == ("applied", {"applied": 1})
    [row] = await elsewhere.rows("SELECT patient_id FROM patients ORDER BY patient_id DESC LIMIT 1")
    card = await elsewhere.get(f"/patients/{row.patient_id}")
    assert (card["first_name"], card["phone"]) == ("Testa", "+12025550147")
    assert card["held"]
    assert card["concerns"] == ["heart_disease"]
    assert await elsewhere.kinds_said(str(row.patient_id)) == ["PatientRegistered", "PatientHeld"]


async def test_the_same_file_again_brings_nothing_new(elsewhere: Clinic) -> None:
    content = sheet([person(n) for n in range(1, 4)])
    await bring(elsewhere, "patients", content)
    before = await patients_on_file(elsewhere)
    again = await bring(elsewhere, "patients", content)
    assert tally(again) == {"known": 3}
    more = await bring(elsewhere, "patients", sheet([person(n) for n in range(1, 5)]))
    assert tally(more) == {"known": 3, "applied": 1}
    assert await patients_on_file(elsewhere) == before + 1


async def test_two_dry_runs_of_one_file_are_applied_once(elsewhere: Clinic) -> None:
    content = sheet([person(1)])
    one, two = [await look(elsewhere, "patients", content) for _ in range(2)]
    for found in (one, two, one):
        await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
        await finish(elsewhere)
    states = [await elsewhere.get(f"/imports/{each['import_id']}") for each in (one, two)]
    assert [tally(each) for each in states] == [{"applied": 1}, {"known": 1}]


async def test_a_large_file_comes_in_batch_by_batch(elsewhere: Clinic) -> None:
    found = await bring(elsewhere, "patients", sheet([person(n) for n in range(1, 251)]))
    assert tally(found) == {"applied": 250}
    [row] = await elsewhere.rows(
        "SELECT count(DISTINCT batch_no) AS n FROM import_rows WHERE import_id = CAST(:id AS uuid)",
        id=found["import_id"],
    )
    assert row.n == 3


async def test_what_is_wrong_is_told_by_line_and_column_and_never_quoted(
    elsewhere: Clinic,
) -> None:
    rows = [
        person(1),
        person(2, birth_date="29/02/1980", state="Virginia"),
        person(3, phone="call Testa", email=""),
        person(4, birth_date="2126-01-01"),
        person(1),
        person(5, concerns="afraid of needles"),
        person(6, last_name="C" * 31),
    ]
    found = await look(elsewhere, "patients", sheet(rows))
    assert tally(found) == {"ready": 1, "wrong": 6}
    assert await problems(elsewhere, found) == [
        (3, "birth_date", "import_column"),
        (3, "state", "import_column"),
        (4, "phone", "import_column"),
        (4, "email", "import_column"),
        (5, "birth_date", "birth_date"),
        (6, "source_id", "source_id_twice"),
        (7, "concerns", "import_column"),
        (8, "last_name", "import_column"),
    ]
    listed = await elsewhere.get(f"/imports/{found['import_id']}/problems")
    told = json.dumps(listed)
    for secret in ("Virginia", "Testa", "29/02", "needles", "CCC"):
        assert secret not in told
    assert "the two letters that the post has for a state, such as VA" in told
    assert "The email is missing" in told


async def test_a_file_with_wrong_rows_is_applied_only_if_somebody_says_so(
    elsewhere: Clinic,
) -> None:
    found = await look(elsewhere, "patients", sheet([person(1), person(2, state="?")]))
    path = f"/imports/{found['import_id']}/apply"
    assert await elsewhere.refused(path, {}) == [("rows_wrong", "import_id")]
    await elsewhere.post(path, {"skip_wrong": True})
    await finish(elsewhere)
    found = await elsewhere.get(f"/imports/{found['import_id']}")
    assert (found["state"], tally(found)) == ("applied", {"applied": 1, "wrong": 1})


async def test_a_file_that_is_still_being_checked_is_not_applied(elsewhere: Clinic) -> None:
    wish = {
        "kind": "patients",
        "source": source_of(elsewhere),
        "location_id": elsewhere.location_id,
        "content": sheet([person(1)]),
        "other_people": ["p1"],
    }
    opened = await elsewhere.post("/imports", wish)
    assert tally(opened) == {"waiting": 1}
    refused = await elsewhere.refused(f"/imports/{opened['import_id']}/apply", {})
    assert refused == [("import_state", "import_id")]
    await finish(elsewhere)


@pytest.mark.parametrize(
    ("kind", "content", "rule"),
    [
        ("patients", "first_name,last_name\nTesta,Canary\n", "csv_columns"),
        ("patients", ",".join(person(1)) + "\n", "import_size"),
        ("patients", '"unclosed', "csv_unreadable"),
        ("fhir_bundle", "{", "json_unreadable"),
        ("fhir_bundle", "[" * 100_000, "json_unreadable"),
        ("fhir_bundle", '{"resourceType": "Bundle"}', "import_size"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_with_a_reason(
    elsewhere: Clinic, kind: str, content: str, rule: str
) -> None:
    wish = {
        "kind": kind,
        "source": "old",
        "location_id": elsewhere.location_id,
        "content": content,
    }
    [(told, _)] = await elsewhere.refused("/imports", wish)
    assert told == rule


async def test_nothing_of_a_file_stands_in_clear_and_its_text_is_forgotten_when_applied(
    elsewhere: Clinic,
) -> None:
    rows = [person(1, source_id="MRN-XYZW")]
    found = await look(elsewhere, "patients", sheet(rows), other_people=["MRN-XYZW"])
    query = (
        "SELECT to_jsonb(r)::text AS stored FROM import_rows r WHERE import_id = CAST(:id AS uuid)"
    )
    [row] = await elsewhere.rows(query, id=found["import_id"])
    for secret in ("Canary", "MRN", "XYZW", "5550147"):
        assert secret not in row.stored
    await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
    await finish(elsewhere)
    [row] = await elsewhere.rows(
        "SELECT content FROM import_rows WHERE import_id = CAST(:id AS uuid)", id=found["import_id"]
    )
    assert row.content is None


async def test_a_file_that_nobody_applies_is_forgotten(elsewhere: Clinic) -> None:
    found = await look(elsewhere, "patients", sheet([person(1)]))
    elsewhere.clock.step_to(NOW + timedelta(days=7))
    await finish(elsewhere)
    lapsed = await elsewhere.get(f"/imports/{found['import_id']}")
    assert lapsed["state"] == "lapsed"
    [row] = await elsewhere.rows(
        "SELECT content FROM import_rows WHERE import_id = CAST(:id AS uuid)", id=found["import_id"]
    )
    assert row.content is None
    refused = await elsewhere.refused(f"/imports/{found['import_id']}/apply", {})
    assert refused == [("import_state", "import_id")]


async def test_times_that_were_read_by_the_old_zone_are_not_put_on_file_after_it_is_corrected(
    elsewhere: Clinic,
) -> None:
    people = sheet([person(1)])
    await bring(elsewhere, "patients", people)
    waits = await look(elsewhere, "patients", sheet([person(2)]))
    content = sheet([visit(elsewhere, 1, "2026-10-12 12:00")])
    found = await look(elsewhere, "appointments", content)
    assert tally(found) == {"ready": 1}
    west = {"zone": "America/Los_Angeles"}
    await elsewhere.post(f"/locations/{elsewhere.location_id}", west, method="PATCH")
    apply = f"/imports/{found['import_id']}/apply"
    assert await elsewhere.refused(apply, {}) == [("import_state", "import_id")]
    await bring(elsewhere, "appointments", content)
    assert tally(await put_on_file(elsewhere, waits)) == {"applied": 1}, "people have no hours"
    [row] = await elsewhere.rows(
        "SELECT starts_at FROM appointments WHERE location_id = CAST(:id AS uuid)",
        id=elsewhere.location_id,
    )
    assert row.starts_at.isoformat() == "2026-10-12T19:00:00+00:00", "noon in Los Angeles"


async def test_an_import_that_is_not_on_record_is_told(elsewhere: Clinic) -> None:
    for path in (f"/imports/{uuid4()}", f"/imports/{uuid4()}/problems"):
        answer = await elsewhere.client.get(path, headers=elsewhere.headers)
        assert answer.status_code == 404
    answer = await elsewhere.send(f"/imports/{uuid4()}/apply", {})
    assert answer.status_code == 404


@given(content=st.text(max_size=200), kind=st.sampled_from(Kind))
def test_any_text_is_read_or_refused_and_never_trips_the_reader(content: str, kind: Kind) -> None:
    found = read_file(kind, content)
    assert isinstance(found, Broken) or all(isinstance(each, Record) for each in found)


NAMES = (
    *("entry", "resource", "resourceType", "name", "given", "address", "line", "telecom"),
    *("participant", "actor", "reference", "identifier", "status", "serviceType", "coding"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES), inner | st.sampled_from(["Patient", "Appointment"]), max_size=5
        )
    ),
    max_leaves=30,
)


@given(entry=JSON)
def test_no_shape_of_a_bundle_trips_the_reader(entry: Any) -> None:
    content = json.dumps({"entry": [{"resource": entry}, entry]})
    found = read_file(Kind.FHIR_BUNDLE, content)
    assert isinstance(found, Broken) or all(isinstance(each, Record) for each in found)
