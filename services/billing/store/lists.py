"""What staff read a page at a time: a patient's charges, and their superbills."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row, Select, Table, func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlmodel import col

from services.billing.rules.payments import AttemptState, ChargeState
from services.billing.tables import Charge, PaymentAttempt, Superbill, SuperbillDocument
from shared.events.billing import DeclineReason, TenderKind
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class AttemptListed(BaseModel):
    attempt_id: UUID
    state: AttemptState
    reason: DeclineReason | None = None


class ChargeListed(BaseModel):
    charge_id: UUID
    infusion_id: UUID
    appointment_id: UUID
    amount_cents: int
    state: ChargeState
    tender: TenderKind
    posted_at: datetime
    paid_at: datetime | None
    attempts: list[AttemptListed]
    superbill_id: UUID | None


class SuperbillListed(BaseModel):
    superbill_id: UUID
    number: str
    infusion_id: UUID
    total_cents: int
    issued_at: datetime


_CHARGES: Table = Charge.__table__  # type: ignore[attr-defined]  # every table=True model has one
_SUPERBILLS: Table = Superbill.__table__  # type: ignore[attr-defined]  # as above

_ATTEMPT = func.jsonb_build_object(
    "attempt_id", col(PaymentAttempt.attempt_id),
    "state", col(PaymentAttempt.state),
    "reason", col(PaymentAttempt.reason),
)  # fmt: skip

_ATTEMPTS = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(_ATTEMPT, col(PaymentAttempt.attempt_id).asc())),
            func.jsonb_build_array(),
            type_=JSONB,
        )
    )
    .where(col(PaymentAttempt.charge_id) == col(Charge.charge_id))
    .scalar_subquery()
)

_SUPERBILL = (
    select(col(Superbill.superbill_id))
    .join(SuperbillDocument)
    .where(col(Superbill.charge_id) == col(Charge.charge_id))
    .scalar_subquery()
)


async def list_charges(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[ChargeListed] | Refused:
    """A patient's charges with their tries, oldest first."""
    rows: Select[Any] = select(
        col(Charge.charge_id),
        col(Charge.infusion_id),
        col(Charge.appointment_id),
        col(Charge.amount_cents),
        col(Charge.state),
        col(Charge.tender),
        col(Charge.posted_at),
        col(Charge.paid_at),
        _ATTEMPTS.label("attempts"),
        _SUPERBILL.label("superbill_id"),
    ).where(col(Charge.patient_id) == patient_id)
    return await page(
        tx,
        rows,
        by=(_CHARGES.c.posted_at, _CHARGES.c.charge_id),
        asked=asked,
        item=_listed(ChargeListed),
    )


async def list_superbills(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[SuperbillListed] | Refused:
    """A patient's issued superbills, oldest first."""
    shown = [_SUPERBILLS.c[name] for name in SuperbillListed.model_fields]
    rows = select(*shown).join(SuperbillDocument).where(_SUPERBILLS.c.patient_id == patient_id)
    return await page(
        tx,
        rows,
        by=(_SUPERBILLS.c.issued_at, _SUPERBILLS.c.superbill_id),
        asked=asked,
        item=_listed(SuperbillListed),
    )


def _listed(model: type[Any]) -> Any:
    def item(row: Row[Any]) -> Any:
        return model.model_validate(dict(row._mapping))  # noqa: SLF001  # SQLAlchemy's public name for it

    return item
