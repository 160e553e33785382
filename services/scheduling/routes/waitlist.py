"""The waiting list for chairs that become free, and the offers that it leads to."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.waitlist import Answer, JoinWaitlist, OfferAnswer, WaitingAnswer
from services.scheduling.handlers.waitlist import joining
from services.scheduling.rules.series.waitlist import WishState
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["waiting list"], dependencies=[allow(Role.FRONT_DESK)])


@router.post("/waitlist")
async def join_waitlist(wish: JoinWaitlist, desk: AtDesk) -> WaitingAnswer:
    """A patient would take a chair that becomes free: where, for what, and when."""
    return await desk.decide(joining.join_waitlist, wish)


@router.get("/waitlist")
async def list_waiting(
    desk: AtDesk,
    asked: AskedPage,
    location_id: UUID | None = None,
    state: WishState = WishState.WAITING,
) -> Page[WaitingAnswer]:
    """Those who wait, longest first; by `state`, those whose wishes ended so."""
    return await desk.read(joining.list_waiting, state, location_id, asked, desk.actor)


@router.post("/waitlist/{wish_id}/withdraw", status_code=200)
async def leave_waitlist(wish_id: UUID, wish: Answer, desk: AtDesk) -> WaitingAnswer:
    """Take a patient off the list."""
    return await desk.decide(joining.leave_waitlist, wish_id, wish)


@router.get("/offers")
async def list_offers(
    desk: AtDesk,
    asked: AskedPage,
    location_id: UUID | None = None,
    patient_id: UUID | None = None,
) -> Page[OfferAnswer]:
    """Freed chairs that were offered, to whom, and what became of it."""
    return await desk.read(joining.list_offers, location_id, patient_id, asked, desk.actor)


@router.post("/offers/{offer_id}/accept", status_code=200)
async def accept_offer(offer_id: UUID, wish: Answer, desk: AtDesk) -> AppointmentAnswer:
    """Give the chair to this patient: the first who accepts has it."""
    return await desk.decide(joining.accept_offer, offer_id, wish, desk.actor)


@router.post("/offers/{offer_id}/decline", status_code=200)
async def decline_offer(offer_id: UUID, wish: Answer, desk: AtDesk) -> OfferAnswer:
    """Note that the patient does not want the chair."""
    return await desk.decide(joining.decline_offer, offer_id, wish)
