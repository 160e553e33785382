"""What billing says: cards, charges, payments, superbills."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Moment, PatientEvent

PositiveCents = Annotated[int, Field(gt=0, le=100_000_000)]


class TenderKind(StrEnum):
    CARD = "card"
    CARE_CREDIT = "care_credit"
    CASH = "cash"
    CHECK = "check"


class DeclineReason(StrEnum):
    """Why a card was refused, as far as the house needs to know."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    CARD_NOT_USABLE = "card_not_usable"
    AUTHENTICATION_REQUIRED = "authentication_required"
    NO_CARD_ON_FILE = "no_card_on_file"
    DECLINED = "declined"


class CardSaved(PatientEvent, producer="billing"):
    """A card may be charged off session; the mandate is on record."""

    card_id: UUID
    saved_at: Moment


class ChargePosted(PatientEvent, producer="billing"):
    """An infusion is charged at the fee in force that day."""

    charge_id: UUID
    infusion_id: UUID
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    posted_at: Moment


class InfusionNotCharged(PatientEvent, producer="billing"):
    """An infusion could not be priced; a person decides."""

    infusion_id: UUID
    reason: Literal["no_fee_in_force"]
    noticed_at: Moment


class PaymentCaptured(PatientEvent, producer="billing"):
    """A card was charged for one charge."""

    payment_id: UUID
    charge_id: UUID
    infusion_id: UUID
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    captured_at: Moment


class PaymentDeclined(PatientEvent, producer="billing"):
    """A try at the saved card was refused; the charge is still owed."""

    attempt_id: UUID
    charge_id: UUID
    reason: DeclineReason
    declined_at: Moment


class OutsidePaymentRecorded(PatientEvent, producer="billing"):
    """A charge was settled outside the card processor, with a reference that is used once."""

    payment_id: UUID
    charge_id: UUID
    infusion_id: UUID
    tender: TenderKind
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    recorded_at: Moment


class SuperbillIssued(PatientEvent, producer="billing"):
    """A numbered, immutable superbill exists. The document is redeemed at billing's API."""

    superbill_id: UUID
    infusion_id: UUID
    charge_id: UUID
    number: Annotated[str, Field(max_length=32)]
    total_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    issued_at: Moment
