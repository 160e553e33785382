"""Money at Stripe that no charge waits for."""

from __future__ import annotations

from fastapi import APIRouter

from services.billing.handlers.payments import unmatched
from services.billing.handlers.payments.unmatched import (
    PaymentIntentId,
    PaymentReturned,
    UnmatchedListed,
)
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.get("/unmatched-payments", dependencies=[allow(Role.BILLER)])
async def list_unmatched(desk: AtDesk, asked: AskedPage) -> Page[UnmatchedListed]:
    """Money that Stripe took and that no charge waits for, in words."""
    return await desk.read(unmatched.list_unmatched, asked, purpose="payment")


@router.post("/unmatched-payments/{payment_intent_id}/returned", dependencies=[allow(Role.BILLER)])
async def note_return(payment_intent_id: PaymentIntentId, desk: AtDesk) -> PaymentReturned:
    """Note that such money was given back at Stripe."""
    return await desk.decide(unmatched.note_return, payment_intent_id)
