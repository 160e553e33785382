"""Drips that have a chair, a nurse or a patient now, and what a patient was given before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import col

from services.scheduling.rules.drips import Busy
from services.scheduling.rules.earlier import Earlier
from services.scheduling.rules.visits import VisitState
from services.scheduling.store.visits import APPOINTMENTS, LONGEST_VISIT, figure
from services.scheduling.tables import Appointment, Chair
from shared.messaging import Transaction


async def busy_drips(tx: Transaction, location_id: UUID, patient_id: UUID) -> list[Busy]:
    """The drips that run at a place, or are recovered from in its chairs; and the patient's own."""
    recovers_until = col(Appointment.stopped_at) + func.make_interval(
        0, 0, 0, 0, 0, figure("recovery_min")
    )
    runs = col(Appointment.state) == VisitState.RUNNING
    recovers = and_(
        col(Appointment.state).in_(
            (VisitState.COMPLETED, VisitState.RECOVERING, VisitState.ABORTED)
        ),
        col(Appointment.no_drive_until).is_(None),
        col(Appointment.stopped_at) > tx.now - LONGEST_VISIT,
        recovers_until > tx.now,
    )
    columns: list[ColumnElement[Any]] = [
        *(
            APPOINTMENTS.c[name]
            for name in (
                "appointment_id",
                "patient_id",
                "location_id",
                "chair_id",
                "started_at",
                "stopped_at",
            )
        ),
        col(Chair.name).label("chair"),
    ]
    rows = (
        select(*columns)
        .join(Chair, col(Chair.chair_id) == col(Appointment.chair_id))
        .where(
            or_(
                and_(col(Appointment.location_id) == location_id, or_(runs, recovers)),
                and_(col(Appointment.patient_id) == patient_id, runs),
            )
        )
        .order_by(col(Appointment.started_at))
    )
    return [Busy(**row) for row in (await tx.execute(rows)).mappings()]


async def chair_names(tx: Transaction, location_id: UUID) -> dict[UUID, str]:
    """The chairs of a place, by name."""
    rows = select(col(Chair.chair_id), col(Chair.name)).where(col(Chair.location_id) == location_id)
    found = await tx.execute(rows.order_by(col(Chair.name)))
    return {row.chair_id: row.name for row in found}


async def given_elsewhere(
    tx: Transaction, patient_id: UUID, series_id: UUID | None, since: datetime
) -> list[Earlier]:
    """The patient's infusions of other series that began after a moment, earliest first."""
    rows = select(
        col(Appointment.started_at),
        func.coalesce(
            col(Appointment.no_drive_until),
            func.coalesce(col(Appointment.stopped_at), tx.now)
            + func.make_interval(0, 0, 0, 0, 0, figure("no_drive_min")),
        ).label("no_drive_until"),
    ).where(
        col(Appointment.patient_id) == patient_id,
        col(Appointment.started_at) > since,
        col(Appointment.series_id).is_not(None),
    )
    if series_id is not None:
        rows = rows.where(col(Appointment.series_id) != series_id)
    found = await tx.execute(rows.order_by(col(Appointment.started_at)))
    return [Earlier(**row) for row in found.mappings()]
