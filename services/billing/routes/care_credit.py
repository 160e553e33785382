"""Payments by CareCredit, from the link to the funding."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.books import funding
from services.billing.handlers.books.funding import EnterReport, ReportEntered
from services.billing.handlers.payments import care_credit
from services.billing.handlers.payments.care_credit import (
    CareCreditShown,
    Funded,
    Rejected,
    SendLink,
)
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])
BILLER = [allow(Role.BILLER)]


@router.get("/care-credit", dependencies=BILLER)
async def list_waiting_care_credit(desk: AtDesk, asked: AskedPage) -> Page[CareCreditShown]:
    """Payments by CareCredit that are neither funded nor rejected."""
    return await desk.read(care_credit.list_waiting, asked, purpose="payment")


@router.post("/care-credit/funding-reports", dependencies=BILLER)
async def enter_funding_report(wish: EnterReport, desk: AtDesk) -> ReportEntered:
    """Enter what CareCredit's funding report says, whole; what is known already is skipped."""
    return await desk.decide(funding.enter_report, wish, desk.actor.subject)


@router.post("/charges/{charge_id}/care-credit-links", dependencies=DESK)
async def send_care_credit_link(charge_id: UUID, wish: SendLink, desk: AtDesk) -> CareCreditShown:
    """Note that a link of CareCredit was sent for a charge."""
    return await desk.decide(care_credit.send_link, charge_id, wish, desk.actor.subject)


@router.post("/care-credit/{tender_id}/confirm", dependencies=BILLER)
async def confirm_care_credit(tender_id: UUID, desk: AtDesk) -> CareCreditShown:
    """CareCredit confirms a payment that was reported."""
    return await desk.decide(care_credit.confirm, tender_id, desk.actor.subject)


@router.post("/care-credit/{tender_id}/fund", dependencies=BILLER)
async def fund_care_credit(tender_id: UUID, wish: Funded, desk: AtDesk) -> CareCreditShown:
    """The money of a confirmed payment came, less CareCredit's fee."""
    return await desk.decide(care_credit.fund, tender_id, wish, desk.actor.subject)


@router.post("/care-credit/{tender_id}/reject", dependencies=BILLER)
async def reject_care_credit(tender_id: UUID, wish: Rejected, desk: AtDesk) -> CareCreditShown:
    """The money never comes; what was counted as paid is owed again."""
    return await desk.decide(care_credit.reject, tender_id, wish, desk.actor.subject)
