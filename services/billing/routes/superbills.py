"""Superbills: issued, held, asked for again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.billing.documents.fhir.bundles import MEDIA_TYPE
from services.billing.handlers import listing
from services.billing.handlers.charges import session_codes
from services.billing.handlers.charges.session_codes import RecordSessionCode, SessionCodeRecorded
from services.billing.handlers.listing import SuperbillHeld, SuperbillListed
from services.billing.handlers.superbills import issuing, months, shown
from services.billing.handlers.superbills.issuing import AskCorrection, SuperbillAsked
from services.billing.handlers.superbills.months import GatherMonth, MonthGathered
from services.billing.handlers.superbills.shown import ReceiptShown, SuperbillShown
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])

CODERS = [allow(Role.BILLER, Role.PRESCRIBER)]

AS_PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "The document as issued", "content": {"application/pdf": {}}}
}
AS_FHIR: dict[int | str, dict[str, Any]] = {
    200: {"description": "A bundle", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
}


@router.get("/patients/{patient_id}/superbills", dependencies=DESK)
async def list_superbills(
    patient_id: UUID, desk: AtDesk, asked: AskedPage
) -> Page[SuperbillListed]:
    """A patient's superbills."""
    return await desk.read(listing.list_superbills, patient_id, asked, purpose="payment")


@router.post("/patients/{patient_id}/superbills", dependencies=DESK)
async def gather_month(patient_id: UUID, wish: GatherMonth, desk: AtDesk) -> MonthGathered:
    """Have one superbill made of all visits of a month."""
    return await desk.decide(months.gather_month, patient_id, wish)


@router.get("/superbills/held", dependencies=DESK)
async def list_held(desk: AtDesk, asked: AskedPage) -> Page[SuperbillHeld]:
    """What keeps superbills from being issued, in words."""
    return await desk.read(listing.list_held, asked, purpose="payment")


@router.post("/charges/{charge_id}/superbill", dependencies=DESK)
async def ask_for_superbill(charge_id: UUID, desk: AtDesk) -> SuperbillAsked:
    """Have a paid charge's superbill made again."""
    return await desk.decide(issuing.ask_for_superbill, charge_id)


@router.post("/charges/{charge_id}/session-code", dependencies=CODERS)
async def record_session_code(
    charge_id: UUID, wish: RecordSessionCode, desk: AtDesk
) -> SessionCodeRecorded:
    """Note which code the clinician documented for a session; its superbill follows."""
    by = desk.actor.subject
    return await desk.decide(session_codes.record_session_code, charge_id, wish, by)


@router.get("/superbills/{superbill_id}", dependencies=DESK)
async def show_superbill(superbill_id: UUID, desk: AtDesk) -> SuperbillShown:
    """A superbill's content."""
    return await desk.read(shown.show_superbill, superbill_id, purpose="payment")


@router.get(
    "/superbills/{superbill_id}/pdf",
    dependencies=DESK,
    response_class=Response,
    responses=AS_PDF,
)
async def fetch_superbill(superbill_id: UUID, desk: AtDesk) -> Response:
    """A superbill as a PDF."""
    return await desk.document(shown.fetch_document, superbill_id, purpose="payment")


@router.get("/superbills/{superbill_id}/receipt", dependencies=DESK)
async def show_receipt(superbill_id: UUID, desk: AtDesk) -> ReceiptShown:
    """What a health account's administrator asks for: no diagnosis, no code, no drug."""
    return await desk.read(shown.show_receipt, superbill_id, purpose="payment")


@router.get(
    "/superbills/{superbill_id}/receipt/pdf",
    dependencies=DESK,
    response_class=Response,
    responses=AS_PDF,
)
async def fetch_receipt(superbill_id: UUID, desk: AtDesk) -> Response:
    """That receipt as a PDF."""
    return await desk.document(shown.fetch_receipt, superbill_id, purpose="payment")


@router.get(
    "/superbills/{superbill_id}/fhir",
    dependencies=DESK,
    response_class=Response,
    responses=AS_FHIR,
)
async def export_fhir(superbill_id: UUID, desk: AtDesk) -> Response:
    """A superbill as a FHIR R4 bundle: Claim, Invoice, and whom they refer to."""
    return await desk.document(shown.export_fhir, superbill_id, purpose="payment")


@router.post("/superbills/{superbill_id}/corrections", dependencies=[allow(Role.BILLER)])
async def correct_superbill(
    superbill_id: UUID, wish: AskCorrection, desk: AtDesk
) -> SuperbillAsked:
    """Have a corrected version made of what is on record now."""
    return await desk.decide(issuing.correct_superbill, superbill_id, wish)
