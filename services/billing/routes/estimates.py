"""Good faith estimates: asked for, due, issued, and the texts that they carry."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from services.billing.handlers.estimates import issuing, listed, requests
from services.billing.handlers.estimates.issuing import EstimateShown
from services.billing.handlers.estimates.listed import EstimateDue, EstimateListed
from services.billing.handlers.estimates.requests import (
    AskEstimate,
    AskPrice,
    EstimateAsked,
    NewWording,
    PriceAsked,
    WordingRecorded,
)
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/patients/{patient_id}/estimates", dependencies=DESK)
async def ask_estimate(patient_id: UUID, wish: AskEstimate, desk: AtDesk) -> EstimateAsked:
    """A patient asks what something is going to cost. The estimate is issued by itself."""
    return await desk.decide(requests.ask_estimate, patient_id, wish)


@router.get("/patients/{patient_id}/estimates", dependencies=DESK)
async def list_estimates(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[EstimateListed]:
    """A patient's estimates, every version of them."""
    return await desk.read(listed.list_estimates, patient_id, asked, purpose="payment")


@router.post("/price-inquiries", dependencies=DESK)
async def ask_price(wish: AskPrice, desk: AtDesk) -> PriceAsked:
    """Somebody who is no patient asks what something costs."""
    return await desk.decide(requests.ask_price, wish)


@router.get("/estimates/due", dependencies=DESK)
async def list_due(desk: AtDesk, asked: AskedPage) -> Page[EstimateDue]:
    """Estimates that are due or overdue, and what blocks them, in words."""
    return await desk.read(listed.list_due_estimates, asked, purpose="payment")


@router.get("/estimates/{estimate_id}", dependencies=DESK)
async def show_estimate(estimate_id: UUID, desk: AtDesk) -> EstimateShown:
    """An estimate's content."""
    return await desk.read(issuing.show_estimate, estimate_id, purpose="payment")


@router.get(
    "/estimates/{estimate_id}/pdf",
    dependencies=DESK,
    response_class=Response,
    responses={200: {"description": "The document as issued", "content": {"application/pdf": {}}}},
)
async def fetch_estimate(estimate_id: UUID, desk: AtDesk) -> Response:
    """An estimate as a PDF."""
    return await desk.document(issuing.fetch_document, estimate_id, purpose="payment")


@router.post("/estimate-wordings", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_wording(wish: NewWording, desk: AtDesk) -> WordingRecorded:
    """Record what estimates say, from a day on."""
    return await desk.decide(requests.record_wording, wish)
