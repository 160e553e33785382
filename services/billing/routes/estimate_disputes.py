"""Disputes of estimates, which stop collecting."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.estimates import disputes
from services.billing.handlers.estimates.disputes import (
    CloseEstimateDispute,
    EstimateDisputeClosed,
    EstimateDisputeListed,
    EstimateDisputeOpened,
    OpenEstimateDispute,
)
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

BILLER = [allow(Role.BILLER)]

router = APIRouter(tags=["billing"])


@router.post("/estimates/{estimate_id}/disputes", dependencies=BILLER)
async def open_estimate_dispute(
    estimate_id: UUID, wish: OpenEstimateDispute, desk: AtDesk
) -> EstimateDisputeOpened:
    """A patient disputes a bill against its estimate: nothing is collected from now on."""
    by = desk.actor.subject
    return await desk.decide(disputes.open_dispute, estimate_id, wish, by)


@router.get("/estimate-disputes", dependencies=BILLER)
async def list_estimate_disputes(desk: AtDesk, asked: AskedPage) -> Page[EstimateDisputeListed]:
    """Disputes that are not closed."""
    return await desk.read(disputes.list_disputes, asked, purpose="payment")


@router.post("/estimate-disputes/{dispute_id}/closure", dependencies=BILLER)
async def close_estimate_dispute(
    dispute_id: UUID, wish: CloseEstimateDispute, desk: AtDesk
) -> EstimateDisputeClosed:
    """Say how a dispute ended, and collect what is owed still."""
    by = desk.actor.subject
    return await desk.decide(disputes.close_dispute, dispute_id, wish, by)
