"""Intake: what may be recorded of a patient, what screening looks for, and who is on file already.

Names and birth dates are sealed, so one person is told from another by a fingerprint of what is
said of them here. A telephone number is no part of it: people change theirs, and share one at home.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from shared.refusals import Broken


class Concern(StrEnum):
    """What "may require a more in-depth clearance" (FAQ: "Is there anything that excludes me")."""

    ACTIVE_LIVER_DISEASE = "active_liver_disease"
    HEART_DISEASE = "heart_disease"
    UNCONTROLLED_BLOOD_PRESSURE = "uncontrolled_blood_pressure"


def broken_by_birth_date(birth_date: date, today: date) -> list[Broken]:
    if birth_date <= today:
        return []
    return [
        Broken(
            "birth_date",
            "This birth date is yet to come; a patient is born before intake.",
            "the calendar",
            "birth_date",
        )
    ]


def person_said(first_name: str, last_name: str, birth_date: date) -> bytes:
    """What is the same however a name is written: letters without case, marks and signs between."""
    names = (_letters(first_name), _letters(last_name))
    return "\0".join((*names, birth_date.isoformat())).encode()


class Named(Protocol):
    """What tells one person from another."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def birth_date(self) -> date: ...


def person_of(named: Named) -> bytes:
    """`person_said` of a card."""
    return person_said(named.first_name, named.last_name, named.birth_date)


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in plain if each.isalnum())


ANOTHER_PERSON = "same_name_is_another_person"


def broken_by_look_alike(alike: Sequence[UUID]) -> list[Broken]:
    """Whether somebody else is on file who is like a patient who is registered or corrected."""
    if not alike:
        return []
    known = " and ".join(str(each) for each in alike)
    return [
        Broken(
            "looks_like_patient",
            f"This looks like patient {known}, of the same name and birth date. Go on with who is"
            f" on file. Where it is another person, say {ANOTHER_PERSON}, or for a row of a file"
            " give its source_id in other_people when the file is imported; where the row is this"
            " patient, in same_people.",
            "one person is on file once; some share a name and a birth date",
            ANOTHER_PERSON,
        )
    ]
