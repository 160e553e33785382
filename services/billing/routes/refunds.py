"""Money that goes back, and refunds that did not arrive."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.approvals import ApprovalAsked
from services.billing.handlers.payments import refunds, refunds_listed
from services.billing.handlers.payments.refunds import AskRefund
from services.billing.handlers.payments.refunds_listed import RefundHandled, RefundLost, RefundShown
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/payments/{payment_id}/refunds", dependencies=[allow(Role.BILLER)])
async def ask_refund(
    payment_id: UUID, wish: AskRefund, desk: AtDesk
) -> RefundShown | ApprovalAsked:
    """Give all or a part of a payment back, the way that it came."""
    return await desk.decide(refunds.ask_refund, payment_id, wish, desk.actor.subject)


@router.get("/patients/{patient_id}/refunds", dependencies=DESK)
async def list_refunds(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[RefundShown]:
    """A patient's refunds."""
    return await desk.read(refunds_listed.list_refunds, patient_id, asked, purpose="payment")


@router.get("/refunds/failed", dependencies=[allow(Role.BILLER)])
async def list_failed(desk: AtDesk, asked: AskedPage) -> Page[RefundLost]:
    """Refunds that did not arrive, and what to do about each."""
    return await desk.read(refunds_listed.list_failed, asked, purpose="payment")


@router.post("/refunds/{refund_id}/handled", dependencies=[allow(Role.BILLER)])
async def note_handled(refund_id: UUID, desk: AtDesk) -> RefundHandled:
    """Note that somebody saw to a refund that did not arrive."""
    return await desk.decide(refunds_listed.note_handled, refund_id)
