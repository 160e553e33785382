"""What a prescription is made of, and what the two vendors say about it. Frozen, no behaviour."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.claims import ClinicianCard, PatientCard
from shared.events import Moment

Displayed = dict[str, str | int]
"""A prescription as the prescriber sees it: flat, text and whole numbers."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Ingredient(_Value):
    name: str
    quantity: str
    unit: str


class Item(_Value):
    """A line of the formulary: what is prescribed, how much, and how it is used."""

    drug: str
    schedule: str
    ingredients: tuple[Ingredient, ...]
    strength: str
    form: str
    quantity: str
    quantity_unit: str
    days_supply: int
    sig: str
    refills: int
    clinical_difference: str


class Partner(_Value):
    """A compounding pharmacy. `limits`: most characters, by the path of a field in its order."""

    name: str
    limits: dict[str, int]


class Content(_Value):
    """Everything one prescription says, but for its date and its signature."""

    patient: PatientCard
    prescriber: ClinicianCard
    zone: str
    item: Item
    partner: Partner


class Evidence(_Value):
    """What the certified vendor vouches for (21 CFR 1311). Names the factors, never holds them."""

    signature_id: str
    signer_dea_number: str
    signed_at: Moment
    factors: tuple[str, ...]
    sha256: str


class Session(_Value):
    """A signing session as the vendor has it now."""

    session_id: str
    status: Literal["open", "signed", "declined"]
    url: str
    sha256: str
    declined_at: Moment | None = None
    signature: Evidence | None = None


class OrderStep(_Value):
    status: str
    at: Moment


class Order(_Value):
    """An order as the partner pharmacy has it now, under statuses of its own."""

    order_id: str
    status: str
    status_at: Moment
    reason: str | None = None
    history: tuple[OrderStep, ...]


class Violation(_Value):
    """One thing that is wrong: the field's path, the rule, what would be right, and who says so.

    A vendor's own words come without a rule.
    """

    field: str | None = None
    rule: str | None = None
    detail: str
    source: str | None = None
