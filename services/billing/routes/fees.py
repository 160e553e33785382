"""What visits cost, and the infusions that wait for a fee."""

from __future__ import annotations

from fastapi import APIRouter

from services.billing.handlers import listing
from services.billing.handlers.charges import fees
from services.billing.handlers.charges.fees import FeeRecorded, NewFee
from services.billing.handlers.listing import (
    UnchargedListed,
)
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/fees", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_fee(wish: NewFee, desk: AtDesk) -> FeeRecorded:
    """Record the fee of a visit type, from a day on."""
    return await desk.decide(fees.record_fee, wish)


@router.get("/uncharged-infusions", dependencies=[allow(Role.OPS, Role.BILLER)])
async def list_uncharged(desk: AtDesk, asked: AskedPage) -> Page[UnchargedListed]:
    """Infusions that no fee covers yet."""
    return await desk.read(listing.list_uncharged, asked, purpose="payment")
