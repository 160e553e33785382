"""When a charge may be tried, paid or not, and what an outcome does to an attempt.

An attempt goes one way: pending, then captured or declined. So a late answer, a repeated webhook
and both together end where the first of them ended. One that a person gave up is abandoned: until
Stripe has told what came of it, nothing else is tried. Money that Stripe took for an attempt all
the same pays the charge, lest it be asked for twice; where the charge is settled otherwise, a
person gives it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.billing.rules.charges.standing import ChargeState, Standing
from services.billing.rules.collecting.asking import broken_by_least
from services.billing.rules.payments.references import broken_by_reference
from shared.events.billing import TenderKind
from shared.money import dollars
from shared.refusals import Broken

KEY_LIFE = timedelta(hours=24)
"""Stripe forgets an idempotency key after at least this long (docs.stripe.com/api)."""

KEY_MARGIN = timedelta(hours=1)
"""Between the look at our clock and Stripe's look at its own lie a call and the clocks' drift."""

SETTLES_WITHIN = timedelta(minutes=1)
"""How long Stripe may still work on a request that we gave up. It is looked for after that."""

OUTSIDE = frozenset(TenderKind) - {TenderKind.CARD, TenderKind.PREPAID}


CURRENCY = "USD"


class AttemptState(StrEnum):
    """`offered` is a try that is left to the patient: a pay link is out for it."""

    PENDING = "pending"
    OFFERED = "offered"
    CAPTURED = "captured"
    DECLINED = "declined"
    ABANDONED = "abandoned"


class Step(StrEnum):
    """What an outcome does to an attempt."""

    TAKE = "take"
    CHANGES_NOTHING = "changes_nothing"
    UNMATCHED = "unmatched"


def step(state: AttemptState, outcome: AttemptState, *, decided: bool, settled: bool) -> Step:
    """What an outcome does. `settled` says that the charge does not wait for the money any more.

    Less is owed on it than was taken, or another try is under way. A refusal that is told of what
    is decided is the slower of two answers: at Stripe nothing leads from succeeded back
    (docs.stripe.com/payments/paymentintents/lifecycle).
    """
    if not decided:
        return Step.TAKE
    if state is outcome or outcome is AttemptState.DECLINED:
        return Step.CHANGES_NOTHING
    return Step.UNMATCHED if settled else Step.TAKE


def key_may_be_forgotten(created_at: datetime, now: datetime) -> bool:
    """Whether to look a payment up before sending it again: its key may protect no longer."""
    return now - created_at >= KEY_LIFE - KEY_MARGIN


@dataclass(frozen=True, slots=True)
class Trying:
    """A try whose outcome is not known. `parked_id` is the work that waits for a person."""

    state: AttemptState
    parked_id: UUID | None


@dataclass(frozen=True, slots=True)
class Owed:
    """A charge as somebody wants to pay it. `card_id` as in `pricing.OnFile`."""

    standing: Standing
    trying: Trying | None
    card_id: UUID | None
    has_card: bool
    unusable_card_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Charged:
    """How a visit was charged."""

    charge_id: UUID
    state: ChargeState
    tender: TenderKind
    amount_cents: int


def broken_by_late_tender(charged: Charged) -> Broken:
    """What to do instead of choosing a tender for a visit that is charged."""
    what = f"This visit is charged already: {dollars(charged.amount_cents)}"
    if charged.state is ChargeState.PAID:
        do = (
            f", paid by {charged.tender.replace('_', ' ')}. To have it paid otherwise, give that"
            " payment back first."
        )
    else:
        do = (
            ", not paid yet. When no try at the card is under way, record the payment:"
            f" POST /charges/{charged.charge_id}/outside-payments."
        )
    return Broken("already_charged", what + do, "a visit is charged once", "tender")


PREPAID_BY_ITSELF = Broken(
    "prepaid_by_itself",
    "A package pays its visits by itself as long as something of it is left. Choose how the visit"
    " is paid when nothing is.",
    "what is paid ahead is used first",
    "tender",
)


def broken_by_try(owed: Owed, amount_cents: int) -> list[Broken]:
    """What forbids the next try at the card on file."""
    if broken := (
        _not_payable(owed) or _more_than_owed(owed, amount_cents) or broken_by_least(amount_cents)
    ):
        return broken
    if owed.card_id is None and owed.has_card:
        return [
            Broken(
                "no_mandate",
                "A card is saved, but the patient has not agreed that it is charged, or no more"
                " does. Save one under an agreement (POST /patients/…/card-setups), or send a pay"
                " link (POST /charges/…/pay-links).",
                "docs.stripe.com/payments/save-and-reuse: an agreement on record",
            )
        ]
    if owed.card_id is None:
        return [
            Broken(
                "no_card_on_file",
                "The patient has no card on file. Save one (POST /patients/…/card-setups) and try"
                " again, or record a payment from outside (POST /charges/…/outside-payments).",
                "a card is charged off session only after it was saved for that",
            )
        ]
    if owed.card_id in owed.unusable_card_ids:
        return [
            Broken(
                "card_not_usable",
                "This card was refused for good. Save another card first.",
                "docs.stripe.com/declines: do not try again",
            )
        ]
    return []


def broken_by_adjustment(owed: Owed, amount_cents: int) -> list[Broken]:
    """What forbids giving up a part of what is owed."""
    return _not_payable(owed) or _more_than_owed(owed, amount_cents)


def broken_by_outside_payment(
    owed: Owed,
    tender: TenderKind,
    reference: str,
    amount_cents: int,
    *,
    instead_of_card: bool = False,
) -> list[Broken]:
    """What forbids recording a payment from outside; its reference is compared elsewhere.

    One that pays the whole charge may be taken instead of a try at the card whose outcome nobody
    knows: then nothing is owed that another try could take.
    """
    owed_cents = owed.standing.owed_cents
    if instead_of_card and amount_cents != owed_cents and owed_cents:
        return [
            Broken(
                "withdraws_all_or_nothing",
                f"Instead of the card all {dollars(owed_cents)} that is owed has to be paid. Take"
                " that, or wait for the outcome of the try.",
                "no second try while the outcome of the first is not known",
                "amount_cents",
            )
        ]
    if broken := _not_payable(replace(owed, trying=None) if instead_of_card else owed):
        return broken
    broken = []
    if tender not in OUTSIDE:
        broken.append(
            Broken(
                "tender_not_outside",
                "A card is charged by a try (POST .../attempts), and a package pays by itself:"
                " neither is recorded by hand.",
                "FAQ: Care Credit; the clinic also takes cash and checks",
                "tender",
            )
        )
    broken += _more_than_owed(owed, amount_cents)
    return broken + broken_by_reference(reference)


def wrong_currency() -> Broken:
    return Broken(
        "wrong_currency",
        "The clinic takes and gives back US dollars. Give the amount in USD.",
        "every fee is in USD",
        "currency",
    )


def _more_than_owed(owed: Owed, amount_cents: int) -> list[Broken]:
    owed_cents = owed.standing.owed_cents
    if amount_cents <= owed_cents:
        return []
    return [
        Broken(
            "more_than_owed",
            f"{dollars(owed_cents)} is owed, not {dollars(amount_cents)}. Take that"
            " or a part of it.",
            "the fee in force on the day of the infusion, less what was paid and given up",
            "amount_cents",
        )
    ]


def _not_payable(owed: Owed) -> list[Broken]:
    if owed.standing.owed_cents == 0:
        return [
            Broken(
                "charge_paid",
                "Nothing is owed on this charge any more.",
                "no more is taken for a charge than it costs",
            )
        ]
    return [] if owed.trying is None else [_in_the_way(owed.trying)]


def _in_the_way(trying: Trying) -> Broken:
    """What an unknown outcome keeps from happening, and what to do about it."""
    given_up = trying.state is AttemptState.ABANDONED
    if trying.parked_id is not None:
        rule = "attempt_parked"
        detail = (
            "Whether a try at the card took the money is not known, and what would find out waits"
            f" for a person: practice parked show {trying.parked_id}. Replay it when its cause is"
            " mended."
        )
        if not given_up:
            detail += " Or discard it: then Stripe is asked, and the next try is possible after."
    elif given_up:
        rule = "attempt_looked_up"
        detail = (
            "A try at the card was given up, and Stripe is being asked whether it took the money."
            " Look at the charge again in a few minutes."
        )
    else:
        rule = "attempt_under_way"
        detail = (
            "A try at the card is under way. Wait for its outcome. Where Stripe does not answer,"
            " take the whole by another tender and record it with instead_of_card."
        )
    return Broken(rule, detail, "one payment at a time")
