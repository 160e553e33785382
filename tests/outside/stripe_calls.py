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


async def pay_link(
    client: stripe.StripeClient,
    *,
    attempt: str = "a-1",
    key: str | None = None,
    name: str = "Your balance",
    **changed: Any,
) -> stripe.checkout.Session:
    """A page on which a patient pays one balance."""
    price = {"currency": "usd", "unit_amount": 39900, "product_data": {"name": name}}
    params: Any = {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": price}],
        "payment_intent_data": {"metadata": {"attempt_id": attempt}},
        "metadata": {"link_id": "l-1"},
        "success_url": "http://127.0.0.1/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1/later",
    }
    return await client.v1.checkout.sessions.create_async(
        params | changed, {"idempotency_key": key} if key else {}
    )


async def pay(
    client: stripe.StripeClient, card: str = "pm_card_visa", *, cents: int = 39900
) -> tuple[str, str]:
    """A paid charge: the ids of its PaymentIntent and of itself."""
    customer, saved = await save_card(client, card)
    params = charge_params(customer, saved) | {"amount": cents}
    intent = await client.v1.payment_intents.create_async(params)
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.id, intent.latest_charge.id
