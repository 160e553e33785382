"""Files of other systems, read record by record: CSV sheets and FHIR bundles.

What is wrong is said with its line and its column, in words, and never with what stood there. A
line is counted as an editor does; in a bundle it is the entry's number.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from shared.refusals import Broken

MAX_RECORDS = 5000
"""The house's limit on one file; a larger one is imported in parts."""

MAX_SERIES = 20
"""As many as the table of protocols lets a series have."""

SOURCE = "the layout of imports: services/scheduling/README.md"
SERIES = "urn:practice:series"


class Kind(StrEnum):
    PATIENTS = "patients"
    APPOINTMENTS = "appointments"
    FHIR_BUNDLE = "fhir_bundle"


PATIENT_COLUMNS = (
    "source_id",
    "first_name",
    "last_name",
    "birth_date",
    "phone",
    "email",
    "line1",
    "line2",
    "city",
    "state",
    "postal_code",
    "concerns",
)
VISIT_COLUMNS = (
    "source_id",
    "patient_source_id",
    "visit_type",
    "starts_at",
    "chair",
    "series_source_id",
    "clinician_npi",
    "diagnoses",
)
OPTIONAL = frozenset(
    {"line2", "concerns", "chair", "series_source_id", "clinician_npi", "diagnoses"}
)


@dataclass(frozen=True, slots=True)
class Record:
    """One patient or visit as its file has it: texts by column."""

    line: int
    record: str
    fields: Mapping[str, str]
    broken: tuple[Broken, ...] = field(default=())


def read_file(kind: Kind, content: str) -> list[Record] | Broken:
    """Every record of a file, or why it cannot be read at all."""
    try:
        match kind:
            case Kind.PATIENTS:
                found = _read_csv(content, "patient", PATIENT_COLUMNS)
            case Kind.APPOINTMENTS:
                found = _read_csv(content, "visit", VISIT_COLUMNS)
            case Kind.FHIR_BUNDLE:
                found = list(_read_bundle(json.loads(content)))
    except csv.Error:
        return _no_file("csv_unreadable", "This is no sheet of CSV; export it again.")
    except (ValueError, RecursionError):
        return _no_file("json_unreadable", "This is no JSON; export the bundle again.")
    if isinstance(found, Broken):
        return found
    if not 0 < len(found) <= MAX_RECORDS:
        detail = f"A file has 1 to {MAX_RECORDS} records, not {len(found)}; import it in parts."
        return _no_file("import_size", detail)
    return found


def _no_file(rule: str, detail: str) -> Broken:
    return Broken(rule, detail, SOURCE, "content")


def _read_csv(content: str, record: str, columns: tuple[str, ...]) -> list[Record] | Broken:
    sheet = csv.reader(content.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    names = [name.strip().casefold().replace(" ", "_") for name in next(sheet, [])]
    missing = [name for name in columns if name not in names and name not in OPTIONAL]
    if missing:
        detail = f"The first line names no {' and no '.join(missing)}; right would be a first line"
        return _no_file("csv_columns", f"{detail} with {', '.join(columns)}.")
    records = []
    for row in sheet:
        if not any(cell.strip() for cell in row):
            continue
        broken: tuple[Broken, ...] = ()
        if len(row) != len(names):
            detail = f"The line has {len(row)} cells where the first has {len(names)}; quote commas"
            broken = (Broken("csv_cells", f"{detail} within a cell.", SOURCE),)
        cells = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
        fields = {name: cells[name] for name in columns if cells.get(name)}
        records.append(Record(sheet.line_num, record, fields, broken))
    return records


def _read_bundle(bundle: Any) -> Iterator[Record]:
    """Patients first: a visit may come before its patient in a bundle."""
    entries = _list(_get(bundle, "entry"))
    resources = [(n, _get(entry, "resource")) for n, entry in enumerate(entries, start=1)]
    kinds = {"Patient": _patient, "Appointment": _visit}
    for wanted, read in kinds.items():
        for line, resource in resources:
            if _get(resource, "resourceType") == wanted:
                record = "patient" if wanted == "Patient" else "visit"
                fields, broken = read(resource)
                texts = {name: text for name, text in fields.items() if text}
                yield Record(line, record, texts, tuple(broken))


def _patient(resource: Any) -> tuple[dict[str, str], list[Broken]]:
    name, address = _first(resource, "name"), _first(resource, "address")
    lines = [_text(line) for line in _list(_get(address, "line"))]
    return {
        "source_id": _text(_get(resource, "id")),
        "first_name": _text(_first(name, "given")),
        "last_name": _text(_get(name, "family")),
        "birth_date": _text(_get(resource, "birthDate")),
        "phone": _contact(resource, "phone"),
        "email": _contact(resource, "email"),
        "line1": lines[0] if lines else "",
        "line2": ", ".join(lines[1:]),
        "city": _text(_get(address, "city")),
        "state": _text(_get(address, "state")),
        "postal_code": _text(_get(address, "postalCode")),
    }, []


def _visit(resource: Any) -> tuple[dict[str, str], list[Broken]]:
    actors = [_get(each, "actor") for each in _list(_get(resource, "participant"))]
    by_kind = {_text(_get(actor, "reference")).partition("/")[0]: actor for actor in actors}
    series = [
        _text(_get(each, "value"))
        for each in _list(_get(resource, "identifier"))
        if _get(each, "system") == SERIES
    ]
    reasons = [_first(each, "coding") for each in _list(_get(resource, "reasonCode"))]
    clinician = _get(by_kind.get("Practitioner"), "identifier")
    patient = _text(_get(by_kind.get("Patient"), "reference"))
    broken = []
    if _get(resource, "status") != "booked":
        detail = "Only visits that are booked are imported; leave out those given or cancelled."
        broken.append(Broken("visit_status", detail, SOURCE, "status"))
    return {
        "source_id": _text(_get(resource, "id")),
        "patient_source_id": patient.removeprefix("Patient/"),
        "visit_type": _text(_get(_first(_first(resource, "serviceType"), "coding"), "code")),
        "starts_at": _text(_get(resource, "start")),
        "chair": _text(_get(by_kind.get("Location"), "display")),
        "series_source_id": series[0] if series else "",
        "clinician_npi": _text(_get(clinician, "value")),
        "diagnoses": ";".join(_text(_get(each, "code")) for each in reasons),
    }, broken


def _contact(resource: Any, system: str) -> str:
    found = (
        _text(_get(each, "value"))
        for each in _list(_get(resource, "telecom"))
        if _get(each, "system") == system
    )
    return next(found, "")


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any, name: str) -> Any:
    return next(iter(_list(_get(value, name))), None)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


