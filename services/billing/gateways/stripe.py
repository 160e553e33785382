"""`Payments` at Stripe, through its official client.

Nothing but random ids, amounts and Stripe's own ids goes out: no name, no contact, no word of what
was done. Each request has its own idempotency key, derived from a row that was committed before,
and the client itself repeats nothing. An outcome that is unknown is recovered by the same request
under the same key, or by looking. Looking means listing, not searching: Stripe's search lags
behind its writes (docs.stripe.com/search), a list does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import stripe

from services.billing.gateways.payments import (
    CustomerOrder,
    Order,
    SetupOrder,
)
from services.billing.rules.declines import decline_reason
from services.billing.work import (
    Captured,
    CardConfirmed,
    CustomerKnown,
    Declined,
    NeverArrived,
    NothingToStore,
    SetupCancelled,
    SetupReady,
)
from shared.errors import Poison, Retry
from shared.events.billing import DeclineReason

API_VERSION = "2026-10-28.endive"
"""The API that this adapter was written and tested against; a new one is a change of code."""

TIME_LIMIT_S = 10.0
"""For one request from its start to its answer; the pages of a list are one request. The client's
own limit, 80 s, outlasts a lease."""

REQUESTS_MAX = 3
"""Of one call: a look where the key may be forgotten, the request, a look when its answer fails."""

CALL_LIMIT_S = REQUESTS_MAX * TIME_LIMIT_S + 2.0
"""For one call. It ends before the lease of the work does (45 s), so no two workers make it."""

CLOCKS_DIFFER = timedelta(hours=1)
"""How far Stripe's clock may be from ours when we look for what we once sent."""

PAGE = 100

R = TypeVar("R")
T = TypeVar("T", stripe.PaymentIntent, stripe.SetupIntent, stripe.Customer)


