"""Prepaid packages: visits of one kind at one price, when one is sold, and for which money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.billing.rules.charges.attempts import CURRENCY, wrong_currency
from services.billing.rules.charges.pricing import FAR_AHEAD, fee_starts_at
from services.billing.rules.clinic import clinic_day
from services.billing.rules.collecting.asking import broken_by_least
from services.billing.rules.collecting.declines import AbandonReason, what_to_do
from services.billing.rules.payments.references import broken_by_reference
from shared.events.billing import DeclineReason, TenderKind
from shared.money import dollars
from shared.refusals import Broken

MOST_UNITS = 24
"""Of one package: four series of six infusions (FAQ). The figure is ours against mistyped ones."""


class PurchaseState(StrEnum):
    """`pending` waits for its money: a card's, or CareCredit's. Only what is paid can be used.

    Of one that is `charged_back` the cardholder's bank has the money.
    """

    PENDING = "pending"
    PAID = "paid"
    DECLINED = "declined"
    CHARGED_BACK = "charged_back"


class NotFunded(StrEnum):
    """Why a purchase came to nothing that no card was to pay."""

    CARE_CREDIT_REJECTED = "care_credit_rejected"


NotPaid = DeclineReason | AbandonReason | NotFunded


def why_not_paid(reason: NotPaid) -> str:
    """Why no money came for a package, and what to do about it."""
    if isinstance(reason, NotFunded):
        return "CareCredit never paid this package. Sell it again for another tender."
    return f"Nothing was bought. {what_to_do(reason)}"


class PurchaseStep(StrEnum):
    """What news of its money does to a purchase."""

    TAKE = "take"
    CHANGES_NOTHING = "changes_nothing"


def step(state: PurchaseState, news: PurchaseState) -> PurchaseStep:
    """Money that Stripe took after all makes a package of what was declined: it can go back.

    A refusal that is told of what was paid is the slower of two answers.
    """
    came_after_all = state is PurchaseState.DECLINED and news is PurchaseState.PAID
    if state is PurchaseState.PENDING or came_after_all:
        return PurchaseStep.TAKE
    return PurchaseStep.CHANGES_NOTHING


@dataclass(frozen=True, slots=True)
class Offer:
    """A package as the clinic sells it, between two instants."""

    visit_type: str
    units: int
    price_cents: int
    starts_at: datetime
    ended_at: datetime | None
    takes_care_credit: bool


def broken_by_offer(
    *, units: int, price_cents: int, single_cents: int | None, effective_from: date, now: datetime
) -> list[Broken]:
    """What forbids to offer a package. `single_cents` is the fee of one visit on its first day."""
    broken = []
    if fee_starts_at(effective_from) - now > FAR_AHEAD:
        broken.append(
            Broken(
                "package_far_ahead",
                "A package begins within the next two years. Check the year.",
                "a figure of ours against mistyped years",
                "effective_from",
            )
        )
    if price_cents < units:
        broken.append(
            Broken(
                "less_than_a_cent",
                f"A package of {units} costs {units} cents at least.",
                "each unit has a price",
                "price_cents",
            )
        )
    if single_cents is None:
        broken.append(
            Broken(
                "no_fee_for_visit_type",
                "No fee of this visit type is in force on the first day. Check the code, or record"
                " the fee first: POST /fees.",
                "a package is of visits that the clinic charges for",
                "visit_type",
            )
        )
    elif price_cents > units * single_cents:
        broken.append(
            Broken(
                "dearer_than_visits",
                f"{units} visits paid one by one cost {dollars(units * single_cents)}. A package"
                " costs that or less.",
                "Va. Code 59.1-607 ff.: the advertised price is the whole price",
                "price_cents",
            )
        )
    return broken


def broken_by_sale(offer: Offer, now: datetime) -> list[Broken]:
    """What forbids to sell a package now."""
    if offer.ended_at is not None:
        detail = f"The clinic stopped selling this package on {clinic_day(offer.ended_at)}."
    elif now < offer.starts_at:
        detail = f"This package is sold from {clinic_day(offer.starts_at)} on."
    else:
        return []
    return [
        Broken(
            "package_not_on_sale",
            f"{detail} Choose another: GET /packages.",
            "a package is sold from its first day until it is ended",
            "package_id",
        )
    ]


def broken_by_payment(
    offer: Offer, tender: TenderKind, reference: str | None, currency: str, card_id: UUID | None
) -> list[Broken]:
    """What forbids to pay a package so."""
    broken = [] if currency == CURRENCY else [wrong_currency()]
    match tender:
        case TenderKind.CARD:
            broken += broken_by_least(offer.price_cents) + _broken_by_card(reference, card_id)
        case TenderKind.PREPAID:
            broken.append(
                Broken(
                    "paid_by_package",
                    "A package is not paid with another. Take a card, CareCredit, cash or a check.",
                    "a package is paid with money",
                    "tender",
                )
            )
        case TenderKind.CARE_CREDIT if not offer.takes_care_credit:
            broken.append(
                Broken(
                    "not_by_care_credit",
                    "This package is not sold for CareCredit. Take another tender, or have it"
                    " offered anew with takes_care_credit once the agreement was looked at.",
                    "CareCredit's agreement limits charging before the service",
                    "tender",
                )
            )
        case _:
            broken += _broken_by_reference(reference)
    return broken


def _broken_by_card(reference: str | None, card_id: UUID | None) -> list[Broken]:
    broken = []
    if reference is not None:
        broken.append(
            Broken(
                "reference_is_stripes",
                "Stripe numbers payments by card. Leave the reference out.",
                "a card's payment is made by its processor",
                "reference",
            )
        )
    if card_id is None:
        broken.append(
            Broken(
                "no_card_on_file",
                "The patient has no card on file that may be charged. Save one (POST"
                " /patients/…/card-setups) and record the agreement, or take another tender.",
                "a card is charged off session only after its patient agreed to that",
                "tender",
            )
        )
    return broken


def _broken_by_reference(reference: str | None) -> list[Broken]:
    if reference is None:
        return [
            Broken(
                "reference_missing",
                "Give the reference of the payment's receipt.",
                "one payment per receipt",
                "reference",
            )
        ]
    return broken_by_reference(reference)


def broken_by_detail(tender: TenderKind, *, by_link: bool) -> list[Broken]:
    """What forbids details of CareCredit. A link of CareCredit is sent for a charge only."""
    if tender is not TenderKind.CARE_CREDIT:
        return [
            Broken(
                "care_credit_only",
                "These details are of CareCredit, and another tender was given. Leave them out.",
                "a payment has one tender",
                "care_credit",
            )
        ]
    if by_link:
        return [
            Broken(
                "another_link",
                "A link of CareCredit pays a charge, and this is a package. Leave the link out.",
                "the links that were noted: GET /care-credit",
                "care_credit.tender_id",
            )
        ]
    return []


ALL_HELD = Broken(
    "collections_held",
    "A hold is open for all that this patient owes: no card is charged. GET /collections/holds says"
    " why. Money that the patient brings can be taken: give its tender and reference.",
    "no collecting while a dispute is open; the clinic's own holds",
    "tender",
)

PURCHASE_UNDER_WAY = Broken(
    "purchase_under_way",
    "A package of this patient waits for its money: GET /patients/…/packages. Wait until that has"
    " come or not.",
    "one purchase at a time, so that a repeated click buys one package",
)
