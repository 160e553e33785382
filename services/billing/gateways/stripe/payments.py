"""`Payments` at Stripe: a saved card is charged by a PaymentIntent, off session."""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

import stripe

from services.billing.gateways.payments import Order
from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import PAGE, marked, our_id, since
from services.billing.rules.collecting.declines import DeclineCodes, decline_reason
from services.billing.work import Captured, Declined, NeverArrived, NothingToStore
from shared.errors import Retry
from shared.events.billing import DeclineReason

NOT_BEGUN = frozenset(
    {
        "amount_too_large",
        "amount_too_small",
        "parameter_invalid_empty",
        "parameter_invalid_integer",
        "parameter_invalid_string_blank",
        "parameter_invalid_string_empty",
        "parameter_missing",
        "parameter_unknown",
    }
)
"""Codes with which Stripe refuses a request as it is written: nothing was begun, so nothing was
taken (docs.stripe.com/error-codes). An earlier request under the same key would have been answered
in its place."""


class StripePayments:
    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def capture(self, order: Order) -> Captured | Declined:
        return await self._stripe.once(
            lambda: self._pay(order), lambda: self._paid(order), look_first=order.look_first
        )

    async def find(self, order: Order) -> Captured | Declined | NeverArrived:
        async with self._stripe.request():
            return await self._paid(order) or NeverArrived(attempt_id=order.attempt_id)

    async def payment(self, payment_intent_id: str) -> Captured | Declined | NothingToStore:
        async with self._stripe.request():
            intent = await self._stripe.v1.payment_intents.retrieve_async(payment_intent_id)
        return _decided(intent) or NothingToStore()

    async def _pay(self, order: Order) -> Captured | Declined:
        try:
            intent = await self._stripe.v1.payment_intents.create_async(
                {
                    "amount": order.amount_cents,
                    "currency": "usd",
                    "customer": order.customer_id,
                    "payment_method": order.payment_method_id,
                    "off_session": True,
                    "confirm": True,
                    "metadata": {"attempt_id": str(order.attempt_id)},
                },
                {"idempotency_key": str(order.attempt_id)},
            )
        except stripe.CardError as refused:
            return _declined(order.attempt_id, refused)
        except stripe.InvalidRequestError as refused:
            if refused.code == "resource_missing":  # the card or its customer is gone at Stripe
                return Declined(
                    attempt_id=order.attempt_id,
                    payment_intent_id=None,
                    reason=DeclineReason.CARD_NOT_USABLE,
                )
            if refused.code in NOT_BEGUN:
                codes = DeclineCodes(code=refused.code)
                return Declined(
                    attempt_id=order.attempt_id,
                    payment_intent_id=None,
                    reason=decline_reason(codes),
                    codes=codes,
                )
            raise
        return _decided(intent) or _undecided()

    async def _paid(self, order: Order) -> Captured | Declined | None:
        """What an earlier request of this attempt came to; `None` if none arrived."""
        page = await self._stripe.v1.payment_intents.list_async(
            {"customer": order.customer_id, "created": since(order.created_at), "limit": PAGE}
        )
        known = await marked(page.auto_paging_iter(), {"attempt_id": str(order.attempt_id)})
        return None if known is None else _decided(known) or _undecided()


def _decided(intent: stripe.PaymentIntent) -> Captured | Declined | None:
    """What a payment came to; `None` while it is open, or when it is not ours."""
    attempt_id = our_id(intent.metadata, "attempt_id")
    if attempt_id is None:
        return None
    match intent.status:
        case "succeeded":
            return Captured(
                attempt_id=attempt_id,
                payment_intent_id=intent.id,
                amount_cents=intent.amount_received,
            )
        case "canceled":
            codes = DeclineCodes()
        case "requires_payment_method" if intent.last_payment_error is not None:
            codes = _codes(intent.last_payment_error)
        case _:
            return None
    return Declined(
        attempt_id=attempt_id,
        payment_intent_id=intent.id,
        reason=decline_reason(codes),
        codes=codes,
    )


def _undecided() -> NoReturn:
    raise Retry("stripe_undecided", "the payment exists and has not come to an end")


def _declined(attempt_id: UUID, refused: stripe.CardError) -> Declined:
    error = refused.error
    intent = None if error is None else getattr(error, "payment_intent", None)
    codes = DeclineCodes(code=refused.code) if error is None else _codes(error)
    return Declined(
        attempt_id=attempt_id,
        payment_intent_id=None if intent is None else intent.id,
        reason=decline_reason(codes),
        codes=codes,
    )


def _codes(error: object) -> DeclineCodes:
    """What was said of a refusal. Stripe leaves out what was not."""
    return DeclineCodes(
        **{name: getattr(error, name, None) for name in DeclineCodes.__dataclass_fields__}
    )
