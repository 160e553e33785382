"""Whatever stands in a file, it is looked at to its end, and each wrong row says what would do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic
from tests.scheduling.imported import (
    FHIR_PATIENT,
    bring,
    bundle,
    elsewhere,
    fhir_visit,
    look,
    person,
    put_on_file,
    sheet,
    tally,
    visit,
)

__all__ = ["elsewhere"]

CELLS = [
    *("", "   ", "\u200b", "\u202eabc", "a\x00b", "x" * 5000, "-1", "0", "9" * 21, "1e309", "NaN"),
    *(
        "0001-01-01",
        "9999-12-31",
        "2026-02-30",
        "\u0662\u0660\u0662\u0666-10-07",
        "9999-12-31T23:59:59Z",
    ),
    *("2026-10-07T12:00:00", "0001-01-01T00:00:00+14:00", "2026-11-01T01:30:00"),
    *("2027-03-14T02:30:00", "2026-10-07T16:00:00Z\n", "😀", "=1+1", ";", "a;b;;c"),
]
VALUES: list[Any] = [
    *(None, True, 1, -1.5, "", "x" * 3000, "a\x00b", "\u200b", "9999-12-31T23:59:59Z"),
    *([], {}, [None], [1], [[]], {"a": 1}),
]


async def looked_at(clinic: Clinic, kind: str, content: str) -> Any:
    """The dry run, which comes to its end; every problem is told whole."""
    found = await look(clinic, kind, content)
    assert found["state"] == "checked"
    cursor: dict[str, str] = {}
    while True:
        page = await clinic.get(f"/imports/{found['import_id']}/problems", limit=200, **cursor)
        for row in page["items"]:
            for each in row["problems"]:
                assert each["rule"]
                assert each["detail"]
                assert each["source"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_whatever_a_cell_of_a_person_holds(elsewhere: Clinic) -> None:
    cells = [(column, cell) for column in person() for cell in CELLS]
    rows = [person(n, **{column: cell}) for n, (column, cell) in enumerate(cells, start=1)]
    found = await looked_at(elsewhere, "patients", sheet(rows))
    ready = found["ready"]
    assert 0 < ready < len(rows)
    assert found["wrong"] == len(rows) - ready
    assert tally(await put_on_file(elsewhere, found, skip_wrong=True))["applied"] == ready


async def test_whatever_a_cell_of_a_visit_holds(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person()]))
    columns = visit(elsewhere, 1, NOON)
    cells = [(column, cell) for column in columns for cell in CELLS]
    rows = [
        visit(elsewhere, n, NOON + timedelta(days=n), **{"series_source_id": f"s{n}", column: cell})
        for n, (column, cell) in enumerate(cells, start=1)
    ]
    found = await looked_at(elsewhere, "appointments", sheet(rows))
    assert found["wrong"] + found["ready"] == len(rows)
    await put_on_file(elsewhere, found, skip_wrong=True)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where anything stands in a resource."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, each in inner if isinstance(value, dict | list) else ():
        yield from places(each, (*path, name))


def changed(resource: Any, path: tuple[str | int, ...], value: Any) -> Any:
    resource = place = json.loads(json.dumps(resource))
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return resource


@pytest.mark.parametrize("resource", [FHIR_PATIENT, fhir_visit(1, NOON)], ids=["Patient", "Visit"])
async def test_whatever_stands_in_a_resource(elsewhere: Clinic, resource: dict[str, Any]) -> None:
    odd = [changed(resource, path, value) for path in places(resource) for value in VALUES]
    found = await looked_at(elsewhere, "fhir_bundle", bundle(*odd))
    assert found["wrong"] + found["ready"] + found["known"] == found["total"]
