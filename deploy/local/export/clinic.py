"""From a folder of files to a `Clinic`, or to everything that is wrong with the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

from deploy.local.export import places, staff
from deploy.local.export.columns import COLUMNS, MAY_BE_MISSING
from deploy.local.export.faults import fault
from deploy.local.export.fees import fees
from deploy.local.export.known import Known
from deploy.local.export.patients import card, patient
from deploy.local.export.records import Clinic
from deploy.local.export.rows import Folder, Problem, Row
from deploy.local.export.series import series
from deploy.local.export.visits import Visits

T = TypeVar("T")


class BadExport(Exception):
    """The files cannot be lived through. Holds every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def read_clinic(path: Path) -> Clinic:
    """Read an export. Raises `BadExport` with every problem found in any file."""
    folder = Folder(path)
    if not path.is_dir():
        raise BadExport([Problem(str(path), "is not a folder")])
    clinic = _read(folder)
    if folder.problems:
        raise BadExport(folder.problems)
    return clinic


def _read(folder: Folder) -> Clinic:
    """The files in the order in which they refer to one another."""

    def rows(file: str) -> Iterable[Row]:
        return folder.rows(file, COLUMNS[file], needed=file not in MAY_BE_MISSING)

    known = Known()
    visits = Visits(known)
    known.locations.fill(rows("locations.csv"), places.location)
    known.chairs.fill(rows("chairs.csv"), partial(places.chair, known=known))
    known.staff.fill(rows("staff.csv"), staff.staff)
    known.fees = fees(rows("fees.csv"))
    known.fees_are_sound = all(problem.file != "fees.csv" for problem in folder.problems)
    known.patients.fill(rows("patients.csv"), partial(patient, known=known))
    cards = _sound(rows("cards.csv"), partial(card, known=known))
    known.series.fill(rows("series.csv"), partial(series, known=known))
    known.visits.fill(rows("visits.csv"), visits.visit)
    faults = _sound(rows("faults.csv"), partial(fault, known=known))
    if not folder.problems:
        folder.problems += _empty(known, visits)
    return Clinic(
        locations=known.locations.items,
        chairs=known.chairs.items,
        staff=known.staff.items,
        fees=tuple(known.fees),
        patients=known.patients.items,
        cards=tuple(cards),
        series=known.series.items,
        visits=known.visits.items,
        faults=tuple(faults),
    )


def _sound(rows: Iterable[Row], build: Callable[[Row], T]) -> list[T]:
    return [built for row in rows for built in [build(row)] if row.sound]


def _empty(known: Known, visits: Visits) -> Iterable[Problem]:
    """What is missing although every row that is there is right."""
    for table in (known.locations, known.patients):
        if not table.items:
            yield Problem(table.file, "has no rows")
    for key in known.series.items:
        if not visits.counted[key]:
            yield Problem("series.csv", f"{key!r} has no visits in visits.csv")
