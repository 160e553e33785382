"""What is asked of patients, what stops it, and what is left to a person."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.collecting import dunning, holds
from services.billing.handlers.collecting.dunning import GivenUp
from services.billing.handlers.collecting.holds import HoldEnded, HoldListed, OpenHold
from services.billing.routes.desk import DESK
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(prefix="/collections", tags=["billing"])


@router.get("/given-up", dependencies=DESK)
async def list_given_up(desk: AtDesk, asked: AskedPage) -> Page[GivenUp]:
    """Charges for which all was tried that needs no person."""
    return await desk.read(dunning.list_given_up, asked, purpose="payment")


@router.post("/holds", dependencies=DESK)
async def open_hold(wish: OpenHold, desk: AtDesk) -> HoldListed:
    """Ask nothing of a patient until the hold ends."""
    return await desk.decide(holds.open_hold, wish, desk.actor.subject)


@router.get("/holds", dependencies=DESK)
async def list_holds(desk: AtDesk, asked: AskedPage) -> Page[HoldListed]:
    """The holds that are open."""
    return await desk.read(holds.list_holds, asked, purpose="payment")


@router.post("/holds/{hold_id}/end", dependencies=DESK)
async def end_hold(hold_id: UUID, desk: AtDesk) -> HoldEnded:
    """End a hold; what it stopped goes on."""
    return await desk.decide(holds.end_hold, hold_id, desk.actor.subject)
