"""Why a try at a card did not pay, in the house's words, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
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
    WITHDRAWN = "withdrawn"


_NEVER_AGAIN = frozenset({"03", "21"})
"""Mastercard's advice codes: do not try again, payment cancelled (docs.stripe.com/declines/card,
network advice codes)."""

_NOT_THIS_CARD = frozenset({"do_not_try_again", "confirm_card_data"})
"""Stripe's advice after which the card as it is on file is not worth another try (the same)."""


@dataclass(frozen=True, slots=True)
class DeclineCodes:
    """What Stripe, the bank and the card's network said of a refusal. None of it is free text."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None


def decline_reason(codes: DeclineCodes) -> DeclineReason:
    """What the codes mean for the house. A code that is new to us is a plain decline.

    Advice never to try again outweighs the bank's own reason.
    """
    said = {codes.code, codes.decline_code}
    if "authentication_required" in said:
        return DeclineReason.AUTHENTICATION_REQUIRED
    if codes.advice_code in _NOT_THIS_CARD or codes.network_advice_code in _NEVER_AGAIN:
        return DeclineReason.CARD_NOT_USABLE
    if "insufficient_funds" in said:
        return DeclineReason.INSUFFICIENT_FUNDS
    if said & _NOT_USABLE:
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
    DeclineReason.NO_MANDATE: (
        "No agreement to charge the card stands, so no bank was asked. The patient is asked to pay"
        " on a page. To charge a card again, save one under an agreement."
    ),
    DeclineReason.DECLINED: (
        "The bank refused without a reason, or Stripe before it asked the bank. Have the patient"
        " ask the bank, then try again, save another card, or record a payment from outside."
    ),
    AbandonReason.DISCARDED: (
        "The try was given up. Stripe is being asked whether it took the money: wait for that."
    ),
    AbandonReason.NOT_AT_STRIPE: (
        "The try was given up and never reached Stripe. No money was taken: try again."
    ),
    AbandonReason.WITHDRAWN: (
        "The charge was paid otherwise while Stripe did not answer. Stripe is asked whether it took"
        " the money as well: what it took is on GET /unmatched-payments."
    ),
    AbandonReason.LINK_ENDED: (
        "The pay link ran out, or was withdrawn because something else was done. Nobody paid by it."
    ),
}


def what_to_do(reason: DeclineReason | AbandonReason) -> str:
    """What a reason means for whoever looks at the charge."""
    return _WHAT_TO_DO[reason]
