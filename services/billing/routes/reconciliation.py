"""Reconciliation: compared every morning or when asked, and what differs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.billing.handlers.approvals import ApprovalAsked
from services.billing.handlers.books import breaks, reconciliation
from services.billing.handlers.books.breaks import BreakListed, BreakSettled, SettleBreak
from services.billing.handlers.books.reconciliation import (
    ReconciliationBegun,
    ReconciliationListed,
)
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])

BOOKS = [allow(Role.BILLER, Role.OPS)]


@router.post("/reconciliations", dependencies=BOOKS)
async def begin_reconciliation(desk: AtDesk) -> ReconciliationBegun:
    """Compare the books with Stripe now; the result is in the list when all is fetched."""
    return await desk.decide(reconciliation.begin)


@router.get("/reconciliations", dependencies=BOOKS)
async def list_reconciliations(desk: AtDesk, asked: AskedPage) -> Page[ReconciliationListed]:
    """Comparisons of the books with Stripe, the newest first."""
    return await desk.read(reconciliation.list_runs, asked, purpose="payment")


@router.get("/reconciliation-breaks", dependencies=BOOKS)
async def list_breaks(
    desk: AtDesk, asked: AskedPage, *, settled: Annotated[bool, Query()] = False
) -> Page[BreakListed]:
    """What differs between the books and Stripe, the oldest first, with what to do about it."""
    found = breaks.list_settled if settled else breaks.list_breaks
    return await desk.read(found, asked, purpose="payment")


@router.post("/reconciliation-breaks/{break_id}/settle", dependencies=[allow(Role.BILLER)])
async def settle_break(
    break_id: UUID, wish: SettleBreak, desk: AtDesk
) -> BreakSettled | ApprovalAsked:
    """Let a difference be, with the reason, or say where money in suspense belongs."""
    return await desk.decide(breaks.settle_break, break_id, wish, desk.actor.subject)
