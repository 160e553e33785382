"""What patients agree to when a card is saved, that they did, and that they no more do."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.payments import mandates
from services.billing.handlers.payments.mandates import (
    Agree,
    MandateShown,
    MandateTextShown,
    NewMandateText,
)
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/mandate-texts", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_mandate_text(wish: NewMandateText, desk: AtDesk) -> MandateTextShown:
    """Record what patients agree to when a card is saved, from a day on."""
    return await desk.decide(mandates.record_text, wish, desk.actor.subject)


@router.get("/mandate-texts", dependencies=[allow(Role.OPS, Role.BILLER, Role.FRONT_DESK)])
async def list_mandate_texts(desk: AtDesk, asked: AskedPage) -> Page[MandateTextShown]:
    """Every text, word for word."""
    return await desk.read(mandates.list_texts, asked, purpose="payment")


@router.post("/patients/{patient_id}/card-setups/{setup_id}/mandate", dependencies=DESK)
async def agree_to_mandate(
    patient_id: UUID, setup_id: UUID, wish: Agree, desk: AtDesk
) -> MandateShown:
    """The patient agrees to the text that a set-up shows: its card may be charged later."""
    return await desk.decide(mandates.agree, patient_id, setup_id, wish, desk.actor.subject)


@router.get("/patients/{patient_id}/mandates", dependencies=DESK)
async def list_mandates(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[MandateShown]:
    """What a patient agreed to, when and how, and what they took back."""
    return await desk.read(mandates.list_mandates, patient_id, asked, purpose="payment")


@router.post("/patients/{patient_id}/mandates/{mandate_id}/withdraw", dependencies=DESK)
async def withdraw_mandate(patient_id: UUID, mandate_id: UUID, desk: AtDesk) -> MandateShown:
    """The patient says no more: the card is not charged, and taken off."""
    return await desk.decide(mandates.withdraw, patient_id, mandate_id, desk.actor.subject)
