"""What prescribers and the pharmacy liaison read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from services.pharmacy.rules.states import State
from services.pharmacy.store import prescriptions, signings
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Ingredient, Violation
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging.transaction import Transaction


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
    held_at: datetime | None
    drafted_at: datetime | None
    shown_at: datetime | None
    signed_at: datetime | None
    declined_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    refused_at: datetime | None

    @classmethod
    def of(cls, found: Prescription | Row[Any]) -> PrescriptionShown:
        return cls.model_validate(found, from_attributes=True)


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
    violations: list[Violation]
    history: list[Step]


class SigningLink(BaseModel):
    """Where the prescriber signs, at the vendor, with two factors."""

    url: str
    session_id: str


async def list_prescriptions(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[PrescriptionShown] | Refused:
    return await page(
        tx,
        prescriptions.prescriptions_of(patient_id),
        by=prescriptions.BY_START,
        asked=asked,
        item=PrescriptionShown.of,
        newest_first=True,
    )


async def read_prescription(prescription_id: UUID, tx: Transaction) -> PrescriptionWhole | Refused:
    found = await prescriptions.find_prescription(tx, prescription_id)
    if found is None:
        return Refused.not_found("prescription")
    signing = await signings.signing_that_counts(tx, prescription_id)
    return PrescriptionWhole(
        **found.model_dump(exclude={"content", "violations"}),
        **_says(found, tx),
        issue_date=None if signing is None else signing.issue_date,
        violations=prescriptions.open_violations(tx, found),
        history=_history(found),
    )


def _says(found: Prescription, tx: Transaction) -> dict[str, Any]:
    """What is prescribed and where it is made, once it is written."""
    if found.content is None:
        return {}
    content = prescriptions.open_content(tx, found)
    return content.item.model_dump() | {"pharmacy": content.partner.name}


async def read_signing_link(prescription_id: UUID, tx: Transaction) -> SigningLink | Refused:
    found = await prescriptions.find_prescription(tx, prescription_id)
    if found is None:
        return Refused.not_found("prescription")
    signing = await signings.signing_that_counts(tx, prescription_id)
    if found.state != State.AWAITING_SIGNATURE or signing is None:
        return Refused.because(
            "not_awaiting_signature",
            f"The prescription is {found.state}; a link exists while it is awaiting_signature.",
            source="a signing's link is good until the signing is over",
        )
    return SigningLink(url=signing.url or "", session_id=signing.session_id or "")


def _history(found: Prescription) -> list[Step]:
    """The steps that it took, by time; of several holds the last."""
    steps = {
        State.DRAFTING: found.started_at,
        State.NEEDS_CORRECTION: found.held_at,
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
    taken = [Step(state=state, at=at) for state, at in steps.items() if at is not None]
    return sorted(taken, key=lambda step: step.at)
