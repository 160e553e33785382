"""The client of Stripe that all nouns share: its limits, its errors, and how a thing is made once.

Each request has its own idempotency key, derived from a row that was committed before, and the
client itself repeats nothing. An outcome that is unknown is recovered by the same request under
the same key, or by looking.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import stripe
from stripe._base_address import BaseAddresses

from shared.errors import KeyRefused, Poison, Retry

API_VERSION = "2026-10-28.endive"
"""The API that this adapter was written and tested against; a new one is a change of code."""

TIME_LIMIT_S = 10.0
"""For one request from its start to its answer; the pages of a list are one request. The client's
own limit, 80 s, outlasts a lease."""

REQUESTS_MAX = 3
"""Of one call: a look where the key may be forgotten, the request, a look when its answer fails."""

CALL_LIMIT_S = REQUESTS_MAX * TIME_LIMIT_S + 2.0
"""For one call. It ends before the lease of the work does (45 s), so no two workers make it."""

R = TypeVar("R")


class Stripe:
    """Build one per process; it keeps its connections."""

    def __init__(
        self, key: str, *, api_base: str | None = None, time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        stripe.enable_telemetry = False  # it reports the latency of our requests
        self._time_limit_s = time_limit_s
        self._http = stripe.HTTPXClient(timeout=time_limit_s)
        self.v1 = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            max_network_retries=0,
            http_client=self._http,
            base_addresses=_at(api_base.rstrip("/")) if api_base else {},
        ).v1

    async def aclose(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # Stripe left it untyped

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """One request within its limit; past it the outcome is unknown."""
        try:
            async with asyncio.timeout(self._time_limit_s):
                with _mapped():
                    yield
        except TimeoutError:
            raise Retry("stripe_unreachable") from None

    async def once(
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
            async with self.request():
                known = await look()
            if known is not None:
                return known
        try:
            async with self.request():
                return await send()
        except Retry:
            async with self.request():
                known = await look()
            if known is None:
                raise
            return known


def _at(address: str) -> BaseAddresses:
    """Where everything is that is asked of Stripe: its API, and what holds documents."""
    return {"api": address, "files": address}


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
        raise KeyRefused(
            "stripe_refuses_our_key", vendor="Stripe", setting="BILLING_STRIPE_KEY"
        ) from None
    except stripe.StripeError:
        raise Retry("stripe_in_trouble") from None
