"""The layout of a file: which records it has, by which columns, and how many at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.scheduling.rules.patients.intake import Concern
from shared.refusals import Broken

MAX_RECORDS = 5000
"""A technical bound: so many records are read within one request and checked within minutes."""

IN_PARTS = (
    "import it in parts, each with the same first line, and every series whole in one of them."
)

MAX_SERIES = 20
"""As many as the table of protocols lets a series have."""

SOURCE = "the layout of imports: services/scheduling/README.md"


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
    *Concern,
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
    {"line2", "concerns", *Concern, "chair", "series_source_id", "clinician_npi", "diagnoses"}
)


@dataclass(frozen=True, slots=True)
class Record:
    """One patient or visit as its file has it: texts by column."""

    line: int
    record: str
    fields: Mapping[str, str]
    broken: tuple[Broken, ...] = field(default=())


def no_file(rule: str, detail: str) -> Broken:
    return Broken(rule, detail, SOURCE, "content")
