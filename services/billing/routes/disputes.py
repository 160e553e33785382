"""Payments that a cardholder's bank doubts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.billing.handlers.approvals import ApprovalAsked
from services.billing.handlers.disputes import evidence, following
from services.billing.handlers.disputes.evidence import (
    AnswerDecided,
    AnswerDispute,
    EvidenceAsked,
    EvidenceShown,
)
from services.billing.handlers.disputes.following import DisputeListed
from services.billing.routes.superbills import AS_PDF
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
    found = following.list_closed if closed else following.list_open
    return await desk.read(found, asked, purpose="payment")


@router.get("/disputes/{dispute_id}", dependencies=BOOKS)
async def show_dispute(dispute_id: UUID, desk: AtDesk) -> DisputeListed:
    """A dispute."""
    return await desk.read(following.show_dispute, dispute_id, purpose="payment")


@router.get("/disputes/{dispute_id}/evidence", dependencies=BOOKS)
async def show_evidence(dispute_id: UUID, desk: AtDesk) -> EvidenceShown:
    """What the bank would be shown."""
    return await desk.read(evidence.show_evidence, dispute_id, purpose="payment")


@router.get(
    "/disputes/{dispute_id}/evidence/pdf",
    dependencies=BOOKS,
    response_class=Response,
    responses=AS_PDF,
)
async def fetch_evidence(dispute_id: UUID, desk: AtDesk) -> Response:
    """The document that the bank would get."""
    return await desk.document(evidence.fetch_evidence, dispute_id, purpose="payment")


@router.post("/disputes/{dispute_id}/evidence", dependencies=[allow(Role.BILLER)])
async def prepare_evidence(dispute_id: UUID, desk: AtDesk) -> EvidenceAsked:
    """Have the evidence prepared anew, of what is on record now."""
    return await desk.decide(evidence.prepare_again, dispute_id)


@router.post("/disputes/{dispute_id}/answer", dependencies=[allow(Role.BILLER)])
async def answer_dispute(
    dispute_id: UUID, wish: AnswerDispute, desk: AtDesk
) -> AnswerDecided | ApprovalAsked:
    """Have the evidence sent, or the dispute accepted; a second person approves."""
    by = desk.actor.subject
    return await desk.decide(evidence.answer_dispute, dispute_id, wish, by)
