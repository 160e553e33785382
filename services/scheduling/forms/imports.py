"""What is imported, checked for its form: the same shapes that staff's requests have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import MAX_DIAGNOSES, RegisterPatient, StartsAt
from services.scheduling.rules.imports.layout import (
    IN_PARTS,
    MAX_RECORDS,
    OPTIONAL,
    SOURCE,
    Kind,
    Record,
)
from services.scheduling.rules.imports.rows import wrong_columns
from services.scheduling.rules.imports.same_people import People
from services.scheduling.rules.patients.intake import ANOTHER_PERSON, Concern, person_of
from shared.claims import Icd10, Line, Npi
from shared.events import Moment
from shared.events.scheduling import TypeCode
from shared.refusals import Broken, Malformed
from shared.written import told

MAX_CHARS = 900_000
"""A technical bound: so much text fits into a request of the house with room to spare."""


def _fits(content: str) -> str:
    if len(content) > MAX_CHARS:
        raise Malformed(
            "import_size", f"A file has at most {MAX_CHARS} characters; {IN_PARTS}", SOURCE
        )
    return content


Content = Annotated[
    str, Field(min_length=1, json_schema_extra={"maxLength": MAX_CHARS}), AfterValidator(_fits)
]

ADDRESS = ("line1", "line2", "city", "state", "postal_code")

SourceId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SamePerson(Wish):
    """A person of a file, by the id there, who is a patient on file here, by the id here."""

    source_id: SourceId
    patient_id: UUID


class OpenImport(Wish):
    """A file, to be checked. Nothing of it is applied before somebody says so.

    `other_people` are the `source_id`s of patients who have the name and the birth date of somebody
    who is on file, or in the file, and are not the same person. `same_people` are on file here
    already: their visits are imported as that patient's, whose card stays as it is here.
    """

    kind: Kind
    source: Annotated[
        str,
        StringConstraints(
            pattern=told(r"^[a-z][a-z0-9_]{0,39}$", "a word in small letters, such as old_system")
        ),
    ]
    """Which system the ids are of; the same word for all its files."""
    location_id: UUID
    other_people: Annotated[list[SourceId], Field(max_length=MAX_RECORDS, default_factory=list)]
    same_people: Annotated[list[SamePerson], Field(max_length=MAX_RECORDS, default_factory=list)]
    content: Content

    @model_validator(mode="after")
    def _each_is_one(self) -> OpenImport:
        named = [each.source_id for each in self.same_people]
        if len(set(named)) < len(named) or set(named) & set(self.other_people):
            raise Malformed(
                "said_twice",
                "One person of the file is named twice, here or in other_people too; right would be"
                " each once, as the patient here or as another person.",
                SOURCE,
                "same_people",
            )
        return self

    @property
    def people(self) -> People:
        same = {each.source_id: each.patient_id for each in self.same_people}
        return People(frozenset(self.other_people), same)


class ApplyImport(Wish):
    """`skip_wrong`: import what is right although other rows are wrong."""

    skip_wrong: bool = False


class ImportAnswer(BaseModel):
    """How far an import is. `known` was imported before and stays as it is here."""

    import_id: UUID
    kind: Kind
    location_id: UUID
    state: str
    made_at: Moment
    total: int
    waiting: int
    ready: int
    known: int
    wrong: int
    applied: int


class RowProblem(BaseModel):
    """What is wrong, what would be right, and where the rule comes from.

    `source` is null in files that were looked at before it was kept.
    """

    column: str | None
    rule: str
    detail: str
    source: str | None = None


class RowProblems(BaseModel):
    """A wrong row; `line` counts as an editor does, in a bundle it is the entry's number."""

    line: int
    problems: list[RowProblem]


