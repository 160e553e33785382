"""A cardholder's bank doubts a payment: how a dispute goes, and what its end leaves owed.

An inquiry only asks. A chargeback has taken the money already, and a fee with it; won, the money
comes back. Both go one way, and what was seen of a later state is not undone by news of an earlier
one (docs.stripe.com/disputes/how-disputes-work).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.money import dollars
from shared.refusals import Broken

WARN_BEFORE = timedelta(days=3)
"""Of the bank's last day. Stripe leaves 7 to 21 days; the figure is ours: a weekend and a day."""

PAYMENT_TAKES = timedelta(hours=1)
"""A bank may doubt a payment before its news has come: Stripe's list of events is gone through
every hour. After that it is not in the books. The figure is ours, as the next ones."""

LOOK_AGAIN_AFTER = timedelta(minutes=5)

LOOK_ON_EVERY = timedelta(hours=1)
"""For a payment that is not in the books, while its dispute is open."""


class DisputeState(StrEnum):
    """In the order in which they may follow each other. The last two are ends of the same height.

    An inquiry that was closed may still become a chargeback.
    """

    INQUIRY = "inquiry"
    INQUIRY_ANSWERED = "inquiry_answered"
    INQUIRY_CLOSED = "inquiry_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


UNANSWERED = frozenset({DisputeState.INQUIRY, DisputeState.NEEDS_RESPONSE})
CLOSED = frozenset({DisputeState.INQUIRY_CLOSED, DisputeState.WON, DisputeState.LOST})
CHARGEBACKS = frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW})
"""The money is at the bank until it has decided: nothing else can go back of that payment."""

DECIDED = frozenset({DisputeState.WON, DisputeState.LOST})

_HEIGHTS = {state: height for height, state in enumerate(DisputeState)} | {
    DisputeState.LOST: list(DisputeState).index(DisputeState.WON)
}


def moves_on(state: DisputeState, news: DisputeState) -> bool:
    """Whether news change a dispute.

    It goes one way, but for a bank that decides otherwise afterwards, as often as it does. That
    happens to one dispute in a hundred or fewer, in both directions, weeks later (of the 127,332
    of one seller 727 were won and then lost, 178 the reverse: antiwork/gumroad#6833).
    """
    decided_anew = state in DECIDED and news in DECIDED and state is not news
    return decided_anew or _HEIGHTS[news] > _HEIGHTS[state]


@dataclass(frozen=True, slots=True)
class Moved:
    """A balance transaction of a dispute. Cents as Stripe signs them: what it takes is negative."""

    transaction_id: str
    amount_cents: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Loss:
    """What a lost dispute took: of what its payment still paid, beyond that, and of what waited."""

    owed_again_cents: int
    beyond_cents: int
    waited_cents: int = 0


NO_LOSS = Loss(0, 0)


def loss_of(held_cents: int, *, still_paid_cents: int, waits_cents: int = 0) -> Loss:
    """Whose loss it is that a bank keeps money.

    First it is what waits to be given back: the patient has that from the bank now. Then what the
    payment paid is owed again. What was refunded before nobody owes.
    """
    held_cents = max(0, held_cents)
    waited_cents = min(held_cents, waits_cents)
    owed_again_cents = max(0, min(held_cents - waited_cents, still_paid_cents))
    return Loss(owed_again_cents, held_cents - waited_cents - owed_again_cents, waited_cents)


def is_urgent(state: DisputeState, due_at: datetime | None, now: datetime) -> bool:
    """Whether somebody has to answer now."""
    return state in UNANSWERED and due_at is not None and due_at - now <= WARN_BEFORE


_WHAT_TO_DO = {
    DisputeState.INQUIRY: (
        "The cardholder's bank asks about {amount} and has taken nothing. Answer it, or refund the"
        " payment if the patient is right; unanswered it may become a chargeback."
    ),
    DisputeState.INQUIRY_ANSWERED: "The bank looks at the answer about {amount}. Wait.",
    DisputeState.INQUIRY_CLOSED: "The bank asked about {amount} and took nothing.",
    DisputeState.NEEDS_RESPONSE: (
        "The cardholder's bank took {amount} back. Look at the evidence and have it sent, or accept"
        " the dispute; unanswered it is lost."
    ),
    DisputeState.UNDER_REVIEW: "The bank looks at the evidence about {amount}. Wait.",
    DisputeState.WON: "The bank gave {amount} back.",
    DisputeState.LOST: (
        "The bank keeps {amount}. What the payment paid is owed again, and nothing is asked for it"
        " by itself: agree with the patient, or give the charge up."
    ),
}


_UNPLACED = (
    " This payment is not in the books: look it up at Stripe. If it is the clinic's, its news was"
    " lost or was refused (practice parked list). The dispute finds it by itself once it is there."
)


_LOST_UNPLACED = (
    "The bank keeps {amount}. In the books it stands against what the payment brought, and nobody"
    " owes it."
)


def what_to_do(state: DisputeState, amount_cents: int, *, is_placed: bool) -> str:
    """A dispute for whoever works it off."""
    if is_placed:
        return _WHAT_TO_DO[state].format(amount=dollars(amount_cents))
    words = _LOST_UNPLACED if state is DisputeState.LOST else _WHAT_TO_DO[state]
    return words.format(amount=dollars(amount_cents)) + _UNPLACED


def looks_on(state: DisputeState) -> bool:
    """Whether the payment of a dispute is looked for every hour, or only every morning."""
    return state not in CLOSED


HOLD_OF_DISPUTE = Broken(
    "hold_of_dispute",
    "This hold ends by itself when the bank has decided. Until then nothing may be asked for by"
    " card: GET /disputes.",
    "no collecting while a card dispute is open",
)
