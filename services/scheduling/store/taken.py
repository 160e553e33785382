"""What is taken of chairs, leaders and patients, as bookings and plans are judged by it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    RowMapping,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import col

from services.scheduling.rules.clinic.slots import Drip, Slot
from services.scheduling.rules.visits.life import FREED, VisitState
from services.scheduling.tables import Appointment, Location
from services.scheduling.tables.figures import VisitTypeRow
from shared.messaging import Transaction

LONGEST_VISIT = timedelta(hours=12)
"""As long as the table of visit types lets a visit be."""

LONGEST_BAN = timedelta(days=7)
"""As long as a driving ban can be recorded to be."""


async def taken_slots(
    tx: Transaction,
    chair_ids: Collection[UUID],
    patient_id: UUID,
    *,
    since: datetime,
    until: datetime,
    besides: Collection[UUID] = (),
) -> list[Slot]:
    """What is taken of these chairs or this patient within a span, without some visits."""
    asked = _asked(patient_id, since, until, besides)
    rows = await tx.execute(_TAKEN_OF_CHAIRS, {**asked, "chair_ids": list(chair_ids)})
    return [_slot(row, tx.now) for row in rows.mappings()]


async def taken_of_leader(
    tx: Transaction,
    led_by: UUID,
    patient_id: UUID,
    *,
    since: datetime,
    until: datetime,
    besides: UUID | None = None,
) -> list[Slot]:
    """What a leader has, and what the patient has, without the session that moves.

    A session has its leader in the place of a chair.
    """
    asked = _asked(patient_id, since, until, [] if besides is None else [besides])
    rows = await tx.execute(_TAKEN_OF_LEADER, {**asked, "led_by": led_by})
    return [_slot(row, tx.now) for row in rows.mappings()]


def _asked(
    patient_id: UUID, since: datetime, until: datetime, besides: Collection[UUID]
) -> dict[str, object]:
    return {
        "patient_id": patient_id,
        "since": since - LONGEST_VISIT,
        "since_with_ban": since - LONGEST_VISIT - LONGEST_BAN,
        "until": until,
        "until_with_ban": until + LONGEST_BAN,
        "besides": list(besides),
    }


def figure(name: str) -> ScalarSelect[Any]:
    """What a visit's type says on the visit's own day, by the clock of its place."""
    zone = select(col(Location.zone)).where(
        col(Location.location_id) == col(Appointment.location_id)
    )
    local = func.timezone(zone.correlate(Appointment).scalar_subquery(), col(Appointment.starts_at))
    rows = select(getattr(VisitTypeRow, name)).where(
        col(VisitTypeRow.visit_type) == col(Appointment.visit_type),
        col(VisitTypeRow.effective_from) <= cast(local, Date),
    )
    newest = col(VisitTypeRow.effective_from).desc(), col(VisitTypeRow.revision).desc()
    latest = rows.order_by(*newest).limit(1)
    return latest.correlate(Appointment).scalar_subquery()


def _ids(name: str) -> ColumnElement[Any]:
    return func.any(bindparam(name, type_=ARRAY(PG_UUID)))


def _moment(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=TIMESTAMP(timezone=True))


def _taken(of: ColumnElement[bool]) -> Select[Any]:
    """What is taken of some chairs or a leader, or of the patient, whose driving bans count too.

    A drip that runs, or has run longer than was booked, is there for as long as it does. Built once
    and not for each question: that takes longer than asking.
    """
    is_mine = col(Appointment.patient_id) == bindparam("patient_id", type_=PG_UUID)
    is_drip = col(Appointment.started_at).is_not(None)
    return select(
        col(Appointment.starts_at),
        col(Appointment.ends_at),
        func.coalesce(col(Appointment.chair_id), col(Appointment.led_by)).label("chair_id"),
        col(Appointment.patient_id),
        col(Appointment.started_at),
        col(Appointment.stopped_at),
        case((is_drip | is_mine, figure("recovery_min")), else_=0).label("recovery_min"),
        case((is_mine, figure("no_drive_min")), else_=0).label("no_drive_min"),
        case((is_mine, figure("begins_in_ban")), else_=False).label("begins_in_ban"),
    ).where(
        or_(of, is_mine),
        or_(
            col(Appointment.starts_at) > _moment("since"),
            and_(is_mine, col(Appointment.starts_at) > _moment("since_with_ban")),
            col(Appointment.state) == VisitState.RUNNING,
        ),
        col(Appointment.starts_at) < _moment("until_with_ban"),
        or_(col(Appointment.starts_at) < _moment("until"), is_mine),
        col(Appointment.state).not_in(FREED),
        not_(col(Appointment.appointment_id) == _ids("besides")),
    )


_TAKEN_OF_CHAIRS = _taken(col(Appointment.chair_id) == _ids("chair_ids"))
_TAKEN_OF_LEADER = _taken(col(Appointment.led_by) == bindparam("led_by", type_=PG_UUID))


def _slot(row: RowMapping, now: datetime) -> Slot:
    starts_at, ends_at = row["starts_at"], row["ends_at"]
    stops_at = ends_at - timedelta(minutes=row["recovery_min"])
    if row["started_at"] is not None:
        drip = Drip(row["started_at"], row["stopped_at"], row["recovery_min"])
        ends_at = drip.until(starts_at, ends_at, now)
        starts_at = min(starts_at, drip.started_at)
        stops_at = drip.stopped_at or ends_at - timedelta(minutes=row["recovery_min"])
    no_drive = timedelta(minutes=row["no_drive_min"])
    return Slot(
        starts_at,
        ends_at,
        row["chair_id"],
        row["patient_id"],
        stops_at + no_drive if no_drive else None,
        minds_ban=not row["begins_in_ban"],
    )
