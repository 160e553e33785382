"""Charges that wait for a person."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.approvals import ApprovalAsked
from services.billing.handlers.charges import held
from services.billing.handlers.charges.held import DecideHeld, HeldDecided, HeldListed
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(prefix="/held-charges", tags=["billing"])


@router.get("", dependencies=[allow(Role.OPS, Role.BILLER)])
async def list_held_charges(desk: AtDesk, asked: AskedPage) -> Page[HeldListed]:
    """Infusions that are priced and not charged, and what each waits for, in words."""
    return await desk.read(held.list_held_charges, asked, purpose="payment")


@router.post("/{infusion_id}/decision", dependencies=[allow(Role.BILLER)])
async def decide_held(
    infusion_id: UUID, wish: DecideHeld, desk: AtDesk
) -> HeldDecided | ApprovalAsked:
    """Approve a held charge, have a new estimate issued for it, or write it down."""
    return await desk.decide(held.decide_held, infusion_id, wish, desk.actor.subject)
