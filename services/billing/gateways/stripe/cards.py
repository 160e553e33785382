"""`Cards` at Stripe: a patient is a customer there, and a card is saved by a SetupIntent."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

import stripe

from services.billing.gateways.cards import CustomerOrder, SetupOrder
from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import PAGE, id_of, marked, our_id, since
from services.billing.rules.payments.cards import expires_at
from services.billing.work import (
    CardConfirmed,
    CardStands,
    CustomerKnown,
    NothingToStore,
    SetupCancelled,
    SetupReady,
)
from shared.errors import Poison


class StripeCards:
    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def create_customer(self, order: CustomerOrder) -> CustomerKnown:
        mark = {"patient_id": str(order.patient_id)}

        async def create() -> stripe.Customer:
            return await self._stripe.v1.customers.create_async(
                {"metadata": mark}, {"idempotency_key": f"customer-{order.patient_id}"}
            )

        async def look() -> stripe.Customer | None:
            page = await self._stripe.v1.customers.list_async(
                {"created": since(order.created_at), "limit": PAGE}
            )
            return await marked(page.auto_paging_iter(), mark)

        customer = await self._stripe.once(create, look, look_first=order.look_first)
        return CustomerKnown(patient_id=order.patient_id, customer_id=customer.id)

    async def create_setup(self, order: SetupOrder) -> SetupReady:
        mark = {"setup_id": str(order.setup_id)}

        async def create() -> stripe.SetupIntent:
            return await self._stripe.v1.setup_intents.create_async(
                {
                    "customer": order.customer_id,
                    "usage": "off_session",
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": mark,
                },
                {"idempotency_key": str(order.setup_id)},
            )

        async def look() -> stripe.SetupIntent | None:
            page = await self._stripe.v1.setup_intents.list_async(
                {"customer": order.customer_id, "created": since(order.created_at), "limit": PAGE}
            )
            return await marked(page.auto_paging_iter(), mark)

        intent = await self._stripe.once(create, look, look_first=order.look_first)
        if intent.client_secret is None:
            raise Poison("stripe_gave_no_client_secret")
        return SetupReady(
            setup_id=order.setup_id,
            setup_intent_id=intent.id,
            client_secret=intent.client_secret,
        )

    async def card(self, payment_method_id: str) -> CardStands:
        """A card that was taken off its customer can never be put back (docs.stripe.com)."""
        async with self._stripe.request():
            method = await self._stripe.v1.payment_methods.retrieve_async(payment_method_id)
        return _stands(method)

    async def detach(self, payment_method_id: str) -> CardStands:
        """One that is off already stays so: Stripe refuses to take it off twice."""
        async with self._stripe.request():
            methods = self._stripe.v1.payment_methods
            method = await methods.retrieve_async(payment_method_id)
            if method.customer is not None:
                method = await methods.detach_async(payment_method_id)
        return _stands(method)

    async def setup(self, setup_intent_id: str) -> CardConfirmed | SetupCancelled | NothingToStore:
        async with self._stripe.request():
            intent = await self._stripe.v1.setup_intents.retrieve_async(
                setup_intent_id, {"expand": ["payment_method"]}
            )
        setup_id = our_id(intent.metadata, "setup_id")
        if setup_id is None:
            return NothingToStore()
        match intent.status:
            case "succeeded" if intent.payment_method is not None:
                method = intent.payment_method
                return CardConfirmed(
                    setup_id=setup_id,
                    payment_method_id=id_of(method),
                    **_told(None if isinstance(method, str) else method.card),
                )
            case "canceled":
                return SetupCancelled(setup_id=setup_id)
            case _:
                return NothingToStore()


def _stands(method: stripe.PaymentMethod) -> CardStands:
    return CardStands(
        payment_method_id=method.id,
        is_attached=method.customer is not None,
        **_told(method.card),
    )


class _Told(TypedDict, total=False):
    """What Stripe says of a card."""

    brand: str | None
    last4: str | None
    expires_at: datetime


def _told(card: stripe.PaymentMethod.Card | None) -> _Told:
    if card is None:
        return {"brand": None}
    ends = expires_at(card.exp_month, card.exp_year)
    return {"brand": card.brand, "last4": card.last4, "expires_at": ends}
