"""Sheets and bundles as other systems really export them: old names, open quotes, doubles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.scheduling.forms.imports import MAX_CHARS
from services.scheduling.rules.imports.layout import MAX_RECORDS
from services.scheduling.rules.imports.sheets import MAX_UNREADABLE
from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.imported import (
    FHIR_PATIENT,
    bring,
    bundle,
    elsewhere,
    look,
    person,
    problems,
    sheet,
    source_of,
    tally,
    visit,
)

__all__ = ["elsewhere"]


async def card_of(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    """A patient's card as it is on file after its bundle came in."""
    found = await bring(clinic, "fhir_bundle", bundle(FHIR_PATIENT | fields))
    assert tally(found) == {"applied": 1}
    named = {"identifier": f"urn:practice:source:{source_of(clinic)}|p1"}
    known = await clinic.get("/fhir/Patient", **named)
    return dict(await clinic.get(f"/patients/{known['entry'][0]['resource']['id']}"))


async def test_an_old_name_number_or_address_is_not_the_patient_s(elsewhere: Clinic) -> None:
    [home] = FHIR_PATIENT["address"]
    phone, email = FHIR_PATIENT["telecom"]
    card = await card_of(
        elsewhere,
        name=[
            {"use": "old", "family": "Before", "given": ["X"]},
            {"use": "maiden", "family": "Born", "given": ["X"]},
            {"use": "official", "family": "Canary", "given": ["Testa"]},
        ],
        telecom=[
            {"system": "phone", "use": "old", "value": "202-555-0199"},
            {"system": "phone", "use": "home", "value": "202-555-0198", "period": {"end": "2020"}},
            {"system": "phone", "use": "home", "value": "202-555-0197", "rank": 2},
            phone | {"use": "mobile", "rank": 1},
            email,
        ],
        address=[
            home | {"use": "old", "line": ["9 Old, Gone"]},
            home | {"use": "billing", "line": ["2 Paid Elsewhere"]},
            home | {"use": "home"},
        ],
    )
    assert (card["first_name"], card["last_name"]) == ("Testa", "Canary")
    assert card["phone"] == "+12025550147"
    assert card["address"]["line1"] == "1 Made Up Street"


async def test_where_only_an_old_one_is_known_it_is_better_than_none(elsewhere: Clinic) -> None:
    card = await card_of(elsewhere, name=[{"use": "old", "family": "Before", "given": ["Testa"]}])
    assert card["last_name"] == "Before"


def with_open_quotes(*lines: int) -> str:
    """Five people, a line each from line 2 on; some of the lines open a quote and leave it open."""
    written = sheet([person(n) for n in range(1, 6)]).splitlines(keepends=True)
    for line in lines:
        written[line - 1] = written[line - 1].replace("Testa", '"Testa', 1)
    return "".join(written)


async def test_a_quote_that_is_not_closed_costs_its_own_line_only(elsewhere: Clinic) -> None:
    found = await look(elsewhere, "patients", with_open_quotes(3, 5))
    assert tally(found) == {"ready": 3, "wrong": 2}
    listed = (await elsewhere.get(f"/imports/{found['import_id']}/problems"))["items"]
    assert [row["line"] for row in listed] == [3, 5]
    [told] = listed[0]["problems"]
    assert told["rule"] == "csv_quote"
    assert "Line 3 opens a quote" in told["detail"]


async def test_a_cell_may_run_over_lines_and_is_told_by_its_first(elsewhere: Clinic) -> None:
    rows = [person(1, line2="Back\nyard"), person(2, state="?"), person(3)]
    found = await look(elsewhere, "patients", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "line2", "import_column"),
        (4, "state", "import_column"),
    ]


async def refused_file(clinic: Clinic, kind: str, content: str) -> dict[str, Any]:
    wish = {"kind": kind, "source": "old", "location_id": clinic.location_id, "content": content}
    answer = await clinic.send("/imports", wish)
    assert answer.status_code in {409, 413, 422}, answer.text
    [violation] = answer.json()["violations"]
    return dict(violation)


async def test_what_is_no_sheet_at_all_is_given_up_by_its_line(elsewhere: Clinic) -> None:
    header = sheet([person(1)]).splitlines(keepends=True)[0]
    told = await refused_file(elsewhere, "patients", header + '"a\n' * (MAX_UNREADABLE + 1))
    assert (told["rule"], told["source"] != "") == ("csv_unreadable", True)
    assert "From line" in told["detail"]


async def test_a_column_that_is_named_twice_is_not_guessed_at(elsewhere: Clinic) -> None:
    content = sheet([person(1)]).replace("last_name", "first_name", 1)
    told = await refused_file(elsewhere, "patients", content)
    assert "names no last_name" in told["detail"]
    content = sheet([person(1)]).replace("line2", "first_name", 1)
    told = await refused_file(elsewhere, "patients", content)
    assert told["rule"] == "csv_columns"
    assert "names first_name more than once" in told["detail"]


@pytest.mark.parametrize(
    ("rest", "limit"),
    [("p,a" + "," * 10 + "\n", f"{MAX_RECORDS} records"), ("x" * 185, f"{MAX_CHARS} characters")],
)
async def test_a_file_that_is_too_long_is_told_the_limit_and_how_to_split_it(
    elsewhere: Clinic, rest: str, limit: str
) -> None:
    header = sheet([person(1)]).splitlines(keepends=True)[0]
    told = await refused_file(elsewhere, "patients", header + rest * (MAX_RECORDS + 1))
    assert told["rule"] == "import_size"
    assert limit in told["detail"]
    assert "in parts, each with the same first line" in told["detail"]


async def test_a_file_that_no_request_can_hold_is_told_so_as_well(elsewhere: Clinic) -> None:
    told = await refused_file(elsewhere, "patients", "x" * 1_000_001)
    assert told["rule"] == "body_size"
    assert "in parts, each with the same first line" in told["detail"]


async def test_two_series_of_one_patient_are_seen_in_the_dry_run(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    rows = [
        *(visit(elsewhere, n, at) for n, at in enumerate(every(3, 2))),
        *(
            visit(elsewhere, 10 + n, at, series_source_id="s2")
            for n, at in enumerate(every(3, 2, NOON + timedelta(days=30)))
        ),
        visit(
            elsewhere, 20, NOON + timedelta(days=60), patient_source_id="p2", series_source_id="s3"
        ),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"ready": 3, "wrong": 2}
    assert await problems(elsewhere, found) == [
        (4, "patient_source_id", "series_open"),
        (5, "series_source_id", "series_wrong"),
    ]


async def test_the_same_person_under_two_ids_of_a_file_takes_a_word(elsewhere: Clinic) -> None:
    rows = [
        person(1),
        person(2, first_name="TESTA", phone="202-555-0123"),
        person(3, first_name="Other"),
    ]
    found = await look(elsewhere, "patients", sheet(rows), other_people=["p1", "p3"])
    assert tally(found) == {"ready": 2, "wrong": 1}
    assert (3, "source_id", "same_person") in await problems(elsewhere, found)
    listed = (await elsewhere.get(f"/imports/{found['import_id']}/problems"))["items"]
    assert "Line 2 is of the same" in listed[0]["problems"][0]["detail"]
    found = await look(elsewhere, "patients", sheet(rows))
    assert tally(found) == {"ready": 3}
