"""How far a payment by CareCredit may go, and when it never came.

CareCredit has no interface for one clinic: its portal, link, phone and terminal tell the staff,
and the staff tell billing (carecredit.com/providercenter/resources/paymyprovider).
"""

from __future__ import annotations

from enum import StrEnum

from shared.refusals import Broken


class CareCreditState(StrEnum):
    LINK_SENT = "link_sent"
    REPORTED = "reported"
    CONFIRMED = "confirmed"
    FUNDED = "funded"
    REJECTED = "rejected"


class Channel(StrEnum):
    """Where the patient paid."""

    PORTAL = "portal"
    LINK = "link"
    PHONE = "phone"
    TERMINAL = "terminal"


NEXT = {
    CareCreditState.LINK_SENT: frozenset({CareCreditState.REPORTED, CareCreditState.REJECTED}),
    CareCreditState.REPORTED: frozenset({CareCreditState.CONFIRMED, CareCreditState.REJECTED}),
    CareCreditState.CONFIRMED: frozenset({CareCreditState.FUNDED, CareCreditState.REJECTED}),
    CareCreditState.FUNDED: frozenset(),
    CareCreditState.REJECTED: frozenset(),
}
"""One way. The database holds to the same."""


def broken_by_step(state: CareCreditState, to: CareCreditState) -> list[Broken]:
    """What forbids to bring a payment further."""
    if to in NEXT[state]:
        return []
    comes = " or ".join(sorted(step.value for step in NEXT[state])) or "nothing more"
    return [
        Broken(
            "care_credit_step",
            f"This payment is {_words(state)}; {_words(comes)} comes next, not {_words(to)}.",
            "link sent, reported, confirmed, funded; rejected before that",
            "state",
        )
    ]


def broken_by_rejection(refunded_cents: int) -> list[Broken]:
    """A payment of which something went back has come."""
    if refunded_cents == 0:
        return []
    return [
        Broken(
            "payment_refunded",
            "A part of this payment was given back, so it cannot have failed to come. Refund the"
            " rest instead.",
            "what never came cannot go back",
        )
    ]


def broken_by_fee(amount_cents: int, fee_cents: int) -> list[Broken]:
    if fee_cents <= amount_cents:
        return []
    return [
        Broken(
            "fee_above_amount",
            "CareCredit's fee is a part of what was paid. Give it in cents, as its report does.",
            "CareCredit's funding report",
            "fee_cents",
        )
    ]


def _words(state: str) -> str:
    return state.replace("_", " ")
