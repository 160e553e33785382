"""No-shows and late cancellations, by the house's figures in force."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import delete, select
from sqlmodel import col

from services.scheduling import store
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.visits import life as visit_rules
from services.scheduling.rules.visits import missed as rules
from services.scheduling.rules.visits.missed import Missed
from services.scheduling.store.house import figure_of
from services.scheduling.store.rows import every
from services.scheduling.tables import Appointment
from services.scheduling.tables.waitlist import MissedVisit
from shared.events import Moment
from shared.events.scheduling import CancelReason
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken

MINUTE = timedelta(minutes=1)


class MissedVisitAnswer(BaseModel):
    """`notice_min` is how long before its start a visit was cancelled; negative after it."""

    appointment_id: UUID
    patient_id: UUID
    kind: Missed
    starts_at: Moment
    notice_min: int
    noted_at: Moment


async def broken_by_cancelling(
    tx: Transaction, reason: CancelReason, starts_at: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether a visit can be cancelled for this reason, by the house's grace for no-shows."""
    grace_min = await figure_of(tx, HouseFigure.NO_SHOW_AFTER_MIN)
    return visit_rules.broken_by_cancelling(
        reason, starts_at + timedelta(minutes=grace_min), tx.now, zone
    )


async def note_missed(tx: Transaction, visit: Appointment, reason: CancelReason) -> None:
    """Keep it when a cancellation counts as missed."""
    late_cancel_h = await figure_of(tx, HouseFigure.LATE_CANCEL_H)
    kind = rules.missed_by(reason, visit.starts_at, tx.now, late_cancel_h)
    if kind is not None:
        tx.insert(
            MissedVisit,
            appointment_id=visit.appointment_id,
            patient_id=visit.patient_id,
            kind=kind,
            starts_at=visit.starts_at,
            notice_min=(visit.starts_at - tx.now) // MINUTE,
            noted_at=tx.now,
        )


async def forget_missed(tx: Transaction, appointment_id: UUID) -> None:
    """What was noted as missed by mistake counts no longer."""
    await tx.execute(delete(MissedVisit).where(col(MissedVisit.appointment_id) == appointment_id))


async def list_missed(patient_id: UUID, tx: Transaction) -> list[MissedVisitAnswer] | Refused:
    """A patient's missed visits and late cancellations, earliest first."""
    if await store.find_patient(tx, patient_id) is None:
        return Refused.not_found("patient", "patient_id")
    rows = select(MissedVisit).where(col(MissedVisit.patient_id) == patient_id)
    found = await every(tx, rows.order_by(col(MissedVisit.starts_at)), MissedVisit)
    return [MissedVisitAnswer(**row.model_dump()) for row in found]
