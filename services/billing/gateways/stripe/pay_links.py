"""`PayLinks` at Stripe: Checkout sessions. The page shows an amount and neutral words."""

from __future__ import annotations

import stripe
from stripe.checkout import Session

from services.billing.gateways.pay_links import LinkOrder, MadeLink
from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import PAGE, id_of, marked, our_id, since
from services.billing.work import Captured, NothingToStore, PayLinkEnded, PayLinkMade
from shared.errors import Poison, Retry

WORDS = "Clinic visit"
"""What the page says is paid for: nothing of what was done reaches Stripe."""

WHOLE: stripe.params.checkout.SessionRetrieveParams = {"expand": ["payment_intent"]}

REFUSED = frozenset({"requires_payment_method", "canceled"})
"""How a payment stands that did not come (docs.stripe.com/payments/paymentintents/lifecycle)."""


class StripePayLinks:
    """`return_url` is where a patient lands who has paid; it learns nothing of the payment."""

    def __init__(self, client: Stripe, *, return_url: str) -> None:
        self._stripe = client
        self._return_url = return_url

    async def create(self, order: LinkOrder) -> PayLinkMade | PayLinkEnded:
        if order.too_late:
            async with self._stripe.request():
                session = await self._look(order)
        else:
            session = await self._stripe.once(
                lambda: self._make(order), lambda: self._look(order), look_first=order.look_first
            )
        if session is None or session.status == "expired":
            return PayLinkEnded(pay_link_id=order.pay_link_id)
        if session.url is None:  # paid in the meantime: its webhook says so
            raise Retry("stripe_page_is_closed")
        return PayLinkMade(pay_link_id=order.pay_link_id, session_id=session.id, url=session.url)

    async def link(self, session_id: str) -> Captured | PayLinkEnded | NothingToStore:
        async with self._stripe.request():
            session = await self._stripe.v1.checkout.sessions.retrieve_async(session_id, WHOLE)
        return outcome_of(session)

    async def expire(self, made: MadeLink) -> Captured | PayLinkEnded | NothingToStore:
        async with self._stripe.request():
            try:
                session = await self._stripe.v1.checkout.sessions.expire_async(made.session_id)
            except stripe.InvalidRequestError:  # it has ended already: how, is to be seen
                session = await self._stripe.v1.checkout.sessions.retrieve_async(
                    made.session_id, WHOLE
                )
        if session.status == "open":
            raise Retry("stripe_page_stays_open")
        return outcome_of(session)

    async def _make(self, order: LinkOrder) -> Session:
        ours = str(order.pay_link_id)
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "payment",
            # Else whatever the account's dashboard has on, which is paid days later or taken back.
            "allowed_payment_method_types": ["card"],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": order.amount_cents,
                        "product_data": {"name": WORDS},
                    },
                }
            ],
            "payment_intent_data": {"metadata": {"attempt_id": ours}},
            "metadata": {"pay_link_id": ours},
            "success_url": self._return_url,
            "expires_at": int(order.expires_at.timestamp()),
        }
        if order.customer_id is not None:
            params["customer"] = order.customer_id
        return await self._stripe.v1.checkout.sessions.create_async(
            params, {"idempotency_key": ours}
        )

    async def _look(self, order: LinkOrder) -> Session | None:
        page = await self._stripe.v1.checkout.sessions.list_async(
            {"created": since(order.created_at), "limit": PAGE}
        )
        return await marked(page.auto_paging_iter(), {"pay_link_id": str(order.pay_link_id)})


def outcome_of(session: Session) -> Captured | PayLinkEnded | NothingToStore:
    """What a page came to.

    A page may be complete before its money is decided; what is refused then never expires.
    """
    pay_link_id = our_id(session.metadata, "pay_link_id")
    if pay_link_id is None:
        return NothingToStore()
    if session.status == "expired":
        return PayLinkEnded(pay_link_id=pay_link_id)
    if session.payment_status != "paid":
        is_refused = session.status == "complete" and _is_refused(session)
        return PayLinkEnded(pay_link_id=pay_link_id) if is_refused else NothingToStore()
    if session.payment_intent is None or session.amount_total is None:
        raise Poison("stripe_page_without_payment")
    return Captured(
        attempt_id=pay_link_id,
        payment_intent_id=id_of(session.payment_intent),
        amount_cents=session.amount_total,
    )


def _is_refused(session: Session) -> bool:
    intent = session.payment_intent
    return isinstance(intent, stripe.PaymentIntent) and intent.status in REFUSED
