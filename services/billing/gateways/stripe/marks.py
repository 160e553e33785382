"""Our ids on Stripe's objects, and how an object is found by one.

Looking means listing, not searching: Stripe's search lags behind its writes
(docs.stripe.com/search), a list does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import stripe
from stripe.checkout import Session

CLOCKS_DIFFER = timedelta(hours=1)
"""How far Stripe's clock may be from ours when we look for what we once sent."""

PAGE = 100

T = TypeVar("T", stripe.PaymentIntent, stripe.SetupIntent, stripe.Customer, stripe.Refund, Session)


def since(created_at: datetime) -> Any:
    """Bounds a list to what may have been made for a row of ours."""
    return {"gte": int((created_at - CLOCKS_DIFFER).timestamp())}


async def marked(found: AsyncIterator[T], mark: dict[str, str]) -> T | None:
    """The first object that carries a mark of ours."""
    [(name, value)] = mark.items()
    async for one in found:
        if _metadata(one.metadata).get(name) == value:
            return one
    return None


def our_id(metadata: Any, name: str) -> UUID | None:
    """The id of ours that an object carries; `None` where somebody else made it."""
    try:
        return UUID(_metadata(metadata)[name])
    except (KeyError, ValueError):
        return None


def id_of(reference: Any) -> str:
    """Stripe gives an object's id, or the object where it was asked to."""
    return reference if isinstance(reference, str) else str(reference.id)


def _metadata(metadata: Any) -> dict[str, Any]:
    """Stripe's objects are no dictionaries."""
    return metadata.to_dict() if isinstance(metadata, stripe.StripeObject) else dict(metadata or {})
