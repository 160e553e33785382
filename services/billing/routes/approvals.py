"""What waits for a second person, and from which amount on it does."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers import approvals, approving
from services.billing.handlers.approvals import ApprovalAsked, LimitListed, LimitsListed, NewLimit
from services.billing.handlers.approving import ApprovalDecided
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])
SECOND = [allow(Role.OPS, Role.BILLER)]


@router.get("/approvals", dependencies=SECOND)
async def list_pending(desk: AtDesk, asked: AskedPage) -> Page[ApprovalAsked]:
    """Entries that wait for a second person."""
    return await desk.read(approvals.list_pending, asked, purpose="payment")


@router.post("/approvals/{approval_id}/approve", dependencies=SECOND)
async def approve(approval_id: UUID, desk: AtDesk) -> ApprovalDecided:
    """Enter what another person asked for."""
    return await desk.decide(approving.approve, approval_id, desk.actor.subject)


@router.post("/approvals/{approval_id}/refuse", dependencies=SECOND)
async def refuse(approval_id: UUID, desk: AtDesk) -> ApprovalDecided:
    """Have it not entered."""
    return await desk.decide(approving.refuse, approval_id, desk.actor.subject)


@router.get("/approval-limits", dependencies=SECOND)
async def list_limits(desk: AtDesk) -> LimitsListed:
    """Up to how much one person is enough."""
    return await desk.read(approvals.list_limits, purpose="payment")


@router.post("/approval-limits", dependencies=[allow(Role.OPS)])
async def set_limit(wish: NewLimit, desk: AtDesk) -> LimitListed:
    """Have another limit from now on."""
    return await desk.decide(approvals.set_limit, wish, desk.actor.subject)
