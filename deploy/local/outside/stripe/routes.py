"""Stripe's addresses under `/stripe/v1` and `/stripe/v2`."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe import (
    balance_transactions,
    charges,
    checkout_sessions,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    thin_events,
    uploads,
)
from deploy.local.outside.stripe.errors import StripeProblem

router = APIRouter(prefix="/stripe")
_v1 = APIRouter(prefix="/v1")
for noun in (
    customers,
    payment_methods,
    setup_intents,
    payment_intents,
    checkout_sessions,
    charges,
    refunds,
    disputes,
    uploads,
    balance_transactions,
    payouts,
    events,
):
    _v1.include_router(noun.router)
router.include_router(_v1)
router.include_router(thin_events.router)


@router.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
async def unknown(path: str) -> None:
    """Everything that this Stripe does not do."""
    raise StripeProblem(
        404, "invalid_request_error", f"Unrecognized request URL (/{path}). Not simulated."
    )
