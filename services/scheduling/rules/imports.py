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
from itertools import islice
from typing import Any, Protocol

from services.scheduling.rules.patients.intake import ANOTHER_PERSON
from shared.refusals import Broken

MAX_RECORDS = 5000
"""A technical bound: so many records are read within one request and checked within minutes."""

IN_PARTS = (
    "import it in parts, each with the same first line, and every series whole in one of them."
)

MAX_UNREADABLE = 20
"""A technical bound: after each line that cannot be read the rest of the file is read anew."""

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
    except (ValueError, RecursionError):
        return _no_file("json_unreadable", "This is no JSON; export the bundle again.")
    if isinstance(found, Broken):
        return found
    if not 0 < len(found) <= MAX_RECORDS:
        detail = f"A file has 1 to {MAX_RECORDS} records, not {len(found)}; {IN_PARTS}"
        return _no_file("import_size", detail)
    return found


def _no_file(rule: str, detail: str) -> Broken:
    return Broken(rule, detail, SOURCE, "content")


def _read_csv(content: str, record: str, columns: tuple[str, ...]) -> list[Record] | Broken:
    rows = _rows(content.removeprefix("\ufeff").splitlines(keepends=True))
    _, first = next(rows, (1, []))
    if first is None:
        return _no_file("csv_unreadable", _open_quote(1).detail)
    names = [name.strip().casefold().replace(" ", "_") for name in first]
    broken = _broken_by_names(names, columns)
    if broken is not None:
        return broken
    records: list[Record] = []
    unreadable = 0
    for line, row in rows:
        if row is None:
            unreadable += 1
            if unreadable > MAX_UNREADABLE:
                detail = f"From line {line} on this is no sheet of CSV; export it again."
                return _no_file("csv_unreadable", detail)
            records.append(Record(line, record, {}, (_open_quote(line),)))
        elif any(cell.strip() for cell in row):
            records.append(_record(line, record, row, names, columns))
    return records


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str] | None]]:
    """Each row with the line it begins on; None for a line whose quotes do not fit.

    Such a line is left alone, and the sheet is read on from the next one.
    """
    begin = 0
    while begin < len(lines):
        sheet = csv.reader(islice(lines, begin, None), strict=True)
        read = 0
        try:
            for row in sheet:
                yield begin + read + 1, row
                read = sheet.line_num
        except csv.Error:
            yield begin + read + 1, None
            begin += read + 1
        else:
            return


def _open_quote(line: int) -> Broken:
    detail = (
        f"Line {line} opens a quote that is not closed before a comma or the line's end; close it,"
        " and write a quote within a cell twice."
    )
    return Broken("csv_quote", detail, "RFC 4180: double quotes in CSV")


def _broken_by_names(names: Sequence[str], columns: tuple[str, ...]) -> Broken | None:
    """Whether the first line says what is read: each column that is needed, and none twice."""
    right = f"right would be a first line with {', '.join(columns)}."
    missing = [name for name in columns if name not in names and name not in OPTIONAL]
    if missing:
        return _no_file(
            "csv_columns", f"The first line names no {' and no '.join(missing)}; {right}"
        )
    several = [name for name in columns if names.count(name) > 1]
    if several:
        detail = f"The first line names {' and '.join(several)} more than once; {right}"
        return _no_file("csv_columns", detail)
    return None


def _record(
    line: int, record: str, row: Sequence[str], names: Sequence[str], columns: tuple[str, ...]
) -> Record:
    broken: tuple[Broken, ...] = ()
    if len(row) != len(names):
        detail = f"The line has {len(row)} cells where the first has {len(names)}; quote commas"
        broken = (Broken("csv_cells", f"{detail} within a cell.", SOURCE),)
    cells = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
    return Record(line, record, {name: cells[name] for name in columns if cells.get(name)}, broken)


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
    name, address = (_newest(_list(_get(resource, each))) for each in ("name", "address"))
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
    of_system = [
        each for each in _list(_get(resource, "telecom")) if _get(each, "system") == system
    ]
    return _text(_get(_newest(of_system), "value"))


LAST = ("temp", "anonymous", "maiden", "billing", "old")
"""Of several names, addresses or numbers those of these uses are taken last, `old` last of all."""


def _newest(several: Sequence[Any]) -> Any:
    """The one that holds now: not an old one, nor one whose period has an end, while another is.

    Of the others the first, as the other system has them: a contact with a lower rank before.
    """

    def later(each: Any) -> tuple[int, bool, int]:
        use, rank = _text(_get(each, "use")), _get(each, "rank")
        has_ended = bool(_text(_get(_get(each, "period"), "end")))
        by_use = LAST.index(use) + 1 if use in LAST else 0
        return by_use, has_ended, rank if isinstance(rank, int) else len(several)

    return min(several, key=later, default=None)


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
    "visit_type": "the code of a visit type in the catalogue, such as ketamine_mood",
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
    detail = "No patient of this id was imported before or with this file; import patients first."
    return Broken("patient_missing", detail, SOURCE, "patient_source_id")


def series_wrong() -> Broken:
    detail = "Another visit of its series is wrong; a series is imported whole or not at all."
    return Broken("series_wrong", detail, SOURCE, "series_source_id")


def broken_by_catalogue(
    *, is_known: bool, chair_needed: bool, in_series: bool, has_chair: bool
) -> list[Broken]:
    """Whether a row brings what visits of its type have: a chair and a series, or neither."""
    if not is_known:
        return [unknown_column("visit type", "visit_type")]
    if chair_needed != has_chair:
        return wrong_columns([("chair", chair_needed)])
    if has_chair and not in_series:
        detail = "Such visits are given by themselves; book the treatment at the desk."
        return [Broken("type_not_in_series", detail, "the visit types on record", "visit_type")]
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
