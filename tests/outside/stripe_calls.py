"""The calls that billing makes, for tests that look at their effects."""

from __future__ import annotations

from typing import Any

import stripe


async def save_card(
    client: stripe.StripeClient, card: str = "pm_card_visa"
) -> tuple[stripe.Customer, str]:
    """A customer with a card saved for later."""
    customer = await client.v1.customers.create_async({"metadata": {"patient_id": "p-1"}})
    intent = await client.v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "usage": "off_session",
            "payment_method": card,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    assert isinstance(intent.payment_method, str)
    return customer, intent.payment_method


def charge_params(customer: stripe.Customer, card: str, attempt: str = "a-1") -> Any:
    return {
        "customer": customer.id,
        "payment_method": card,
        "amount": 39900,
        "currency": "usd",
        "off_session": True,
        "confirm": True,
        "metadata": {"attempt_id": attempt},
        "expand": ["latest_charge"],
    }
