"""How much of a drug: in the unit that the catalogue names for it, and in no other.

On the wire and on record an amount is a whole number of the smallest part of its measure: of a mass
micrograms (`_ug`), of a volume microlitres (`_ul`), of international units thousandths (`_miu`).
People read it in the drug's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.refusals import Broken


class Scale(StrEnum):
    """What is measured of a drug, by the suffix of the fields that say so."""

    MASS = "ug"
    VOLUME = "ul"
    UNITS = "miu"


class DoseUnit(StrEnum):
    """In which unit a drug is prescribed, and read."""

    MCG = "mcg"
    MG = "mg"
    G = "g"
    ML = "mL"
    L = "L"
    IU = "IU"

    @property
    def scale(self) -> Scale:
        return _PARTS[self][0]


_PARTS = {
    DoseUnit.MCG: (Scale.MASS, 1),
    DoseUnit.MG: (Scale.MASS, 1000),
    DoseUnit.G: (Scale.MASS, 1_000_000),
    DoseUnit.ML: (Scale.VOLUME, 1000),
    DoseUnit.L: (Scale.VOLUME, 1_000_000),
    DoseUnit.IU: (Scale.UNITS, 1000),
}
"""Of which measure a unit is, and how many of its smallest parts it has."""

USUAL = {Scale.MASS: DoseUnit.MG, Scale.VOLUME: DoseUnit.ML, Scale.UNITS: DoseUnit.IU}

SOURCE = "the unit on record for the drug of this type of visit"


@dataclass(frozen=True, slots=True)
class Amount:
    """So many of the smallest parts of a measure."""

    scale: Scale
    parts: int

    def in_unit(self, unit: DoseUnit | None) -> str:
        """As people read it: `35.5 mg`. In the usual unit where the drug's has another measure."""
        if unit is None or unit.scale is not self.scale:
            unit = USUAL[self.scale]
        number = Decimal(self.parts) / _PARTS[unit][1]
        return f"{number.normalize():f} {unit}"


def amount_in(said: Mapping[str, Any], what: str) -> Amount | None:
    """The amount under a name (`dose`, `drawn`, `given`) in whichever measure it was said."""
    for scale in Scale:
        parts = said.get(f"{what}_{scale}")
        if parts is not None:
            return Amount(scale, parts)
    return None


def broken_by_unit(scale: Scale, drug: str | None, unit: DoseUnit | None) -> list[Broken]:
    """Whether a dose is said in the measure of its drug's unit."""
    if unit is not None and unit.scale is scale:
        return []
    if unit is None:
        detail = "Nothing that is measured is given in such a visit; record the drug's unit first."
    else:
        detail = (
            f"A dose of {drug} is measured in {unit}, and this is said in {USUAL[scale]}; say it in"
            f" dose_{unit.scale}."
        )
    return [Broken("dose_unit", detail, SOURCE, f"dose_{scale}")]


def broken_by_other_unit(planned: Scale, said: Scale) -> list[Broken]:
    """Whether what ran is said in the measure in which it was planned."""
    if planned is said:
        return []
    detail = (
        f"The dose is planned in {USUAL[planned]}, and this is said in {USUAL[said]}; say what ran"
        f" in drawn_{planned} and given_{planned}, or have it planned anew."
    )
    return [
        Broken("dose_unit", detail, "the plan that the infusion was started on", f"given_{said}")
    ]
