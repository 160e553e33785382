"""What superbills may say besides what scheduling knows: each left out where nobody recorded it.

Osmind's and CMS-1500's optional fields: the patient's sex, the referrer, the clinician's taxonomy
and state of license, who supervised, the clinic's e-mail. Some patients want no diagnosis in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.billing.rules.charges.coverage import Coverage
from shared.identifiers import is_npi
from shared.refusals import Broken


class Sex(StrEnum):
    """As the insurer has it on record: CMS-1500 item 3 knows these, and nothing in between."""

    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "U"


@dataclass(frozen=True, slots=True)
class NamedProvider:
    """Somebody else who had a part in the care."""

    name: str
    npi: str


@dataclass(frozen=True, slots=True)
class OfPatient:
    """`tells_diagnoses` says whether diagnoses are told in words beside their codes."""

    sex: Sex | None = None
    referrer: NamedProvider | None = None
    tells_diagnoses: bool = True


@dataclass(frozen=True, slots=True)
class OfClinician:
    """`supervising` is another person than the clinician, where there is one."""

    taxonomy: str | None = None
    license_state: str | None = None
    supervising: NamedProvider | None = None


@dataclass(frozen=True, slots=True)
class OfClinic:
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Additions:
    """What was recorded for the patient, the clinician and the clinic of one visit.

    `coverage` is what the patient's answer was for its day.
    """

    patient: OfPatient = OfPatient()
    clinician: OfClinician = OfClinician()
    clinic: OfClinic = OfClinic()
    coverage: Coverage | None = None


NOTHING_ADDED = Additions()


def broken_by_providers(named: Sequence[tuple[str, NamedProvider | None]]) -> list[Broken]:
    """What forbids naming other providers, each with the field that names it."""
    return [
        Broken(
            "provider_npi",
            "This NPI does not check. Copy it from the NPPES registry.",
            "45 CFR 162.406: ten digits, the last of which checks the others",
            f"{field}.npi",
        )
        for field, one in named
        if one is not None and not is_npi(one.npi)
    ]
