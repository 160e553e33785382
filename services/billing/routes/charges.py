"""What is owed and how it is paid: tenders, tries, payments from outside."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers import listing
from services.billing.handlers.approvals import ApprovalAsked
from services.billing.handlers.charges import adjustments, attempts, visits
from services.billing.handlers.charges.adjustments import AdjustCharge, Adjusted
from services.billing.handlers.charges.attempts import AttemptStarted, TryCard
from services.billing.handlers.charges.visits import ChooseTender, TenderChosen
from services.billing.handlers.listing import (
    ChargeListed,
)
from services.billing.handlers.payments import outside
from services.billing.handlers.payments.outside import PaymentRecorded, RecordOutsidePayment
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/appointments/{appointment_id}/tender", dependencies=DESK)
async def choose_tender(appointment_id: UUID, wish: ChooseTender, desk: AtDesk) -> TenderChosen:
    """Choose how a visit will be paid."""
    return await desk.decide(visits.choose_tender, appointment_id, wish)


@router.get("/patients/{patient_id}/charges", dependencies=DESK)
async def list_charges(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[ChargeListed]:
    """A patient's charges, with every try at a card."""
    return await desk.read(listing.list_charges, patient_id, asked, purpose="payment")


@router.post("/charges/{charge_id}/attempts", dependencies=DESK)
async def try_again(charge_id: UUID, desk: AtDesk, wish: TryCard | None = None) -> AttemptStarted:
    """Try the card on file again for a charge that is owed, or for a part of it."""
    return await desk.decide(attempts.try_again, charge_id, wish)


@router.post("/charges/{charge_id}/outside-payments", dependencies=[allow(Role.BILLER)])
async def record_outside_payment(
    charge_id: UUID, wish: RecordOutsidePayment, desk: AtDesk
) -> PaymentRecorded | ApprovalAsked:
    """Record a payment that was made outside, whole or in part, under a reference used once."""
    by = desk.actor.subject
    return await desk.decide(outside.record_outside_payment, charge_id, wish, by)


@router.post("/charges/{charge_id}/adjustments", dependencies=[allow(Role.BILLER)])
async def adjust_charge(
    charge_id: UUID, wish: AdjustCharge, desk: AtDesk
) -> Adjusted | ApprovalAsked:
    """Give up all or a part of what is owed: a discount, or a write-off."""
    return await desk.decide(adjustments.adjust_charge, charge_id, wish, desk.actor.subject)
