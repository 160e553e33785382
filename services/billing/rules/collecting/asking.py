"""What keeps a patient from being asked for money and a card from being tried, whoever wants to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.money import dollars
from shared.refusals import Broken

LEAST_CENTS = 50
"""Stripe takes no smaller payment in US dollars
(docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How often a network lets one card be tried, whatever for."""

    tries_max: int
    within: timedelta


HELD = Broken(
    "collections_held",
    "A hold is open: nothing is asked of this patient for this charge. GET /collections/holds"
    " says why. What the patient pays of themselves can be recorded:"
    " POST /charges/…/outside-payments.",
    "45 CFR 149.620: no collection while a dispute of the bill is open; the clinic's own holds",
)


def allowed_from(
    tried_at: Sequence[datetime], ceilings: Sequence[Ceiling], now: datetime
) -> datetime:
    """From when on the networks let a card be tried once more; now, or before, if they do."""
    newest_first = sorted(tried_at, reverse=True)
    frees = [
        newest_first[ceiling.tries_max - 1] + ceiling.within
        for ceiling in ceilings
        if len(newest_first) >= ceiling.tries_max
    ]
    return max([now, *frees])


def broken_by_ceiling(allowed: datetime, now: datetime, shown: str) -> list[Broken]:
    """Why a card is not tried now. `shown` is the allowed moment as the clinic reads it."""
    if allowed <= now:
        return []
    return [
        Broken(
            "card_tried_too_often",
            f"This card was tried as often as its network lets anybody. It may be tried again from"
            f" {shown} on. Save another card, send a pay link, or record a payment.",
            "Visa and Mastercard's ceilings on tries of one card, as recorded",
        )
    ]


def broken_by_least(amount_cents: int) -> list[Broken]:
    """Why an amount is not taken by a card."""
    if amount_cents >= LEAST_CENTS:
        return []
    return [
        Broken(
            "below_least_by_card",
            f"No card takes less than {dollars(LEAST_CENTS)}. Take {dollars(amount_cents)} by"
            " another tender, or give it up: POST /charges/…/adjustments.",
            "docs.stripe.com/currencies: the least that Stripe takes",
            "amount_cents",
        )
    ]
