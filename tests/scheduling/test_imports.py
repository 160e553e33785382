"""What a clinic has on file elsewhere comes in: looked at first, row by row, and only once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.events import on
from services.scheduling.rules.imports.files import read_file
from services.scheduling.rules.imports.layout import Kind, Record
from shared.messaging import UnitOfWork, duework
from shared.refusals import Broken
from shared.vault import Vault
from tests.scheduling.conftest import (
    ADDRESS,
    CLINICIAN,
    NOON,
    NOW,
    PATIENT,
    VAULT_KEYS,
    Clinic,
    every,
)

Row = dict[str, str]


def sheet(rows: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def person(n: int = 1, **fields: str) -> Row:
    card = {name: text for name, text in PATIENT.items() if name != "address"}
    return {"source_id": f"p{n}"} | card | ADDRESS | {"line2": "", "concerns": ""} | fields


def visit(clinic: Clinic, n: int, at: datetime | str, **fields: str) -> Row:
    return {
        "source_id": f"v{n}",
        "patient_source_id": "p1",
        "visit_type": "ketamine_mood",
        "starts_at": at if isinstance(at, str) else at.isoformat(),
        "chair": "Chair 1",
        "series_source_id": "s1",
        "clinician_npi": CLINICIAN["npi"],
        "diagnoses": "F33.1; F41.1",
    } | fields


@pytest.fixture
async def elsewhere(clinic: Clinic) -> Clinic:
    """A clinic with a Chair 1, and a word of its own for the other system."""
    clinic.chair_id = await clinic.chair(name="Chair 1")
    return clinic


def source_of(clinic: Clinic) -> str:
    """Tests share a database: the ids of each are those of another system."""
    return "old_" + clinic.location_id.replace("-", "")[-12:]


async def finish(clinic: Clinic) -> None:
    """Have all that is due done, as the workers do."""
    unit = UnitOfWork(clinic.engine, clinic.clock, on, vault=Vault(VAULT_KEYS))
    while True:
        async with unit.transaction() as tx:
            kinds = ["CheckImportBatch", "ApplyImportBatch", "ForgetImport"]
            taken = await duework.take(tx.connection, kinds, now=clinic.clock.now(), limit=1)
            for leased in taken:
                handler = on.timers[leased.kind]
                await handler.decide(handler.work(**leased.payload), tx)
        if not taken:
            return


EVERYBODY = [f"p{n}" for n in range(1, 301)]


async def look(
    clinic: Clinic, kind: str, content: str, *, other_people: Sequence[str] = EVERYBODY
) -> Any:
    """The dry run. All whom a test brings have one name, and are different people."""
    wish = {
        "kind": kind,
        "source": source_of(clinic),
        "location_id": clinic.location_id,
        "content": content,
        "other_people": other_people,
    }
    opened = await clinic.post("/imports", wish)
    assert opened["state"] == "checking"
    await finish(clinic)
    return await clinic.get(f"/imports/{opened['import_id']}")


async def bring(clinic: Clinic, kind: str, content: str, **how: object) -> Any:
    """The dry run, and what it found put on file."""
    found = await look(clinic, kind, content)
    await put_on_file(clinic, found, **how)
    return await clinic.get(f"/imports/{found['import_id']}")


async def put_on_file(clinic: Clinic, found: dict[str, Any], **how: object) -> Any:
    await clinic.post(f"/imports/{found['import_id']}/apply", how)
    await finish(clinic)
    return await clinic.get(f"/imports/{found['import_id']}")


def tally(found: dict[str, Any]) -> dict[str, int]:
    states = ("waiting", "ready", "known", "wrong", "applied")
    return {state: found[state] for state in states if found[state]}


async def problems(clinic: Clinic, found: dict[str, Any]) -> list[tuple[int, str, str]]:
    listed = await clinic.get(f"/imports/{found['import_id']}/problems")
    return [
        (row["line"], each["column"], each["rule"])
        for row in listed["items"]
        for each in row["problems"]
    ]


async def advice(clinic: Clinic, found: dict[str, Any]) -> list[tuple[int, str, str]]:
    listed = await clinic.get(f"/imports/{found['import_id']}/advice")
    return [
        (row["line"], each["column"], each["rule"])
        for row in listed["items"]
        for each in row["problems"]
    ]


async def patients_on_file(clinic: Clinic) -> int:
    [row] = await clinic.rows("SELECT count(*) AS n FROM patients")
    return int(row.n)


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
    assert "two capital letters, such as VA" in told
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


async def test_a_series_comes_in_whole_with_its_visits_and_is_heard(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 3))]
    found = await bring(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"applied": 3}
    listed = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    assert [each["starts_at"][:10] for each in listed] == ["2026-10-07", "2026-10-10", "2026-10-13"]
    series = await elsewhere.get(f"/series/{listed[0]['series_id']}")
    assert series["diagnoses"] == ["F33.1", "F41.1"]
    assert series["prescriber_id"]
    kinds = await elsewhere.kinds_said(series["patient_id"])
    assert kinds == ["PatientRegistered", "SeriesBooked", *["AppointmentBooked"] * 3]


async def test_a_gap_that_was_agreed_elsewhere_is_named_in_the_dry_run_and_watched(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    days = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=50)]
    content = sheet([visit(elsewhere, n, at) for n, at in enumerate(days)])
    found = await look(elsewhere, "appointments", content)
    assert tally(found) == {"ready": 3}
    assert await problems(elsewhere, found) == []
    named = [(3, "starts_at", "series_gap"), (4, "starts_at", "series_gap")]
    assert await advice(elsewhere, found) == named
    await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
    await finish(elsewhere)
    assert await advice(elsewhere, found) == named
    await elsewhere.let_fall_due()
    [(looks_again,)] = await elsewhere.rows(
        "SELECT due_at FROM due_work WHERE kind = 'WatchGaps' AND payload->>'series_id' IN"
        " (SELECT series_id::text FROM series WHERE location_id = :here)",
        here=elsewhere.location_id,
    )
    assert looks_again == elsewhere.clock.now() + timedelta(days=1)


async def test_a_series_with_one_wrong_visit_comes_in_not_at_all(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 3))]
    rows[1]["chair"] = "Chair 9"
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "series_source_id", "series_wrong"),
        (3, "chair", "unknown_chair"),
        (4, "series_source_id", "series_wrong"),
    ]
    rows[1] = visit(elsewhere, 1, "the day after")
    found = await bring(elsewhere, "appointments", sheet(rows), skip_wrong=True)
    assert tally(found) == {"wrong": 3}


async def test_a_chair_and_a_patient_are_never_in_two_visits_at_once(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    booked = await elsewhere.series()
    assert booked["appointments"][0]["chair_id"] == elsewhere.chair_id
    tomorrow = NOON + timedelta(days=1)
    rows = [
        visit(elsewhere, 1, NOON + timedelta(minutes=30)),
        visit(elsewhere, 2, tomorrow, patient_source_id="p2", series_source_id="s2"),
        visit(elsewhere, 3, tomorrow, series_source_id="s3"),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "chair", "chair_taken"),
        (4, "chair", "chair_taken"),
    ], "the third row by the second, which is in the same file"


async def test_what_was_taken_since_the_dry_run_is_found_when_it_is_applied(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    found = await look(elsewhere, "appointments", sheet([visit(elsewhere, 1, NOON)]))
    assert tally(found) == {"ready": 1}
    await elsewhere.series()
    await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
    await finish(elsewhere)
    assert await problems(elsewhere, found) == [(2, "chair", "chair_taken")]


async def test_visits_are_at_the_time_that_the_clinics_clock_shows(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    times = ["2026-10-30 12:00", "2026-11-02T12:00", "2026-11-05T12:00:00-05:00"]
    rows = [visit(elsewhere, n, at) for n, at in enumerate(times)]
    await bring(elsewhere, "appointments", sheet(rows))
    listed = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    hours = [datetime.fromisoformat(each["starts_at"]).astimezone(UTC).hour for each in listed]
    assert hours == [16, 17, 17]


async def test_visits_that_cannot_be_are_told(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    far = (NOW + timedelta(days=400)).isoformat()
    rows = [
        visit(elsewhere, 1, "2026-11-01 01:30", series_source_id="a"),  # the clock shows it twice
        visit(elsewhere, 2, "2026-02-30 12:00", series_source_id="b"),
        visit(elsewhere, 3, NOW - timedelta(days=1), series_source_id="c"),
        visit(elsewhere, 4, far, series_source_id="d"),
        visit(elsewhere, 5, NOON, series_source_id="e", patient_source_id="nobody"),
        visit(elsewhere, 6, NOON, series_source_id="f", clinician_npi="1000000004"),
        visit(elsewhere, 7, NOON, series_source_id="g", diagnoses="sad"),
        visit(elsewhere, 8, NOON, series_source_id=""),
        visit(elsewhere, 9, NOON, series_source_id="h", visit_type="massage"),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "starts_at", "import_column"),
        (3, "starts_at", "import_column"),
        (4, "starts_at", "bookable_time"),
        (5, "starts_at", "bookable_time"),
        (6, "patient_source_id", "patient_missing"),
        (7, "clinician_npi", "unknown_clinician"),
        (8, "diagnoses", "import_column"),
        (9, "series_source_id", "import_column"),
        (10, "visit_type", "unknown_visit_type"),
    ]


def bundle(*resources: dict[str, Any]) -> str:
    entries = [{"resource": each} for each in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


FHIR_PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Canary", "given": ["Testa"]}],
    "birthDate": "1980-02-29",
    "telecom": [
        {"system": "phone", "value": "202-555-0147"},
        {"system": "email", "value": "testa.canary@example.test"},
    ],
    "address": [
        {
            "line": ["1 Made Up Street"],
            "city": "Alexandria",
            "state": "VA",
            "postalCode": "22314",
        }
    ],
}


def fhir_visit(n: int, at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": f"v{n}",
        "identifier": [{"system": "urn:practice:series", "value": "s1"}],
        "status": "booked",
        "serviceType": [{"coding": [{"code": "ketamine_mood"}]}],
        "reasonCode": [{"coding": [{"code": "F33.1"}]}],
        "start": at.isoformat(),
        "participant": [
            {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
            {"actor": {"reference": "Location/1", "display": "Chair 1"}, "status": "accepted"},
            {
                "actor": {
                    "reference": "Practitioner/1",
                    "identifier": {"value": CLINICIAN["npi"]},
                },
                "status": "accepted",
            },
        ],
    } | fields


async def test_a_bundle_brings_patients_and_their_visits_in_any_order(elsewhere: Clinic) -> None:
    content = bundle(fhir_visit(1, NOON), FHIR_PATIENT, fhir_visit(2, NOON + timedelta(days=3)))
    found = await look(elsewhere, "fhir_bundle", content)
    assert tally(found) == {"ready": 3}
    found = await bring(elsewhere, "fhir_bundle", content)
    assert tally(found) == {"applied": 3}
    listed = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    assert len({each["series_id"] for each in listed}) == 1
    exported = await elsewhere.get(f"/fhir/Patient/{listed[0]['patient_id']}")
    assert exported["name"][0]["family"] == "Canary"
    assert tally(await bring(elsewhere, "fhir_bundle", content)) == {"known": 3}


async def test_a_visit_of_a_bundle_that_is_over_is_told(elsewhere: Clinic) -> None:
    content = bundle(FHIR_PATIENT, fhir_visit(1, NOON, status="fulfilled"))
    found = await look(elsewhere, "fhir_bundle", content)
    assert await problems(elsewhere, found) == [(2, "status", "visit_status")]


async def test_a_session_comes_in_with_its_leader(elsewhere: Clinic) -> None:
    figures = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await elsewhere.send("/visit-types/preparation/figures", figures)
    await bring(elsewhere, "patients", sheet([person(1)]))
    session = {"visit_type": "preparation", "chair": "", "series_source_id": "", "diagnoses": ""}
    rows = [
        visit(elsewhere, 1, NOON + timedelta(days=150), **session),
        visit(elsewhere, 2, NOON + timedelta(days=150, minutes=30), **session),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    told = await problems(elsewhere, found)
    assert (3, "starts_at", "leader_taken") in told, "one leader, two sessions at once"
    found = await bring(elsewhere, "appointments", sheet(rows[:1]))
    assert tally(found) == {"applied": 1}
    [listed] = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    assert listed["led_by"]


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


async def test_an_import_books_nothing_that_no_nurse_watches(elsewhere: Clinic) -> None:
    await elsewhere.chair(name="Chair 2")
    await elsewhere.has_nurses(1, 1)
    await elsewhere.series(every(3, 6, NOON + timedelta(days=3)))
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    rows = [
        visit(elsewhere, n, at, chair="Chair 2")
        for n, at in enumerate(every(3, 6, NOON + timedelta(minutes=30)), start=1)
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"wrong": 6}
    busy = [each for each in await problems(elsewhere, found) if each[2] == "nurses_busy"]
    assert [line for line, *_ in busy] == [3, 4, 5, 6, 7]


async def test_two_series_of_one_file_share_the_nurses_that_there_are(elsewhere: Clinic) -> None:
    await elsewhere.chair(name="Chair 2")
    await elsewhere.has_nurses(1, 1)
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    other = {"chair": "Chair 2", "patient_source_id": "p2", "series_source_id": "s2"}
    starts = every(3, 6)
    rows = [visit(elsewhere, n, at) for n, at in enumerate(starts)]
    rows += [visit(elsewhere, 10 + n, at, **other) for n, at in enumerate(starts)]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"ready": 6, "wrong": 6}
    assert {each[2] for each in await problems(elsewhere, found)} == {"nurses_busy"}


async def test_a_series_of_a_child_is_not_imported(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1, birth_date="2012-01-01")]))
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 6))]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert ("patient_source_id", "too_young") in [
        each[1:] for each in await problems(elsewhere, found)
    ]


async def test_a_row_brings_what_its_type_has_by_the_catalogue(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    bare = {"chair": "", "series_source_id": "", "diagnoses": ""}
    rows = [
        visit(elsewhere, 1, NOON, visit_type="preparation"),
        visit(elsewhere, 2, NOON + timedelta(days=1), series_source_id="s2", visit_type="nobodys"),
        visit(elsewhere, 3, NOON + timedelta(days=2), **bare),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    told = await problems(elsewhere, found)
    assert (2, "chair", "import_column") in told
    assert (3, "visit_type", "unknown_visit_type") in told
    assert (4, "chair", "import_column") in told
