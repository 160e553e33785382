"""Which codes were in force on one day, and what a claim may do with them.

The rows are the clinic's, from a day on each: code sets change every October and in between. CPT's
own descriptors are the AMA's, so the words beside a code are the clinic's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CPT = re.compile(r"[0-9]{4}[0-9FTU]")
_HCPCS = re.compile(r"[A-V][0-9]{4}")
_MODIFIER = re.compile(r"[A-Z0-9]{2}")
_ICD_10_CM = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
_NDC = re.compile(r"[0-9]{5}-[0-9]{4}-[0-9]{2}")

_EVALUATIONS = frozenset(
    {"99202", "99203", "99204", "99205", "99211", "99212", "99213", "99214", "99215"}
)
_INFUSIONS = range(96360, 96380)

SEPARATE_EVALUATION = "25"
"""CPT, modifier 25: an evaluation of its own on the day of a procedure."""

NDC_UNITS = frozenset({"ML", "UN", "GR", "F2"})
"""CMS-1500 item 24, NDC unit qualifiers: milliliter, unit, gram, international unit."""

NO_DOSE_IN_UNIT = frozenset({"J3490", "J3590", "J7999"})
"""HCPCS level II: of drugs without a code one unit is the drug; of others it is a dose."""


@dataclass(frozen=True, slots=True)
class ServiceCode:
    """A CPT or HCPCS code as it was on one day.

    `requires` names codes of which one stands on the same day, `excludes` those that may not.
    `units_max` is what a payer accepts in a day.
    """

    code: str
    is_billable: bool
    words: str
    requires: frozenset[str] = frozenset()
    excludes: frozenset[str] = frozenset()
    units_max: int | None = None


@dataclass(frozen=True, slots=True)
class DiagnosisCode:
    """An ICD-10-CM code as it was on one day. A heading is there and not billable."""

    code: str
    is_billable: bool
    words: str


@dataclass(frozen=True, slots=True)
class DrugCodes:
    """How infusions of a drug were coded on one day.

    `words` say why the drug has its code, `is_compounded` that the clinic has it compounded,
    `place` where it is given.
    """

    push: str
    first_hour: str
    further_hour: str
    drug: str
    compounded_drug: str
    is_compounded: bool
    words: str
    place: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place of service, by CMS's code, where the clinic saw people on one day."""

    words: str
    is_telehealth: bool


@dataclass(frozen=True, slots=True)
class CodeBook:
    """The codes of one day. What is not in it is not known to the clinic.

    `drugs` are by their names in small letters.
    """

    services: Mapping[str, ServiceCode] = field(default_factory=dict)
    diagnoses: Mapping[str, DiagnosisCode] = field(default_factory=dict)
    drugs: Mapping[str, DrugCodes] = field(default_factory=dict)
    drugs_of_types: Mapping[str, str] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()
    places: Mapping[str, Place] = field(default_factory=dict)

    def words_for(self, code: str) -> str:
        """What a service's code stands for, in the clinic's words; nothing for one unknown."""
        known = self.services.get(code)
        return known.words if known else ""

    def of_infusion(self, visit_type: str, drug_name: str | None) -> DrugCodes | None:
        """How what was given is coded, if it is: by the drug, or by the type where none is named.

        A drug's name counts however it is capitalised.
        """
        name = self.drugs_of_types.get(visit_type) if drug_name is None else drug_name
        return None if name is None else self.drugs.get(name.lower())

    def is_drug(self, code: str) -> bool:
        """Whether a line of this code names a drug."""
        return any(code in (one.drug, one.compounded_drug) for one in self.drugs.values())


def is_service_code(code: str) -> bool:
    """The shape of CPT (five digits, or four and F, T, U) or of HCPCS level II."""
    return bool(_CPT.fullmatch(code) or _HCPCS.fullmatch(code))


def is_cpt(code: str) -> bool:
    return _CPT.fullmatch(code) is not None


def is_infusion(code: str) -> bool:
    """CPT's section of hydration, injections and infusions: a clock says those."""
    return code.isdecimal() and int(code) in _INFUSIONS


def is_evaluation(code: str) -> bool:
    """CPT's office visits, of new and of known patients."""
    return code in _EVALUATIONS


def is_modifier(code: str) -> bool:
    return _MODIFIER.fullmatch(code) is not None


def is_diagnosis_code(code: str) -> bool:
    """The shape only: F33 and F42 have it and are not billable."""
    return _ICD_10_CM.fullmatch(code) is not None


def is_ndc(code: str) -> bool:
    """Eleven digits as payers take them, 5-4-2."""
    return _NDC.fullmatch(code) is not None
