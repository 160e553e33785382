"""What a patient agrees to when a card is saved, and what forbids to take an agreement down.

Stripe asks whoever saves a card to have an agreement on record: that it is charged later, when and
how much, and how to cancel (docs.stripe.com/payments/save-and-reuse). Without one, or once it is
withdrawn, no card is charged: the patient is asked to pay on a page. A text that is replaced stays
agreed to by those who agreed to it; nobody is taken to have agreed to a later one.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from services.billing.rules.charges.pricing import FAR_AHEAD
from services.billing.rules.payments.cards import SetupState
from shared.refusals import Broken

SOURCE = "docs.stripe.com/payments/save-and-reuse"


class Way(StrEnum):
    """Where the patient agreed: in their own browser, or at the desk before a member of staff."""

    HOSTED_PAGE = "hosted_page"
    IN_PERSON = "in_person"


def broken_by_agreement(
    state: SetupState, shown_text_id: int, text_id: int, way: Way, *, has_ip: bool, is_known: bool
) -> list[Broken]:
    """What forbids to note that a patient agreed. `shown_text_id` is what the set-up shows."""
    if is_known:
        return [
            Broken(
                "mandate_known",
                "The agreement for this card is on record. After it was withdrawn the card has to"
                " be saved again: POST /patients/…/card-setups.",
                "one agreement for each card that is saved",
            )
        ]
    broken = []
    if state is SetupState.FAILED:
        broken.append(
            Broken(
                "setup_failed",
                "This card was not saved. Begin again: POST /patients/…/card-setups.",
                "an agreement is about a card",
            )
        )
    if text_id != shown_text_id:
        broken.append(
            Broken(
                "mandate_text_not_shown",
                f"This set-up shows text {shown_text_id}. Show that one to the patient, and give"
                " its number.",
                SOURCE,
                "text_id",
            )
        )
    if has_ip and way is not Way.HOSTED_PAGE:
        broken.append(
            Broken(
                "address_of_the_desk",
                "At the desk it is the desk's own address. Leave it out: who took the agreement"
                " down is kept.",
                "the address is evidence of the patient's browser",
                "ip",
            )
        )
    return broken


WITHDRAWN_BEFORE = Broken(
    "mandate_withdrawn",
    "This agreement was withdrawn already: its card is not charged.",
    "an agreement is withdrawn once",
)


NO_TEXT = Broken(
    "no_mandate_text",
    "No text is in force that a patient could agree to, so no card can be saved. Record one:"
    " POST /mandate-texts.",
    SOURCE,
)


def broken_by_text(effective_from: date, today: date) -> list[Broken]:
    """What forbids to record a text."""
    if effective_from < today:
        return [
            Broken(
                "mandate_text_past",
                "Nobody was shown this text on a day that is over. Let it begin today or later.",
                "who agreed before has agreed to the text of that day",
                "effective_from",
            )
        ]
    if effective_from - today > FAR_AHEAD:
        return [
            Broken(
                "mandate_text_far_ahead",
                "A text begins within the next two years. Check the year.",
                "a figure of ours against mistyped years",
                "effective_from",
            )
        ]
    return []