RIGHT = {
    "source_id": "the id that the other system has for it, up to 200 characters",
    "patient_source_id": "the other system's id of the patient",
    "series_source_id": "the other system's id of the series; a session has none",
    "first_name": "1 to 30 characters",
    "last_name": "1 to 30 characters",
    "birth_date": "a day such as 1980-02-29",
    "phone": "a number such as +12025550147 or (202) 555-0147",
    "email": "an address such as testa@example.test",
    "line1": "1 to 60 characters",
    "line2": "1 to 60 characters, or nothing",
    "city": "1 to 30 characters",
    "state": "two capital letters, such as VA",
    "postal_code": "a ZIP code, such as 22314",
    "concerns": "what intake knows, with ; between: active_liver_disease, heart_disease,"
    " uncontrolled_blood_pressure",
    "visit_type": "ketamine_mood, ketamine_pain, preparation, spray_consult, web_follow_up or"
    " integration",
    "starts_at": "a time that the clinic's clock shows, such as 2026-10-07 12:00, or one with its"
    " zone, such as 2026-10-07T12:00:00-04:00",
    "chair": "the chair's name here; a session has none",
    "clinician_npi": "the NPI of a clinician on record: who prescribes, or who leads the session",
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


def patient_missing() -> Broken:
    detail = "No patient of this id was imported before or with this file; import patients first."
    return Broken("patient_missing", detail, SOURCE, "patient_source_id")


def series_wrong() -> Broken:
    detail = "Another visit of its series is wrong; a series is imported whole or not at all."
    return Broken("series_wrong", detail, SOURCE, "series_source_id")


def duration_missing() -> Broken:
    detail = "No length is on record for such a visit; record it with its source first."
    return Broken("duration_missing", detail, "the visit types on record", "visit_type")


def unknown_column(noun: str, column: str) -> Broken:
    detail = f"No {noun} of this place answers to it; right would be {RIGHT[column]}."
    return Broken(f"unknown_{noun}", detail, "the clinic's records", column)


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


def broken_by_applying(state: str, *, wrong: int, skip_wrong: bool) -> list[Broken]:
    if state == "checking":
        detail = "The file is still being checked; look again when it is checked."
        return [Broken("import_state", detail, "an import's life", "import_id")]
    if state == "lapsed":
        detail = "The file waited too long and its text is forgotten; import it anew."
        return [Broken("import_state", detail, "an import's life", "import_id")]
    if wrong and not skip_wrong:
        detail = (
            f"{wrong} rows are wrong; mend them and import the file anew, or say skip_wrong to"
            " import the others."
        )
        return [Broken("rows_wrong", detail, "an import is whole unless told", "import_id")]
    return []


def as_problem(broken: Broken) -> dict[str, str | None]:
    return {"column": broken.field, "rule": broken.rule, "detail": broken.detail}
