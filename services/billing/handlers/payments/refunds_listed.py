"""Refunds as staff read them, and those that did not arrive."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, computed_field

from services.billing.handlers.listing import as_item
from services.billing.rules.payments.refunds import RefundState
from services.billing.store import refunds as store
from shared.events.billing import RefundReason, TenderKind
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.money import dollars


class RefundShown(BaseModel):
    """Of one made in Stripe's dashboard: what was beside its charge, and what the books lack."""

    refund_id: UUID
    payment_id: UUID
    charge_id: UUID | None
    patient_id: UUID
    tender: TenderKind
    amount_cents: int
    unapplied_cents: int = 0
    beyond_cents: int = 0
    reason: RefundReason
    state: RefundState
    reference: str | None
    failure: str | None
    undone: bool
    asked_by: str
    asked_at: datetime
    decided_at: datetime | None
    handled_at: datetime | None


class RefundLost(RefundShown):
    """A refund that did not arrive, and what to do about it."""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        amount = dollars(self.amount_cents)
        if not self.undone:
            what = (
                f"{amount} did not reach the patient, and the charge is paid by another tender:"
                " the clinic owes them. Agree with the patient how they get it."
            )
        elif self.charge_id is None:
            what = f"{amount} did not reach the patient and wait on the list of unmatched payments."
        else:
            what = (
                f"{amount} did not reach the patient, and the charge counts them as paid again."
                " Agree with the patient and refund once more."
            )
        return f"{what} Note that you saw to it: POST /refunds/{self.refund_id}/handled."


async def list_refunds(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[RefundShown] | Refused:
    """A patient's refunds, oldest first."""
    return await page(
        tx,
        store.refunds_of(patient_id),
        by=store.BY_ASKING,
        asked=asked,
        item=as_item(RefundShown),
    )


async def list_failed(asked: Paging, tx: Transaction) -> Page[RefundLost] | Refused:
    """Refunds that did not arrive, what has waited longest first."""
    return await page(
        tx,
        store.failed(),
        by=store.BY_FAILURE,
        asked=asked,
        item=as_item(RefundLost),
    )


class RefundHandled(BaseModel):
    refund_id: UUID
    patient_id: UUID
    handled_at: datetime


async def note_handled(refund_id: UUID, tx: Transaction) -> RefundHandled | Refused:
    """A person saw to a refund that failed."""
    handled = await store.handle(tx, refund_id)
    if handled is None:
        return Refused.not_found("failed refund")
    return RefundHandled(
        refund_id=refund_id, patient_id=handled.patient_id, handled_at=handled.handled_at
    )
