"""Stripe through its official client: one file per noun, over one client.

Nothing but random ids, amounts and Stripe's own ids goes out: no name, no contact, no word of what
was done. The answer to a dispute alone says who came and when, in documents that two people saw.
"""

from __future__ import annotations

from typing import Any

from services.billing.gateways.balance import ProcessorBalance
from services.billing.gateways.cards import Cards
from services.billing.gateways.disputes import Disputes
from services.billing.gateways.news import News
from services.billing.gateways.pay_links import PayLinks
from services.billing.gateways.payments import Payments
from services.billing.gateways.refunds import Refunds
from services.billing.gateways.stripe.balance import StripeBalance
from services.billing.gateways.stripe.cards import StripeCards
from services.billing.gateways.stripe.client import CALL_LIMIT_S, Stripe
from services.billing.gateways.stripe.disputes import StripeDisputes
from services.billing.gateways.stripe.notices import StripeNews
from services.billing.gateways.stripe.pay_links import StripePayLinks
from services.billing.gateways.stripe.payments import StripePayments
from services.billing.gateways.stripe.refunds import StripeRefunds

__all__ = [
    "CALL_LIMIT_S",
    "Stripe",
    "StripeBalance",
    "StripeCards",
    "StripeDisputes",
    "StripeNews",
    "StripePayLinks",
    "StripePayments",
    "StripeRefunds",
    "at_stripe",
]


def at_stripe(client: Stripe, *, return_url: str) -> dict[type[Any], object]:
    """What billing asks of Stripe, by noun; and the client itself, which is closed at the end.

    `return_url` is where patients land who have paid on a page.
    """
    return {
        Payments: StripePayments(client),
        Cards: StripeCards(client),
        PayLinks: StripePayLinks(client, return_url=return_url),
        News: StripeNews(client),
        ProcessorBalance: StripeBalance(client),
        Refunds: StripeRefunds(client),
        Disputes: StripeDisputes(client),
        Stripe: client,
    }
