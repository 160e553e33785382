"""People of a file who are on file here already: whether they are, by what both say of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scheduling.rules.imports.layout import SOURCE
from services.scheduling.rules.patients.merging import broken_by_closed
from shared.refusals import Broken, unknown

ONE_PERSON = "one person is told from another by name and birth date"


@dataclass(frozen=True, slots=True)
class People:
    """What whoever imports says of the people of a file, by their ids there.

    `others` only look like somebody on file; `same` are patients who are on file here.
    """

    others: frozenset[str]
    same: Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class OnFile:
    """A patient here. `alike`: of a row's name and birth date, None where the row says neither."""

    merged_into: UUID | None
    alike: bool | None


def broken_by_naming(named: Sequence[str], in_file: Collection[str]) -> list[Broken]:
    """Whether each id that is said to be a patient's here stands in the file."""
    return [
        Broken(
            "unknown_source_id",
            "No row of the file has this id; right would be the source_id of a patient, or the"
            " patient_source_id of a visit.",
            SOURCE,
            f"same_people.{n}.source_id",
        )
        for n, source_id in enumerate(named)
        if source_id not in in_file
    ]


def broken_by_link(
    patient_id: UUID, found: OnFile | None, known_as: UUID | None, column: str
) -> list[Broken]:
    """Whether a person of a file is this patient."""
    if found is None:
        return [unknown("patient", column)]
    if known_as not in {None, patient_id}:
        detail = (
            f"This id was imported as patient {known_as} before; go on with that one, or merge the"
            " files if they are one person's."
        )
        return [Broken("imported_as_another", detail, SOURCE, column)]
    broken = broken_by_closed(found.merged_into, column)
    if found.alike is False:
        detail = (
            "The patient on file has another name or birth date than this row; correct the one that"
            " is wrong, or name the patient who is meant."
        )
        broken.append(Broken("not_that_patient", detail, ONE_PERSON, column))
    return broken
