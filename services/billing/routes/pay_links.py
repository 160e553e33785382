"""Pay links: shown to the desk, sent again, and redeemed by who sends them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.billing.handlers.payments import pay_links
from services.billing.handlers.payments.pay_links import PayLinkListed, PayLinkShown
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.claims import PayLinkAddress
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page
from shared.written import told

router = APIRouter(tags=["billing"])

Purpose = Annotated[
    str,
    Query(pattern=told(r"^[a-z][a-z0-9_]{0,63}$", "one word in small letters, such as payment")),
]
"""Why it is asked for, as one snake_case word."""


@router.post("/charges/{charge_id}/pay-links", dependencies=DESK)
async def ask_for_link(charge_id: UUID, desk: AtDesk) -> PayLinkShown:
    """Have a page made on which the patient pays what is owed, and its link sent."""
    return await desk.decide(pay_links.ask_for_link, charge_id)


@router.get("/charges/{charge_id}/pay-links", dependencies=DESK)
async def list_links(charge_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[PayLinkListed]:
    """A charge's pay links."""
    return await desk.read(pay_links.list_links, charge_id, asked, purpose="payment")


@router.get("/pay-links/{pay_link_id}", dependencies=DESK)
async def show_link(pay_link_id: UUID, desk: AtDesk) -> PayLinkShown:
    """A pay link, with its address while somebody can pay by it."""
    return await desk.read(pay_links.show_link, pay_link_id, purpose="payment")


@router.post("/pay-links/{pay_link_id}/resend", dependencies=DESK)
async def resend_link(pay_link_id: UUID, desk: AtDesk) -> PayLinkShown:
    """Send a pay link to the patient once more."""
    return await desk.decide(pay_links.resend_link, pay_link_id)


@router.get("/internal/pay-links/{pay_link_id}", dependencies=[allow(Role.SERVICE)])
async def redeem_link(pay_link_id: UUID, purpose: Purpose, desk: AtDesk) -> PayLinkAddress:
    """The address of a page, for a service that says what it needs it for."""
    return await desk.read(pay_links.redeem_link, pay_link_id, purpose=purpose)
