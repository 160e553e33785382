"""The fee schedule, and what waits for a fee of its day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import TEXT

from services.billing.rules.charges.pricing import Service
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.tables import UnchargedInfusion
from shared.events.billing import ServiceKind
from shared.messaging import Transaction

_HOLD = text("LOCK TABLE fees IN ROW SHARE MODE")

_CHANGE = text("LOCK TABLE fees IN EXCLUSIVE MODE")

_OF_DAY = text(
    """
    SELECT fee_id, amount_cents, revision FROM fees
     WHERE visit_type = :visit_type AND effective_from = :effective_from
     ORDER BY revision DESC LIMIT 1
    """
)

_COVERED = """
      FROM uncharged_infusions AS u LEFT JOIN visits AS v USING (appointment_id)
     WHERE u.visit_type = :visit_type
       AND (u.started_at AT TIME ZONE coalesce(v.zone, :zone))::date
           >= (SELECT min(effective_from) FROM fees WHERE visit_type = :visit_type)
"""

_IN_ZONE = bindparam("zone", CLINIC_ZONE.key, type_=TEXT)

_COUNT_COVERED = text("SELECT count(*)" + _COVERED).bindparams(_IN_ZONE)

_TAKE_COVERED = text(
    "SELECT u.service, u.infusion_id, u.patient_id, u.appointment_id, u.visit_type, u.started_at"
    + _COVERED
    + " ORDER BY u.started_at, u.infusion_id LIMIT :limit FOR UPDATE OF u"
).bindparams(_IN_ZONE)

_CHARGED = text("DELETE FROM uncharged_infusions WHERE infusion_id = :infusion_id")


async def hold(tx: Transaction) -> None:
    """Have no fee recorded until the commit. Any number of transactions hold them at once."""
    await tx.execute(_HOLD)


async def change(tx: Transaction) -> None:
    """Wait for all who hold the fees; until the commit nobody prices anything."""
    await tx.execute(_CHANGE)


@dataclass(frozen=True, slots=True)
class FeeOfDay:
    """The fee that counts of those that start on one day."""

    fee_id: UUID
    amount_cents: int
    revision: int


async def find_fee(tx: Transaction, visit_type: str, effective_from: date) -> FeeOfDay | None:
    of_day = {"visit_type": visit_type, "effective_from": effective_from}
    row = (await tx.execute(_OF_DAY, of_day)).one_or_none()
    return row and FeeOfDay(row.fee_id, row.amount_cents, row.revision)


async def count_covered(tx: Transaction, visit_type: str) -> int:
    """How many waiting services have a fee of their day by now."""
    return int((await tx.execute(_COUNT_COVERED, {"visit_type": visit_type})).scalar_one())


async def take_covered(tx: Transaction, visit_type: str, limit: int) -> list[Service]:
    """Waiting services that have a fee of their day by now, the oldest, ours until the commit."""
    rows = await tx.execute(_TAKE_COVERED, {"visit_type": visit_type, "limit": limit})
    return [
        Service(
            ServiceKind(row.service),
            row.infusion_id,
            row.patient_id,
            row.appointment_id,
            row.visit_type,
            row.started_at,
        )
        for row in rows
    ]


async def forget(tx: Transaction, service_id: UUID) -> None:
    """A service waits no longer."""
    await tx.execute(_CHARGED, {"infusion_id": service_id})


_UNCHARGED: Table = UnchargedInfusion.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_NOTICE = (_UNCHARGED.c.noticed_at, _UNCHARGED.c.infusion_id)


def uncharged() -> Select[Any]:
    """All services that wait for a fee."""
    return select(*_UNCHARGED.c)
