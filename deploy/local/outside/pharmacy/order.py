"""The order form, strict. Too long is refused, never cut: a cut prescription is void."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

_NPI_CONSTANT = 24  # the digits 80840 that an NPI's check digit covers, summed
_DEA = re.compile(r"[A-Z][A-Z9][0-9]{7}")
_MOST_REFILLS_C_III = 5


def passes_npi_check(npi: str) -> bool:
    digits = [int(digit) for digit in reversed(npi)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled) + _NPI_CONSTANT) % 10 == 0


def passes_dea_check(number: str) -> bool:
    d = [int(digit) for digit in number[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


Text30 = Annotated[str, Field(min_length=1, max_length=30, pattern=r"\S")]
Text60 = Annotated[str, Field(min_length=1, max_length=60, pattern=r"\S")]
Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{7,14}$")]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?$", max_length=12)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, str_strip_whitespace=False)


class Address(_Part):
    line1: Text60
    line2: Annotated[str, Field(max_length=60)] | None = None
    city: Text30
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    postal_code: Annotated[str, Field(pattern=r"^[0-9]{5}(-[0-9]{4})?$")]


class Patient(_Part):
    first_name: Text30
    last_name: Text30
    birth_date: date
    phone: Phone
    address: Address


class Prescriber(_Part):
    name: Text60
    npi: Annotated[str, Field(pattern=r"^[0-9]{10}$")]
    dea_number: str
    phone: Phone
    address: Address

    @field_validator("npi")
    @classmethod
    def _npi_checks(cls, npi: str) -> str:
        if not passes_npi_check(npi):
            raise ValueError("is not an NPI: its check digit is wrong")
        return npi

    @field_validator("dea_number")
    @classmethod
    def _dea_checks(cls, number: str) -> str:
        if not _DEA.fullmatch(number) or not passes_dea_check(number):
            raise ValueError("is not a DEA number: two letters and seven digits that check")
        return number


class Ingredient(_Part):
    name: Text60
    quantity: Amount
    unit: Text30


class Signature(_Part):
    """Evidence of a signature at a certified vendor: 21 CFR 1311."""

    signature_id: Annotated[str, Field(min_length=1, max_length=64)]
    signer_dea_number: str
    signed_at: AwareDatetime
    factors: Annotated[
        list[Literal["knowledge", "biometric", "hard_token"]], Field(min_length=2, max_length=3)
    ]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @field_validator("factors")
    @classmethod
    def _two_different(cls, factors: list[str]) -> list[str]:
        if len(set(factors)) != len(factors):
            raise ValueError("must be two different factors")
        return factors


class OrderForm(_Part):
    """One prescription to be compounded and sent to the patient."""

    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    patient: Patient
    prescriber: Prescriber
    drug: Annotated[str, Field(min_length=1, max_length=254, pattern=r"\S")]
    schedule: Literal["C-III", "none"]
    ingredients: Annotated[list[Ingredient], Field(min_length=1, max_length=25)]
    strength: Text60
    form: Literal["nasal_spray", "troche", "rapid_dissolve_tablet", "capsule"]
    quantity: Amount
    quantity_unit: Literal["mL", "each"]
    days_supply: Annotated[int, Field(ge=1, le=180)]
    sig: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
    refills: Annotated[int, Field(ge=0, le=11)]
    date_written: date
    clinical_difference: Annotated[str, Field(max_length=2000)] | None = None
    signature: Signature | None = None

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if self.schedule != "C-III":
            return self
        if self.signature is None:
            raise ValueError("a C-III prescription must be signed: signature is missing")
        if self.signature.signer_dea_number != self.prescriber.dea_number:
            raise ValueError("the signer is not the prescriber: their DEA numbers differ")
        if self.refills > _MOST_REFILLS_C_III:
            raise ValueError("a C-III prescription may have at most 5 refills")
        return self
