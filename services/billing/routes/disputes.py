"""Payments that a cardholder's bank doubts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.billing.handlers import disputes
from services.billing.handlers.disputes import DisputeListed
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])

BOOKS = [allow(Role.BILLER, Role.OPS)]


@router.get("/disputes", dependencies=BOOKS)
async def list_disputes(
    desk: AtDesk, asked: AskedPage, *, closed: Annotated[bool, Query()] = False
) -> Page[DisputeListed]:
    """What banks have not decided yet, or have, with what to do about it."""
    found = disputes.list_closed if closed else disputes.list_open
    return await desk.read(found, asked, purpose="payment")


@router.get("/disputes/{dispute_id}", dependencies=BOOKS)
async def show_dispute(dispute_id: UUID, desk: AtDesk) -> DisputeListed:
    """A dispute."""
    return await desk.read(disputes.show_dispute, dispute_id, purpose="payment")
