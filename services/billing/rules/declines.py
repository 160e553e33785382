"""Why a try at a card did not pay, in the house's words, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from shared.events.billing import DeclineReason

_NOT_USABLE = frozenset(
    {
        "card_not_supported", "currency_not_supported", "expired_card", "incorrect_address",
        "incorrect_cvc", "incorrect_number", "incorrect_zip", "invalid_account", "invalid_cvc",
        "invalid_expiry_month", "invalid_expiry_year", "invalid_number", "lost_card",
        "new_account_information_available", "pickup_card", "restricted_card",
        "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card",
        "stop_payment_order", "testmode_decline",
    }
)  # fmt: skip
"""Codes after which the same card is not worth another try (docs.stripe.com/declines/codes)."""


class AbandonReason(StrEnum):
    """Why an attempt ends without an answer of the bank."""

    DISCARDED = "discarded"
    NOT_AT_STRIPE = "not_at_stripe"
    LINK_ENDED = "link_ended"


def decline_reason(code: str | None, decline_code: str | None) -> DeclineReason:
    """What an issuer's codes mean for the house. A code that is new to us is a plain decline."""
    codes = {code, decline_code}
    if "authentication_required" in codes:
        return DeclineReason.AUTHENTICATION_REQUIRED
    if "insufficient_funds" in codes:
        return DeclineReason.INSUFFICIENT_FUNDS
    if codes & _NOT_USABLE:
        return DeclineReason.CARD_NOT_USABLE
    return DeclineReason.DECLINED


_WHAT_TO_DO: dict[DeclineReason | AbandonReason, str] = {
    DeclineReason.INSUFFICIENT_FUNDS: (
        "The bank says that the funds do not suffice. Try again later, save another card, or"
        " record a payment from outside."
    ),
    DeclineReason.CARD_NOT_USABLE: (
        "The bank refuses this card for good. Save another card, then try again."
    ),
    DeclineReason.AUTHENTICATION_REQUIRED: (
        "The bank wants the patient to confirm the payment. Save the card again with the patient"
        " present and try again, or record a payment from outside."
    ),
    DeclineReason.NO_CARD_ON_FILE: (
        "No card was on file, so no bank was asked. Save a card and try again, or record a payment"
        " from outside."
    ),
    DeclineReason.DECLINED: (
        "The bank refused without a reason. Have the patient ask the bank, then try again, save"
        " another card, or record a payment from outside."
    ),
    AbandonReason.DISCARDED: (
        "The try was given up. Stripe is being asked whether it took the money: wait for that."
    ),
    AbandonReason.NOT_AT_STRIPE: (
        "The try was given up and never reached Stripe. No money was taken: try again."
    ),
    AbandonReason.LINK_ENDED: (
        "The pay link ran out, or was withdrawn because something else was done. Nobody paid by it."
    ),
}


def what_to_do(reason: DeclineReason | AbandonReason) -> str:
    """What a reason means for whoever looks at the charge."""
    return _WHAT_TO_DO[reason]
