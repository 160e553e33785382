"""What prescribers and the pharmacy liaison may read. Nothing is written here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Row
from sqlmodel import col

from services.pharmacy import store
from services.pharmacy.rules.states import State
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Ingredient, Violation
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page, Paging, page
from shared.http.problems import Refused
from shared.messaging.transaction import Transaction

router = APIRouter(prefix="/prescriptions", tags=["prescriptions"])

_READERS = (Role.PRESCRIBER, Role.PHARMACY_LIAISON)


class PrescriptionShown(BaseModel):
    """Where a prescription stands. `pharmacy_status` is the pharmacy's own word."""

    prescription_id: UUID
    series_id: UUID
    patient_id: UUID
    prescriber_id: UUID
    state: State
    reason: str | None
    pharmacy_status: str | None
    started_at: datetime
    drafted_at: datetime | None
    shown_at: datetime | None
    signed_at: datetime | None
    declined_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    refused_at: datetime | None


class Step(BaseModel):
    state: State
    at: datetime


class PrescriptionWhole(PrescriptionShown):
    """With what it says, once it is drafted, and how it came where it is."""

    issue_date: date | None
    order_id: str | None
    pharmacy: str | None = None
    drug: str | None = None
    schedule: str | None = None
    ingredients: tuple[Ingredient, ...] = ()
    strength: str | None = None
    form: str | None = None
    quantity: str | None = None
    quantity_unit: str | None = None
    days_supply: int | None = None
    sig: str | None = None
    refills: int | None = None
    refusal: list[Violation]
    history: list[Step]


class SigningLink(BaseModel):
    """Where the prescriber signs, at the vendor, with two factors."""

    url: str
    session_id: str


@router.get("", dependencies=[allow(*_READERS)])
async def list_prescriptions(
    patient_id: UUID, desk: AtDesk, asked: AskedPage
) -> Page[PrescriptionShown]:
    return await desk.read(_list, patient_id, asked, patient_id=patient_id)


@router.get("/{prescription_id}", dependencies=[allow(*_READERS)])
async def read_prescription(prescription_id: UUID, desk: AtDesk) -> PrescriptionWhole:
    return await desk.read(_read, prescription_id)


@router.get("/{prescription_id}/signing-link", dependencies=[allow(Role.PRESCRIBER)])
async def read_signing_link(prescription_id: UUID, desk: AtDesk) -> SigningLink:
    return await desk.read(_link, prescription_id)


async def _list(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[PrescriptionShown] | Refused:
    def shown(row: Row[Any]) -> PrescriptionShown:
        return PrescriptionShown.model_validate(row, from_attributes=True)

    return await page(
        tx,
        store.prescriptions_of(patient_id),
        by=(col(Prescription.started_at), col(Prescription.prescription_id)),  # type: ignore[arg-type]  # SQLModel's columns are SQLAlchemy's
        asked=asked,
        item=shown,
        newest_first=True,
    )


async def _read(prescription_id: UUID, tx: Transaction) -> PrescriptionWhole | Refused:
    found = await store.find_prescription(tx, prescription_id)
    if found is None:
        return _unknown()
    signing = await store.signing_that_counts(tx, prescription_id)
    return PrescriptionWhole(
        **found.model_dump(exclude={"content", "refusal"}),
        **_says(found, tx),
        issue_date=None if signing is None else signing.issue_date,
        refusal=store.open_refusal(tx, found),
        history=_history(found),
    )


def _says(found: Prescription, tx: Transaction) -> dict[str, Any]:
    """What is prescribed and where it is made, once it is written."""
    if found.content is None:
        return {}
    content = store.open_content(tx, found)
    return content.item.model_dump() | {"pharmacy": content.partner.name}


async def _link(prescription_id: UUID, tx: Transaction) -> SigningLink | Refused:
    found = await store.find_prescription(tx, prescription_id)
    if found is None:
        return _unknown()
    signing = await store.signing_that_counts(tx, prescription_id)
    if found.state != State.AWAITING_SIGNATURE or signing is None:
        return Refused.because(
            "not_awaiting_signature",
            f"The prescription is {found.state}; a link exists while it is awaiting_signature.",
        )
    return SigningLink(url=signing.url or "", session_id=signing.session_id or "")


def _unknown() -> Refused:
    return Refused.because(
        "prescription_unknown", "There is no prescription with this id.", status=404
    )


def _history(found: Prescription) -> list[Step]:
    """The steps in the order of a prescription's life."""
    steps = {
        State.DRAFTING: found.started_at,
        State.DRAFTED: found.drafted_at,
        State.AWAITING_SIGNATURE: found.shown_at,
        State.SIGNED: found.signed_at,
        State.SIGNATURE_DECLINED: found.declined_at,
        State.SENT: found.sent_at,
        State.ACCEPTED: found.accepted_at,
        State.SHIPPED: found.shipped_at,
        State.DELIVERED: found.delivered_at,
        State.REFUSED: found.refused_at,
    }
    return [Step(state=state, at=at) for state, at in steps.items() if at is not None]
