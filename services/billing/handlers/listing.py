"""What staff read a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, computed_field
from sqlalchemy import Row

from services.billing.rules.charges.attempts import AttemptState
from services.billing.rules.charges.standing import ChargeState
from services.billing.rules.collecting.declines import AbandonReason, what_to_do
from services.billing.rules.superbills.document import CorrectionReason
from services.billing.rules.superbills.lint import in_words
from services.billing.store import charges, fees, superbills
from shared.events.billing import DeclineReason, ServiceKind, TenderKind
from shared.events.scheduling import TypeCode
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction

M = TypeVar("M", bound=BaseModel)


class AttemptListed(BaseModel):
    attempt_id: UUID
    state: AttemptState
    amount_cents: int
    reason: DeclineReason | AbandonReason | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str | None:
        """What the reason means, and what to do about it."""
        return self.reason and what_to_do(self.reason)


class PaymentListed(BaseModel):
    """Money that came for a charge; `refunded_cents` of it went back or is on its way.

    What was rejected never came.
    """

    payment_id: UUID
    tender: TenderKind
    reference: str
    amount_cents: int
    refunded_cents: int
    taken_at: datetime
    rejected_at: datetime | None


class ChargeListed(BaseModel):
    """What is owed for one service; of a session `infusion_id` is its appointment's."""

    charge_id: UUID
    service: ServiceKind
    infusion_id: UUID
    appointment_id: UUID
    amount_cents: int
    paid_cents: int
    forgiven_cents: int
    owed_cents: int
    state: ChargeState
    tender: TenderKind
    posted_at: datetime
    paid_at: datetime | None
    attempts: list[AttemptListed]
    payments: list[PaymentListed]
    superbill_id: UUID | None


class SuperbillListed(BaseModel):
    """One version of a superbill, of one infusion or of a month."""

    superbill_id: UUID
    number: str
    version: int
    replaces_id: UUID | None
    reason: CorrectionReason | None
    infusion_id: UUID | None
    month: date | None
    served_on: date
    total_cents: int
    issued_at: datetime


class UnchargedListed(BaseModel):
    """A completed service that waits for a fee. Recording one that covers its day charges it."""

    service: ServiceKind
    infusion_id: UUID
    patient_id: UUID
    appointment_id: UUID
    visit_type: TypeCode
    started_at: datetime
    noticed_at: datetime


async def list_uncharged(asked: Paging, tx: Transaction) -> Page[UnchargedListed] | Refused:
    """What waits for a fee, what has waited longest first."""
    return await page(
        tx, fees.uncharged(), by=fees.BY_NOTICE, asked=asked, item=as_item(UnchargedListed)
    )


class Blocked(BaseModel):
    """One thing that keeps a document from being issued."""

    rule: str
    detail: str
    source: str


class SuperbillHeld(BaseModel):
    """A paid charge whose superbill waits. Mend what it names, then ask for it again.

    `correction` is why there would be another version, where one is issued already.
    """

    charge_id: UUID
    patient_id: UUID
    infusion_id: UUID
    noticed_at: datetime
    correction: CorrectionReason | None
    blocked_by: list[Blocked]


async def list_held(asked: Paging, tx: Transaction) -> Page[SuperbillHeld] | Refused:
    """Superbills that wait, those that have waited longest first."""

    def item(row: Row[tuple[object, ...]]) -> SuperbillHeld:
        found = row._mapping  # noqa: SLF001  # SQLAlchemy's public name for it
        blocked_by = [Blocked(**asdict(one)) for one in in_words(found["rules"])]
        return SuperbillHeld(blocked_by=blocked_by, **found)

    return await page(tx, superbills.held(tx.now), by=superbills.BY_HOLD, asked=asked, item=item)


async def list_charges(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[ChargeListed] | Refused:
    """A patient's charges with their tries, oldest first."""
    rows = charges.charges_of(patient_id)
    return await page(tx, rows, by=charges.BY_POSTING, asked=asked, item=as_item(ChargeListed))


async def list_superbills(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[SuperbillListed] | Refused:
    """A patient's issued superbills, oldest first."""
    rows = superbills.issued_to(patient_id)
    return await page(tx, rows, by=superbills.BY_ISSUE, asked=asked, item=as_item(SuperbillListed))


def as_item(model: type[M]) -> Callable[[Row[tuple[object, ...]]], M]:
    """How a row becomes an item of a page."""
    return lambda row: model.model_validate(row, from_attributes=True)
