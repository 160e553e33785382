"""Drips that have a chair, a nurse or a patient now, and what a patient was given before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select
from sqlalchemy.dialects.postgresql import BOOLEAN, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import col

from services.scheduling.rules.series.earlier import Earlier
from services.scheduling.rules.visits.drips import Busy
from services.scheduling.rules.visits.life import FREED, VisitState
from services.scheduling.store.taken import LONGEST_VISIT, figure
from services.scheduling.store.visits import APPOINTMENTS
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
    """The chairs of a place that are in service, by name."""
    rows = select(col(Chair.chair_id), col(Chair.name)).where(
        col(Chair.location_id) == location_id, col(Chair.out_since).is_(None)
    )
    found = await tx.execute(rows.order_by(col(Chair.name)))
    return {row.chair_id: row.name for row in found}


async def given_elsewhere(
    tx: Transaction,
    patient_id: UUID,
    *,
    since: datetime,
    drug: str | None,
    series_id: UUID | None,
    besides: UUID | None,
    to_come: bool,
) -> list[Earlier]:
    """The patient's visits in a chair that begin after a moment, earliest first.

    Without those of a series, without one visit, of one drug only, begun ones only: as asked.
    """
    asked = {
        "patient_id": patient_id,
        "since": since,
        "now": tx.now,
        "drug": drug,
        "series_id": series_id,
        "besides": besides,
        "to_come": to_come,
    }
    return [Earlier(**row) for row in (await tx.execute(_GIVEN, asked)).mappings()]


def _given() -> Select[datetime, datetime]:
    """Built once and not for each question: that takes longer than asking."""
    begins_at = func.coalesce(col(Appointment.started_at), col(Appointment.starts_at))
    is_begun = col(Appointment.started_at).is_not(None)
    now = bindparam("now", type_=TIMESTAMP(timezone=True))
    stops_at = func.coalesce(
        col(Appointment.stopped_at), case((is_begun, now), else_=col(Appointment.ends_at))
    )
    drug = bindparam("drug", type_=TEXT)
    series_id = bindparam("series_id", type_=PG_UUID)
    besides = bindparam("besides", type_=PG_UUID)
    return (
        select(
            begins_at.label("begins_at"),
            func.coalesce(
                col(Appointment.no_drive_until),
                stops_at + func.make_interval(0, 0, 0, 0, 0, figure("no_drive_min")),
            ).label("no_drive_until"),
        )
        .where(
            col(Appointment.patient_id) == bindparam("patient_id", type_=PG_UUID),
            begins_at > bindparam("since", type_=TIMESTAMP(timezone=True)),
            col(Appointment.led_by).is_(None),
            col(Appointment.hold_id).is_(None),
            col(Appointment.state).not_in(FREED),
            col(Appointment.ran).is_not(False),
            or_(bindparam("to_come", type_=BOOLEAN), is_begun),
            or_(drug.is_(None), figure("drug") == drug),
            or_(series_id.is_(None), col(Appointment.series_id).is_distinct_from(series_id)),
            or_(besides.is_(None), col(Appointment.appointment_id) != besides),
        )
        .order_by(begins_at)
    )


_GIVEN = _given()
