"""When money may go back, to which tender, and what a refund leaves owed.

A refund names its payment and goes back the way that came. Its reason says whether the clinic is
owed the money again: what another tender will pay is, what the clinic gives up is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.billing.rules.charges.attempts import CURRENCY, wrong_currency
from services.billing.rules.charges.standing import Standing
from services.billing.rules.payments.references import broken_by_reference
from shared.events.billing import RefundReason, TenderKind
from shared.money import dollars
from shared.refusals import Broken

OWED_AGAIN = frozenset({RefundReason.OTHER_TENDER, RefundReason.TAKEN_BY_MISTAKE})
"""Reasons after which the charge waits for its money again. The others lessen the charge."""


class RefundState(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundStep(StrEnum):
    """What news of a refund does to it."""

    TAKE = "take"
    CHANGES_NOTHING = "changes_nothing"
    CONTRADICTS = "contradicts"


def step(state: RefundState, news: RefundState, *, is_known: bool) -> RefundStep:
    """One way: pending, succeeded, failed. A bank may send back what Stripe says succeeded.

    Of a refund that Stripe has (`is_known`), success told after failure is the slower of two
    answers. Of one that Stripe had refused, it is money that went back and that the books deny.
    """
    if state is news or news is RefundState.PENDING:
        return RefundStep.CHANGES_NOTHING
    if state is RefundState.FAILED:
        return RefundStep.CHANGES_NOTHING if is_known else RefundStep.CONTRADICTS
    return RefundStep.TAKE


@dataclass(frozen=True, slots=True)
class Refundable:
    """A payment as somebody wants to give it back. It pays a charge, or waits on a list."""

    tender: TenderKind
    amount_cents: int
    refunded_cents: int
    pays_charge: bool
    is_rejected: bool = False
    charged_back_cents: int = 0
    is_charged_back: bool = False
    """The bank has it until it has decided: a refund would be paid twice."""

    unapplied_cents: int = 0
    """What of a payment of a charge the charge does not need any more."""

    in_steps_cents: tuple[int, ...] | None = None
    """What of it may go back where that is counted in units of a package: one, two, and so on."""

    @property
    def left_cents(self) -> int:
        return self.amount_cents - self.refunded_cents - self.charged_back_cents

    def most_cents(self, reason: RefundReason) -> int:
        """What can go back for a reason: of what pays the charge, or of what pays none."""
        waits_cents = self.unapplied_cents if self.pays_charge else self.left_cents
        if reason is RefundReason.NOTHING_OWED:
            return waits_cents
        return self.left_cents - waits_cents

    def fits(self, reason: RefundReason) -> bool:
        """Whether a reason says what becomes of what is left."""
        if self.left_cents == 0:
            return self.pays_charge is not (reason is RefundReason.NOTHING_OWED)
        return self.most_cents(reason) > 0


def broken_by_refund(
    paid: Refundable,
    *,
    amount_cents: int,
    reason: RefundReason,
    tender: TenderKind | None,
    currency: str,
    reference: str | None,
) -> list[Broken]:
    """Everything that forbids a refund. `tender` is the one that was asked for, where one was."""
    if paid.is_rejected:
        return [
            Broken(
                "payment_rejected",
                "This payment never came, so nothing can go back. The charge is owed again.",
                "what never came cannot go back",
            )
        ]
    if paid.is_charged_back:
        return [
            Broken(
                "payment_disputed",
                "The cardholder's bank has taken this payment back. Accept the dispute if the"
                " patient is right: GET /disputes.",
                "docs.stripe.com/disputes: a disputed charge cannot be refunded",
            )
        ]
    broken = []
    fits = paid.fits(reason) or reason is RefundReason.MADE_AT_STRIPE
    most_cents = paid.most_cents(reason) if paid.fits(reason) else paid.left_cents
    if amount_cents > most_cents:
        broken.append(_more_than_left(paid, most_cents, amount_cents))
    elif paid.in_steps_cents is not None and amount_cents not in paid.in_steps_cents:
        broken.append(_not_in_units(paid))
    if tender not in {None, paid.tender}:
        broken.append(
            Broken(
                "refund_to_another_tender",
                f"This was paid by {in_words(paid.tender)} and goes back that way only. Leave the"
                " tender out.",
                "card network rules, CareCredit's agreement: no refund to another tender",
                "tender",
            )
        )
    if currency != CURRENCY:
        broken.append(wrong_currency())
    if reason is RefundReason.MADE_AT_STRIPE:
        broken.append(
            Broken(
                "reason_is_stripes",
                "This reason is for what somebody gives back in Stripe's dashboard, which is booked"
                " by itself. Say why it is given back here.",
                "a refund says what becomes of the charge",
                "reason",
            )
        )
    elif not fits:
        broken.append(
            Broken(
                "reason_does_not_fit",
                "This pays a charge: say why it is given back."
                if reason is RefundReason.NOTHING_OWED
                else "No charge is paid with this: the reason is nothing_owed.",
                "a refund says what becomes of the charge",
                "reason",
            )
        )
    broken += _broken_by_reference(paid.tender, reference)
    return broken


@dataclass(frozen=True, slots=True)
class Parts:
    """What a refund is of: what its payment pays or waits as, what waits beside that, and more."""

    of_payment_cents: int
    unapplied_cents: int = 0
    beyond_cents: int = 0


def parts_at_stripe(paid: Refundable, amount_cents: int) -> tuple[RefundReason, Parts]:
    """What a refund made at Stripe is of: of what pays no charge, where that is enough.

    Of a package it is so many whole visits as it is enough for. What went back beyond what the
    books have of the payment is for a person to explain.
    """
    if paid.in_steps_cents is not None:
        cents = max((step for step in paid.in_steps_cents if step <= amount_cents), default=0)
        return RefundReason.MADE_AT_STRIPE, Parts(cents, beyond_cents=amount_cents - cents)
    if paid.pays_charge and amount_cents <= paid.unapplied_cents:
        return RefundReason.NOTHING_OWED, Parts(amount_cents)
    pays_cents = paid.left_cents - paid.unapplied_cents
    unapplied_cents = paid.unapplied_cents if amount_cents > pays_cents else 0
    cents = min(pays_cents, amount_cents - unapplied_cents)
    beyond_cents = amount_cents - unapplied_cents - cents
    return RefundReason.MADE_AT_STRIPE, Parts(cents, unapplied_cents, beyond_cents)


def _more_than_left(paid: Refundable, most_cents: int, amount_cents: int) -> Broken:
    if most_cents == 0:
        detail = f"All {dollars(paid.amount_cents)} of this payment went back or are on their way."
    else:
        detail = (
            f"{dollars(most_cents)} of this payment can go back, not {dollars(amount_cents)}."
            " Refund that or a part of it."
        )
    return Broken(
        "more_than_paid", detail, "no more goes back than came and has not gone", "amount_cents"
    )


def _not_in_units(paid: Refundable) -> Broken:
    if paid.in_steps_cents:
        offered = ", ".join(
            f"{dollars(cents)} for {count}" for count, cents in enumerate(paid.in_steps_cents, 1)
        )
        detail = f"What is prepaid goes back by whole visits: {offered}. Refund one of these."
    elif paid.pays_charge:
        detail = (
            "The cardholder's bank took back what this package was paid with: there is no package"
            " to put the visit back into."
        )
    else:
        detail = (
            "Nothing of this package is left. Refund the payment of a visit first: that puts the"
            " visit back into the package."
        )
    return Broken(
        "not_in_units",
        detail,
        "what is prepaid goes back at unit price",
        "amount_cents",
    )


_WITHOUT_RECEIPT = {
    TenderKind.CARD: Broken(
        "reference_is_stripes",
        "Stripe makes this refund and numbers it. Leave the reference out.",
        "a card's refund is made by its processor",
        "reference",
    ),
    TenderKind.PREPAID: Broken(
        "reference_is_ours",
        "No money leaves the clinic: the visit is put back into its package. Leave the reference"
        " out.",
        "a unit goes back to its package",
        "reference",
    ),
}


def _broken_by_reference(tender: TenderKind, reference: str | None) -> list[Broken]:
    if tender in _WITHOUT_RECEIPT:
        return [] if reference is None else [_WITHOUT_RECEIPT[tender]]
    if reference is None:
        return [
            Broken(
                "reference_missing",
                f"Give the money back by {in_words(tender)} first, then record it here with the"
                " reference of its receipt.",
                "one receipt per refund",
                "reference",
            )
        ]
    return broken_by_reference(reference)


def in_words(tender: TenderKind) -> str:
    match tender:
        case TenderKind.CARE_CREDIT:
            return "CareCredit"
        case TenderKind.PREPAID:
            return "a prepaid package"
        case _:
            return tender.value.replace("_", " ")


def after_refund(standing: Standing, amount_cents: int, reason: RefundReason) -> Standing:
    """How a charge stands once money is on its way back."""
    left = standing.with_paid(-amount_cents)
    return left if reason in OWED_AGAIN else left.with_forgiven(amount_cents)


def after_failure(standing: Standing, amount_cents: int, reason: RefundReason) -> Standing | None:
    """How a charge stands when a refund failed: as before. `None` where that does not fit.

    Another tender has paid meanwhile what was owed again: then the money is the patient's, and a
    person has to find a way to give it back.
    """
    if reason not in OWED_AGAIN:
        return standing.with_forgiven(-amount_cents).with_paid(amount_cents)
    if standing.owed_cents < amount_cents:
        return None
    return standing.with_paid(amount_cents)
