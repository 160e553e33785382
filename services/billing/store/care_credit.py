"""Payments by CareCredit, as far as each has come."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import INTEGER, SMALLINT, TEXT

from services.billing.rules.payments.care_credit import CareCreditState
from services.billing.tables import CareCreditTender
from shared.messaging import Transaction

_CHARGE_OF = text("SELECT charge_id FROM care_credit_tenders WHERE tender_id = :tender_id")

_TENDER = text(
    """
    SELECT t.*, coalesce(p.refunded_cents, 0) AS refunded_cents
      FROM care_credit_tenders AS t LEFT JOIN payments AS p ON p.payment_id = t.tender_id
     WHERE t.tender_id = :tender_id
    """
)

_REPORT = text(
    """
    UPDATE care_credit_tenders
       SET state = 'reported', promo_months = coalesce(:promo_months, promo_months),
           account_last4 = coalesce(:account_last4, account_last4),
           changed_at = :at, changed_by = :by
     WHERE tender_id = :tender_id
    """
).bindparams(bindparam("promo_months", type_=SMALLINT), bindparam("account_last4", type_=TEXT))

_STEP = text(
    """
    UPDATE care_credit_tenders
       SET state = :state, fee_cents = :fee_cents, rejection = :rejection, changed_at = :at,
           changed_by = :by
     WHERE tender_id = :tender_id
    """
).bindparams(bindparam("fee_cents", type_=INTEGER), bindparam("rejection", type_=TEXT))

_REJECT_PAYMENT = text(
    "UPDATE payments SET rejected_at = :at WHERE payment_id = :tender_id RETURNING payment_id"
)


async def charge_of(tx: Transaction, tender_id: UUID) -> UUID | None:
    """The charge to lock before its payments are looked at; a package's payment has none."""
    charge_id: UUID | None = (await tx.execute(_CHARGE_OF, {"tender_id": tender_id})).scalar()
    return charge_id


async def find(tx: Transaction, tender_id: UUID) -> Any | None:
    return (await tx.execute(_TENDER, {"tender_id": tender_id})).one_or_none()


async def report(
    tx: Transaction,
    tender_id: UUID,
    *,
    promo_months: int | None,
    account_last4: str | None,
    by: str,
) -> None:
    """The patient paid by the link that was sent."""
    told = {"promo_months": promo_months, "account_last4": account_last4}
    await tx.execute(_REPORT, told | {"tender_id": tender_id, "at": tx.now, "by": by})


async def step(
    tx: Transaction,
    tender_id: UUID,
    state: CareCreditState,
    *,
    by: str,
    fee_cents: int | None = None,
    rejection: str | None = None,
) -> None:
    told = {"state": state.value, "fee_cents": fee_cents, "rejection": rejection}
    await tx.execute(_STEP, told | {"tender_id": tender_id, "at": tx.now, "by": by})


async def reject_payment(tx: Transaction, tender_id: UUID) -> bool:
    """The money never came. Whether it was counted as paid until now."""
    rejected = await tx.execute(_REJECT_PAYMENT, {"tender_id": tender_id, "at": tx.now})
    return rejected.rowcount > 0


_TENDERS: Table = CareCreditTender.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_BEGINNING = (_TENDERS.c.begun_at, _TENDERS.c.tender_id)


def waiting() -> Select[Any]:
    """All that is neither funded nor rejected."""
    ended = (CareCreditState.FUNDED.value, CareCreditState.REJECTED.value)
    return select(*_TENDERS.c).where(_TENDERS.c.state.notin_(ended))