class StripePayments:
    """Build one per process; it keeps its connections."""

    def __init__(
        self, key: str, *, api_base: str | None = None, time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        stripe.enable_telemetry = False  # it reports the latency of our requests
        self._time_limit_s = time_limit_s
        self._http = stripe.HTTPXClient(timeout=time_limit_s)
        self._client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            max_network_retries=0,
            http_client=self._http,
            base_addresses={"api": api_base.rstrip("/")} if api_base else {},
        )

    async def aclose(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # Stripe left it untyped

    async def capture(self, order: Order) -> Captured | Declined:
        return await self._once(
            lambda: self._pay(order), lambda: self._paid(order), look_first=order.look_first
        )

    async def find(self, order: Order) -> Captured | Declined | NeverArrived:
        async with self._request():
            return await self._paid(order) or NeverArrived(attempt_id=order.attempt_id)

    async def create_customer(self, order: CustomerOrder) -> CustomerKnown:
        mark = {"patient_id": str(order.patient_id)}

        async def create() -> stripe.Customer:
            return await self._client.v1.customers.create_async(
                {"metadata": mark}, {"idempotency_key": f"customer-{order.patient_id}"}
            )

        async def look() -> stripe.Customer | None:
            page = await self._client.v1.customers.list_async(
                {"created": _since(order.created_at), "limit": PAGE}
            )
            return await _marked(page.auto_paging_iter(), mark)

        customer = await self._once(create, look, look_first=order.look_first)
        return CustomerKnown(patient_id=order.patient_id, customer_id=customer.id)

    async def create_setup(self, order: SetupOrder) -> SetupReady:
        mark = {"setup_id": str(order.setup_id)}

        async def create() -> stripe.SetupIntent:
            return await self._client.v1.setup_intents.create_async(
                {
                    "customer": order.customer_id,
                    "usage": "off_session",
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": mark,
                },
                {"idempotency_key": str(order.setup_id)},
            )

        async def look() -> stripe.SetupIntent | None:
            page = await self._client.v1.setup_intents.list_async(
                {"customer": order.customer_id, "created": _since(order.created_at), "limit": PAGE}
            )
            return await _marked(page.auto_paging_iter(), mark)

        intent = await self._once(create, look, look_first=order.look_first)
        if intent.client_secret is None:
            raise Poison("stripe_gave_no_client_secret")
        return SetupReady(
            setup_id=order.setup_id,
            setup_intent_id=intent.id,
            client_secret=intent.client_secret,
        )

    async def payment(self, payment_intent_id: str) -> Captured | Declined | NothingToStore:
        async with self._request():
            intent = await self._client.v1.payment_intents.retrieve_async(payment_intent_id)
        return _decided(intent) or NothingToStore()

    async def setup(self, setup_intent_id: str) -> CardConfirmed | SetupCancelled | NothingToStore:
        async with self._request():
            intent = await self._client.v1.setup_intents.retrieve_async(setup_intent_id)
        setup_id = _our_id(intent.metadata, "setup_id")
        if setup_id is None:
            return NothingToStore()
        match intent.status:
            case "succeeded" if intent.payment_method is not None:
                card = _id_of(intent.payment_method)
                return CardConfirmed(setup_id=setup_id, payment_method_id=card)
            case "canceled":
                return SetupCancelled(setup_id=setup_id)
            case _:
                return NothingToStore()

    async def _once(
        self,
        send: Callable[[], Awaitable[R]],
        look: Callable[[], Awaitable[R | None]],
        *,
        look_first: bool,
    ) -> R:
        """Have a thing made once, or find it made.

        Stripe replays a 500 under its key for a day, whatever was done; what was done is in the
        list.
        """
        if look_first:
            async with self._request():
                known = await look()
            if known is not None:
                return known
        try:
            async with self._request():
                return await send()
        except Retry:
            async with self._request():
                known = await look()
            if known is None:
                raise
            return known

    @asynccontextmanager
    async def _request(self) -> AsyncIterator[None]:
        """One request within its limit; past it the outcome is unknown."""
        try:
            async with asyncio.timeout(self._time_limit_s):
                with _mapped():
                    yield
        except TimeoutError:
            raise Retry("stripe_unreachable") from None

    async def _pay(self, order: Order) -> Captured | Declined:
        try:
            intent = await self._client.v1.payment_intents.create_async(
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
            raise
        return _decided(intent) or _undecided()

    async def _paid(self, order: Order) -> Captured | Declined | None:
        """What an earlier request of this attempt came to; `None` if none arrived."""
        page = await self._client.v1.payment_intents.list_async(
            {"customer": order.customer_id, "created": _since(order.created_at), "limit": PAGE}
        )
        known = await _marked(page.auto_paging_iter(), {"attempt_id": str(order.attempt_id)})
        return None if known is None else _decided(known) or _undecided()


def _since(created_at: datetime) -> Any:
    return {"gte": int((created_at - CLOCKS_DIFFER).timestamp())}


async def _marked(found: AsyncIterator[T], mark: dict[str, str]) -> T | None:
    """The first object that carries a mark of ours."""
    [(name, value)] = mark.items()
    async for one in found:
        if _metadata(one.metadata).get(name) == value:
            return one
    return None


def _metadata(metadata: Any) -> dict[str, Any]:
    """Stripe's objects are no dictionaries."""
    return metadata.to_dict() if isinstance(metadata, stripe.StripeObject) else dict(metadata or {})


def _our_id(metadata: Any, name: str) -> UUID | None:
    try:
        return UUID(_metadata(metadata)[name])
    except (KeyError, ValueError):
        return None


def _id_of(reference: Any) -> str:
    return reference if isinstance(reference, str) else str(reference.id)


def _decided(intent: stripe.PaymentIntent) -> Captured | Declined | None:
    """What a payment came to; `None` while it is open, or when it is not ours."""
    attempt_id = _our_id(intent.metadata, "attempt_id")
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
            reason = DeclineReason.DECLINED
        case "requires_payment_method" if intent.last_payment_error is not None:
            error = intent.last_payment_error
            reason = decline_reason(error.code, getattr(error, "decline_code", None))
        case _:
            return None
    return Declined(attempt_id=attempt_id, payment_intent_id=intent.id, reason=reason)


def _undecided() -> NoReturn:
    raise Retry("stripe_undecided", "the payment exists and has not come to an end")


def _declined(attempt_id: UUID, refused: stripe.CardError) -> Declined:
    error = refused.error
    intent = None if error is None else getattr(error, "payment_intent", None)
    return Declined(
        attempt_id=attempt_id,
        payment_intent_id=None if intent is None else intent.id,
        reason=decline_reason(
            refused.code, None if error is None else getattr(error, "decline_code", None)
        ),
    )


@contextmanager
def _mapped() -> Iterator[None]:
    """Stripe's errors in the house's vocabulary. Their texts go no further: they quote requests."""
    try:
        yield
    except stripe.CardError:
        raise  # an answer, not trouble: only a payment gets one
    except stripe.IdempotencyError:
        raise Poison("stripe_key_used_otherwise") from None
    except stripe.InvalidRequestError as error:
        raise Poison(f"stripe_refuses_{error.code or 'request'}") from None
    except stripe.APIConnectionError:
        raise Retry("stripe_unreachable") from None
    except stripe.RateLimitError:
        raise Retry("stripe_busy") from None
    except (stripe.AuthenticationError, stripe.PermissionError):
        # heals when the configuration does: nothing is lost meanwhile
        raise Retry("stripe_refuses_our_key") from None
    except stripe.StripeError:
        raise Retry("stripe_in_trouble") from None
