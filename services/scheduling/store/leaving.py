"""Transfers, and the visits whose patients nobody has let go: who stays on, and who walked out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    LargeBinary,
    Select,
    Subquery,
    Table,
    false,
    func,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduling.rules.visits.life import AFTER, VisitState
from services.scheduling.store.rows import every, seal
from services.scheduling.store.taken import figure
from services.scheduling.store.visits import APPOINTMENTS
from services.scheduling.tables import Appointment
from services.scheduling.tables.leaving import OverdueDischarge, Transfer, WalkOut
from services.scheduling.tables.visits import Dose
from shared.messaging import Transaction

RAISED: Table = OverdueDischarge.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_STOPPED = (APPOINTMENTS.c.stopped_at, APPOINTMENTS.c.appointment_id)
SHOWN = (
    "appointment_id",
    "patient_id",
    "series_id",
    "location_id",
    "chair_id",
    "visit_type",
    "state",
    "infusion_id",
    "stopped_at",
    "left_at",
    "dose_asked",
    "dose_plan_id",
)


def add_transfer(
    tx: Transaction, visit: Appointment, reading_id: UUID, clinician_id: UUID, by: str, **why: str
) -> None:
    """`why` is the `place`, who has `taken_over`, and the `reason`."""
    tx.insert(
        Transfer,
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        reading_id=reading_id,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        handed_over=seal(tx, why, "transfers", "handed_over", visit.appointment_id),
    )


def not_gone(tx: Transaction) -> Select[Any]:
    """Visits whose recovery is over and of whose patient nobody said that they left."""
    recovered_at = col(Appointment.stopped_at) + func.make_interval(
        0, 0, 0, 0, 0, figure("recovery_min")
    )
    return (
        select(APPOINTMENTS)
        .outerjoin(RAISED, RAISED.c.appointment_id == APPOINTMENTS.c.appointment_id)
        .where(
            col(Appointment.state).in_(AFTER),
            col(Appointment.no_drive_until).is_(None),
            recovered_at <= tx.now,
        )
    )


def waiting(tx: Transaction, location_id: UUID | None, drip_overdue_min: int) -> Subquery:
    """Those, the walk-outs of which something is owed still, and drips that nobody ended.

    `since` is how long each waits, of such a drip since when it should have been over.

    Of a walk-out there is its `account` (sealed), whether somebody called, and how far its dose is
    on record.
    """
    shown = [APPOINTMENTS.c[name] for name in SHOWN]
    nothing: list[ColumnElement[Any]] = [
        null().cast(LargeBinary).label("account"),
        false().label("called"),
        *(false().label(name) for name in ("recorded", "given", "wasted", "witnessed")),
    ]
    stays = not_gone(tx).with_only_columns(
        *shown, APPOINTMENTS.c.stopped_at.label("since"), RAISED.c.raised_at, *nothing
    )
    has = {
        "recorded": col(Dose.appointment_id),
        "given": col(Dose.given),
        "witnessed": col(Dose.witnessed_at),
    }
    walked = (
        select(
            *shown,
            func.coalesce(col(Appointment.stopped_at), col(WalkOut.left_at)).label("since"),
            null().cast(DateTime(timezone=True)).label("raised_at"),
            col(WalkOut.account),
            col(WalkOut.called_at).is_not(None).label("called"),
            has["recorded"].is_not(None).label("recorded"),
            has["given"].is_not(None).label("given"),
            func.coalesce(col(Dose.wasted), false()).label("wasted"),
            has["witnessed"].is_not(None).label("witnessed"),
        )
        .join(WalkOut, col(WalkOut.appointment_id) == col(Appointment.appointment_id))
        .outerjoin(Dose, col(Dose.appointment_id) == col(Appointment.appointment_id))
        .where(col(WalkOut.settled_at).is_(None))
    )
    booked = col(Appointment.ends_at) - col(Appointment.starts_at)
    over_at = type_coerce(col(Appointment.started_at) + booked, DateTime(timezone=True))
    runs_on = (
        select(APPOINTMENTS)
        .where(
            col(Appointment.state) == VisitState.RUNNING,
            over_at <= tx.now - timedelta(minutes=drip_overdue_min),
        )
        .with_only_columns(
            *shown,
            over_at.label("since"),
            null().cast(DateTime(timezone=True)).label("raised_at"),
            *nothing,
        )
    )
    parts = [stays, walked, runs_on]
    if location_id is not None:
        parts = [each.where(col(Appointment.location_id) == location_id) for each in parts]
    return union_all(*parts).subquery("waiting")


async def not_told(tx: Transaction) -> list[Appointment]:
    """Those of which nothing was said yet, the longest first."""
    rows = not_gone(tx).where(col(OverdueDischarge.raised_at).is_(None))
    return await every(tx, rows.order_by(*BY_STOPPED), Appointment)


async def note_told(tx: Transaction, appointment_id: UUID) -> bool:
    """Whether this was the first word of it."""
    row = insert(RAISED).values(appointment_id=appointment_id, raised_at=tx.now)
    noted = await tx.execute(row.on_conflict_do_nothing())
    return noted.rowcount == 1
