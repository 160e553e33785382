"""Reconciliation: compared every morning or when asked, and what differs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from services.billing.handlers.books import reconciliation
from services.billing.handlers.books.reconciliation import (
    BreakListed,
    BreakSettled,
    ReconciliationBegun,
    ReconciliationListed,
)
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])

BOOKS = [allow(Role.BILLER, Role.OPS)]


class SettleBreak(BaseModel):
    """Why a difference may stay."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


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
    found = reconciliation.list_settled if settled else reconciliation.list_breaks
    return await desk.read(found, asked, purpose="payment")


@router.post("/reconciliation-breaks/{break_id}/settle", dependencies=[allow(Role.BILLER)])
async def settle_break(break_id: UUID, wish: SettleBreak, desk: AtDesk) -> BreakSettled:
    """Let a difference be, with the reason."""
    return await desk.decide(reconciliation.settle_break, break_id, wish.note, desk.actor)
