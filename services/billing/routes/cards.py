"""Cards on file: the patient enters one with Stripe, never here."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.billing.handlers.payments import cards, expiring
from services.billing.handlers.payments.cards import SetupShown, SetupStarted
from services.billing.handlers.payments.expiring import ExpiringCard
from services.billing.routes.desk import DESK
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/patients/{patient_id}/card-setups", dependencies=DESK)
async def start_card_setup(patient_id: UUID, desk: AtDesk) -> SetupStarted:
    """Begin to save a card; the patient enters it with Stripe, never here."""
    return await desk.decide(cards.start_setup, patient_id)


@router.get("/cards/expiring", dependencies=DESK)
async def list_expiring_cards(desk: AtDesk, asked: AskedPage) -> Page[ExpiringCard]:
    """Cards on file that expire before the patient's last booked visit, or soon."""
    return await desk.read(expiring.list_expiring, asked, purpose="payment")


def _publishable_key(request: Request) -> str:
    key: str = request.app.state.stripe_publishable_key
    return key


@router.get("/patients/{patient_id}/card-setups/{setup_id}", dependencies=DESK)
async def show_card_setup(
    patient_id: UUID,
    setup_id: UUID,
    desk: AtDesk,
    publishable_key: Annotated[str, Depends(_publishable_key)],
) -> SetupShown:
    """How far the saving of a card is, and what the browser needs for it."""
    return await desk.read(
        cards.show_setup, patient_id, setup_id, publishable_key, purpose="payment"
    )
