"""What is wrong in a row, and what would be right; nothing here quotes what stood there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from services.scheduling.rules.imports.layout import MAX_SERIES, SOURCE
from services.scheduling.rules.patients.intake import ANOTHER_PERSON, Concern
from shared.refusals import Broken

RIGHT: dict[str, str] = {
    "source_id": "the id that the other system has for it, up to 200 characters",
    "patient_source_id": "the other system's id of the patient",
    "series_source_id": "the other system's id of the series; a treatment and a session have none",
    "first_name": "1 to 30 characters of a name in any script, a letter among them",
    "last_name": "1 to 30 characters of a name in any script, a letter among them",
    "birth_date": "a day such as 1980-02-29",
    "phone": "a number such as +12025550147 or (202) 555-0147",
    "email": "an address such as testa@example.test",
    "line1": "1 to 60 characters",
    "line2": "1 to 60 characters, or nothing",
    "city": "1 to 30 characters",
    "state": "the two letters that the post has for a state, such as VA",
    "postal_code": "a ZIP code from 00501 to 99950, such as 22314",
    "concerns": "what intake knows, with ; between: active_liver_disease, heart_disease,"
    " uncontrolled_blood_pressure",
    **dict.fromkeys(
        Concern,
        "yes or no, as the patient answered, or nothing where nobody asked; no denies what"
        " concerns does not name",
    ),
    "visit_type": "the code of a visit type in the catalogue, such as ketamine_mood",
    "starts_at": "a time that the clinic's clock shows, such as 2026-10-07 12:00, or one with its"
    " zone, such as 2026-10-07T12:00:00-04:00",
    "chair": "the chair's name here; a session has none",
    "clinician_npi": "the NPI of a clinician on record: who prescribes or orders, or who leads the"
    " session",
    "diagnoses": "ICD-10 codes with ; between, such as F33.1",
}
"""What would be right in each column, in words."""


def wrong_column(column: str, *, missing: bool) -> Broken:
    if missing:
        detail = f"The {column} is missing; right would be {RIGHT[column]}."
    else:
        detail = f"This is no {column}; right would be {RIGHT[column]}."
    return Broken("import_column", detail, SOURCE, column)


def wrong_columns(columns: Iterable[tuple[str, bool]]) -> list[Broken]:
    """Each wrong column once, in the order of the file; each with whether it is missing."""
    return [wrong_column(column, missing=missing) for column, missing in dict(columns).items()]


def twice() -> Broken:
    detail = "This source_id stands in the file before; keep the record that was meant."
    return Broken("source_id_twice", detail, SOURCE, "source_id")


def same_person(line: int) -> Broken:
    detail = (
        f"Line {line} is of the same name and birth date under another id; leave one out, or import"
        " the file anew with this source_id in other_people."
    )
    source = "one person is on file once; some share a name and a birth date"
    return Broken("same_person", detail, source, "source_id")


def of_patient(broken: Broken) -> Broken:
    """A rule of intake, told of a row; whose name and birth date another has is the row's id."""
    return in_column(broken, "source_id") if broken.field == ANOTHER_PERSON else broken


def patient_missing() -> Broken:
    detail = (
        "No patient of this id was imported before or with this file; import patients first, or say"
        " in same_people who of those on file it is."
    )
    return Broken("patient_missing", detail, SOURCE, "patient_source_id")


def series_wrong() -> Broken:
    detail = "Another visit of its series is wrong; a series is imported whole or not at all."
    return Broken("series_wrong", detail, SOURCE, "series_source_id")


def broken_by_catalogue(
    *, is_known: bool, chair_needed: bool, in_series: bool, has_chair: bool, has_series: bool
) -> list[Broken]:
    """Whether a row brings what visits of its type have: a chair, and perhaps a series."""
    if not is_known:
        return [unknown_column("visit type", "visit_type")]
    if chair_needed != has_chair:
        return wrong_columns([("chair", chair_needed)])
    if in_series and not has_series:
        return wrong_columns([("series_source_id", True)])
    if has_series and not in_series:
        detail = "Such visits are given by themselves; leave the series out."
        source = "the visit types on record"
        return [Broken("type_not_in_series", detail, source, "series_source_id")]
    return []


def duration_missing() -> Broken:
    detail = "No length is on record for such a visit; record it with its source first."
    return Broken("duration_missing", detail, "the visit types on record", "visit_type")


def unknown_column(noun: str, column: str) -> Broken:
    detail = f"No {noun} of this place answers to it; right would be {RIGHT[column]}."
    rule = f"unknown_{noun}".replace(" ", "_")
    return Broken(rule, detail, "the clinic's records", column)


def in_column(broken: Broken, column: str) -> Broken:
    """A rule of requests, told of the column that brings what it judges."""
    return replace(broken, field=column)


class Grouped(Protocol):
    """What all visits of one series share."""

    @property
    def visit_type(self) -> str: ...
    @property
    def clinician_npi(self) -> str: ...
    @property
    def patient_source_id(self) -> str: ...


def broken_by_group(visits: Sequence[Grouped]) -> list[Broken]:
    """Whether visits are of one series: one patient, one prescriber, one type, so many at most."""
    broken = []
    for column in ("patient_source_id", "clinician_npi", "visit_type"):
        if len({getattr(visit, column) for visit in visits}) > 1:
            detail = f"The visits of one series have one {column}; these have several."
            broken.append(Broken("series_mixed", detail, SOURCE, column))
    if len(visits) > MAX_SERIES:
        detail = f"A series has at most {MAX_SERIES} visits, not {len(visits)}."
        broken.append(Broken("series_size", detail, "the table of protocols", "series_source_id"))
    return broken


def broken_by_applying(state: str, *, right: int, wrong: int, skip_wrong: bool) -> list[Broken]:
    if state == "checking":
        detail = "The file is still being checked; look again when it is checked."
        return [Broken("import_state", detail, "an import's life", "import_id")]
    if state == "lapsed":
        detail = (
            "The text of the file is forgotten, for it waited too long, or the location has another"
            " zone since; import it anew."
        )
        return [Broken("import_state", detail, "an import's life", "import_id")]
    if wrong and not right:
        detail = "No row is right, so there is nothing to put on file; mend them and import anew."
        return [Broken("nothing_right", detail, "an import is told as what it is", "import_id")]
    if wrong and not skip_wrong:
        detail = (
            f"{wrong} rows are wrong; mend them and import the file anew, or say skip_wrong to"
            " import the others."
        )
        return [Broken("rows_wrong", detail, "an import is whole unless told", "import_id")]
    return []


def as_problem(broken: Broken) -> dict[str, str | None]:
    return {
        "column": broken.field,
        "rule": broken.rule,
        "detail": broken.detail,
        "source": broken.source,
    }
