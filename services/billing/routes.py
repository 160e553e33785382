"""Billing's HTTP API. Who may call what is declared here, what happens is decided in handlers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.billing.handlers import (
    attempts,
    cards,
    fees,
    listing,
    outside_payments,
    superbills,
    unmatched,
    visits,
)
from services.billing.handlers.attempts import AttemptStarted
from services.billing.handlers.cards import SetupShown, SetupStarted
from services.billing.handlers.fees import FeeRecorded, NewFee
from services.billing.handlers.listing import (
    ChargeListed,
    SuperbillHeld,
    SuperbillListed,
    UnchargedListed,
)
from services.billing.handlers.outside_payments import PaymentRecorded, RecordOutsidePayment
from services.billing.handlers.superbills import SuperbillAsked, SuperbillShown
from services.billing.handlers.unmatched import (
    PaymentIntentId,
    PaymentReturned,
    UnmatchedListed,
)
from services.billing.handlers.visits import ChooseTender, TenderChosen
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

DESK = [allow(Role.FRONT_DESK, Role.BILLER)]

router = APIRouter(tags=["billing"])


@router.post("/fees", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_fee(wish: NewFee, desk: AtDesk) -> FeeRecorded:
    """Record the fee of a visit type, from a day on."""
    return await desk.decide(fees.record_fee, wish)


@router.get("/uncharged-infusions", dependencies=[allow(Role.OPS, Role.BILLER)])
async def list_uncharged(desk: AtDesk, asked: AskedPage) -> Page[UnchargedListed]:
    """Infusions that no fee covers yet."""
    return await desk.read(listing.list_uncharged, asked, purpose="payment")


@router.post("/patients/{patient_id}/card-setups", dependencies=DESK)
async def start_card_setup(patient_id: UUID, desk: AtDesk) -> SetupStarted:
    """Begin to save a card; the patient enters it with Stripe, never here."""
    return await desk.decide(cards.start_setup, patient_id)


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


@router.post("/appointments/{appointment_id}/tender", dependencies=DESK)
async def choose_tender(appointment_id: UUID, wish: ChooseTender, desk: AtDesk) -> TenderChosen:
    """Choose how a visit will be paid."""
    return await desk.decide(visits.choose_tender, appointment_id, wish)


@router.get("/patients/{patient_id}/charges", dependencies=DESK)
async def list_charges(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[ChargeListed]:
    """A patient's charges, with every try at a card."""
    return await desk.read(listing.list_charges, patient_id, asked, purpose="payment")


@router.post("/charges/{charge_id}/attempts", dependencies=DESK)
async def try_again(charge_id: UUID, desk: AtDesk) -> AttemptStarted:
    """Try the card on file again for a charge that is owed."""
    return await desk.decide(attempts.try_again, charge_id)


@router.post("/charges/{charge_id}/outside-payments", dependencies=[allow(Role.BILLER)])
async def record_outside_payment(
    charge_id: UUID, wish: RecordOutsidePayment, desk: AtDesk
) -> PaymentRecorded:
    """Record a payment that was made outside, under a reference used once."""
    return await desk.decide(outside_payments.record_outside_payment, charge_id, wish)


@router.get("/unmatched-payments", dependencies=[allow(Role.BILLER)])
async def list_unmatched(desk: AtDesk, asked: AskedPage) -> Page[UnmatchedListed]:
    """Money that Stripe took and that no charge waits for, in words."""
    return await desk.read(unmatched.list_unmatched, asked, purpose="payment")


@router.post("/unmatched-payments/{payment_intent_id}/returned", dependencies=[allow(Role.BILLER)])
async def note_return(payment_intent_id: PaymentIntentId, desk: AtDesk) -> PaymentReturned:
    """Note that such money was given back at Stripe."""
    return await desk.decide(unmatched.note_return, payment_intent_id)


@router.get("/patients/{patient_id}/superbills", dependencies=DESK)
async def list_superbills(
    patient_id: UUID, desk: AtDesk, asked: AskedPage
) -> Page[SuperbillListed]:
    """A patient's superbills."""
    return await desk.read(listing.list_superbills, patient_id, asked, purpose="payment")


@router.get("/superbills/held", dependencies=DESK)
async def list_held(desk: AtDesk, asked: AskedPage) -> Page[SuperbillHeld]:
    """What keeps superbills from being issued, in words."""
    return await desk.read(listing.list_held, asked, purpose="payment")


@router.post("/charges/{charge_id}/superbill", dependencies=DESK)
async def ask_for_superbill(charge_id: UUID, desk: AtDesk) -> SuperbillAsked:
    """Have a paid charge's superbill made again."""
    return await desk.decide(superbills.ask_for_superbill, charge_id)


@router.get("/superbills/{superbill_id}", dependencies=DESK)
async def show_superbill(superbill_id: UUID, desk: AtDesk) -> SuperbillShown:
    """A superbill's content."""
    return await desk.read(superbills.show_superbill, superbill_id, purpose="payment")


@router.get(
    "/superbills/{superbill_id}/pdf",
    dependencies=DESK,
    response_class=Response,
    responses={200: {"description": "The document as issued", "content": {"application/pdf": {}}}},
)
async def fetch_superbill(superbill_id: UUID, desk: AtDesk) -> Response:
    """A superbill as a PDF."""
    return await desk.document(superbills.fetch_document, superbill_id, purpose="payment")