class _Imported(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source_id: SourceId


class ImportedPatient(_Imported):
    """`answers` is what was asked for screening, by the column that says it.

    `is_patient`: who this is here, where somebody says that the person is on file already.
    """

    card: RegisterPatient
    is_patient: UUID | None = None
    answers: dict[Concern, Literal["yes", "no"]] = {}

    @property
    def person(self) -> bytes:
        """What two records of one person share."""
        return person_of(self.card)


class ImportedVisit(_Imported):
    """A visit in a chair has diagnoses, and an infusion of a series its series; a session none.

    Which of them its type is, the catalogue says, and the check of the file asks there.
    `is_patient` as of a patient.
    """

    patient_source_id: SourceId
    is_patient: UUID | None = None
    visit_type: TypeCode
    starts_at: StartsAt
    clinician_npi: Npi
    chair: Line | None = None
    series_source_id: SourceId | None = None
    diagnoses: Annotated[list[Icd10], Field(max_length=MAX_DIAGNOSES)] = []

    @field_validator("starts_at", mode="before")
    @classmethod
    def _by_the_clinics_clock(cls, given: Any, info: ValidationInfo) -> datetime:
        """A time without a zone is what the clinic's clock shows, once and only once that day."""
        at = datetime.fromisoformat(str(given))
        if at.tzinfo is not None:
            return at
        zone: ZoneInfo = info.context["zone"] if info.context else ZoneInfo("UTC")
        here = at.replace(tzinfo=zone)
        if here.utcoffset() != here.replace(fold=1).utcoffset():
            raise ValueError("the clock shows it twice or never")
        return here.astimezone(UTC)

    @field_validator("diagnoses", mode="before")
    @classmethod
    def _separated(cls, given: Any) -> list[str]:
        return given if isinstance(given, list) else _parts(str(given))

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> ImportedVisit:
        in_chair = any((self.chair, self.series_source_id, self.diagnoses))
        for name in ("chair", "diagnoses"):
            if bool(getattr(self, name)) is not in_chair:
                raise _Column(name)
        return self

    @property
    def is_treatment(self) -> bool:
        """In a chair, and of no series."""
        return self.chair is not None and self.series_source_id is None


class _Column(ValueError):
    """A column that is wrong although its own form is right."""


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


Read = ImportedPatient | ImportedVisit


def read_record(record: Record, zone: ZoneInfo, people: People) -> Read | list[Broken]:
    """A record in the form that is stored, or every column that is wrong."""
    if record.broken:
        return list(record.broken)
    try:
        if record.record == "patient":
            return ImportedPatient.model_validate(_as_patient(record.fields, people))
        named = record.fields.get("patient_source_id", "")
        said = dict(record.fields) | {"is_patient": people.same.get(named)}
        return ImportedVisit.model_validate(said, context={"zone": zone})
    except ValidationError as error:
        wrong = [_column(found) for found in error.errors(include_input=False)]
        return wrong_columns(
            (column, column not in record.fields and column not in OPTIONAL) for column in wrong
        )


def _column(found: Any) -> str:
    cause = (found.get("ctx") or {}).get("error")
    if isinstance(cause, _Column):
        return str(cause)
    if isinstance(cause, Malformed) and cause.broken.field is not None:
        return cause.broken.field
    named = [part for part in found["loc"] if isinstance(part, str)]
    return named[-1]


def _as_patient(fields: Mapping[str, str], people: People) -> dict[str, Any]:
    card: dict[str, Any] = {
        name: text for name, text in fields.items() if name not in {"source_id", *ADDRESS, *Concern}
    }
    card["address"] = {name: fields[name] for name in ADDRESS if name in fields}
    named = _parts(fields.get("concerns", ""))
    answers = {each: fields[each].casefold() for each in Concern if each in fields}
    card["concerns"] = [*named, *(each for each, said in answers.items() if said == "yes")]
    answers |= {each: _BOTH for each, said in answers.items() if said == "no" and each in named}
    card["denied"] = [each for each, said in answers.items() if said == "no"]
    if "phone" in card:
        card["phone"] = _e164(card["phone"])
    source_id = fields.get("source_id", "")
    card[ANOTHER_PERSON] = source_id in people.others
    is_patient = people.same.get(source_id)
    return {"source_id": source_id, "card": card, "answers": answers, "is_patient": is_patient}


_BOTH = "named in one column, denied in another"


def _e164(phone: str) -> str:
    """A number as it is written in the United States, or with its country; else as it stands."""
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return phone
    if not phonenumbers.is_possible_number(number):
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
