"""A pay link: a page at Stripe on which a patient pays one charge, once, with any card.

It goes out where no saved card can pay. It is withdrawn as soon as what is owed changes, or a card
is tried, so that nobody pays twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from services.billing.rules.charges.attempts import Owed
from services.billing.rules.collecting.asking import broken_by_least
from shared.events.billing import DeclineReason
from shared.refusals import Broken

LIVES = timedelta(hours=23)
"""Stripe lets a page live for 24 hours at most from when it is made
(docs.stripe.com/api/checkout/sessions/create); its clock is not ours."""

NEEDS = timedelta(minutes=45)
"""Stripe makes no page that ends within 30 minutes (the same), nor would it help a patient."""

LATE = timedelta(minutes=15)
"""Stripe's own word of a page's end comes first, as a rule; its clock is not ours."""


class LinkState(StrEnum):
    PENDING = "pending"
    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class LinkReason(StrEnum):
    """Why a patient is asked to pay on a page."""

    NO_CARD = "no_card"
    NO_MANDATE = "no_mandate"
    BANK_ASKS = "bank_asks"
    NEW_CARD_NEEDED = "new_card_needed"
    ASKED_BY_STAFF = "asked_by_staff"


_BECAUSE = {
    DeclineReason.NO_CARD_ON_FILE: LinkReason.NO_CARD,
    DeclineReason.NO_MANDATE: LinkReason.NO_MANDATE,
    DeclineReason.AUTHENTICATION_REQUIRED: LinkReason.BANK_ASKS,
    DeclineReason.CARD_NOT_USABLE: LinkReason.NEW_CARD_NEEDED,
    DeclineReason.DECLINED: LinkReason.NEW_CARD_NEEDED,
}


def link_reason(declined: DeclineReason) -> LinkReason | None:
    """Why a link goes out after a refusal; `None` where the same card may pay later."""
    return _BECAUSE.get(declined)


_MOVES = {
    LinkState.PENDING: frozenset({LinkState.OPEN, LinkState.EXPIRED, LinkState.FAILED}),
    LinkState.OPEN: frozenset({LinkState.EXPIRED}),
}


def may_become(state: LinkState, to: LinkState) -> bool:
    """Whether news of a page is news. A repeated webhook or a late answer is not."""
    return to in _MOVES.get(state, frozenset())


def expires_at(created_at: datetime) -> datetime:
    """The same however often the page is asked for: it is part of what Stripe's key stands for."""
    return created_at + LIVES


def due_before(now: datetime) -> datetime:
    """Stripe is asked of pages that are still out and were to end by then."""
    return now - LATE


def is_too_late(created_at: datetime, now: datetime) -> bool:
    """Whether a page that was never made is not worth making any more."""
    return expires_at(created_at) - now < NEEDS


def broken_by_link(owed: Owed) -> list[Broken]:
    """What forbids a pay link for a charge."""
    if owed.standing.owed_cents == 0:
        return [
            Broken(
                "charge_paid",
                "Nothing is owed on this charge any more.",
                "no more is taken for a charge than it costs",
            )
        ]
    if owed.trying is not None:
        return [
            Broken(
                "attempt_under_way",
                "A try at the card is under way or not known to have ended. Wait for its outcome:"
                " GET /patients/…/charges shows it.",
                "no more is taken for a charge than it costs",
            )
        ]
    return broken_by_least(owed.standing.owed_cents)
