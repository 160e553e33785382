"""Visits as other programs ask for them: one, or those of a patient and a time. Held for nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, func, not_, or_, select
from sqlmodel import col

from services.scheduling.forms.answers import AppointmentSummary
from services.scheduling.rules.fhir.dates import Span
from services.scheduling.rules.visits.life import FREED, VisitState
from services.scheduling.store.rows import every, one
from services.scheduling.tables import Appointment, Chair, Clinician, Location, Room
from shared.messaging import Transaction

CHAIRS: Table = Chair.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_CHAIR = (CHAIRS.c.name, CHAIRS.c.chair_id)

FARTHEST_ZONE = timedelta(hours=14)
"""How far a clock on a wall may be from UTC (IANA: Pacific/Kiritimati)."""


async def find_visit(tx: Transaction, appointment_id: UUID) -> Appointment | None:
    rows = select(Appointment).where(
        col(Appointment.appointment_id) == appointment_id, col(Appointment.hold_id).is_(None)
    )
    return await one(tx, rows, Appointment)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits a search is for: all that these fit, of each the ones named; None is any.

    `actors` take part, as patient, chair, room or leader; `places` are chairs, rooms or locations.
    """

    spans: Sequence[Span] = ()
    ids: Collection[UUID] | None = None
    patients: Collection[UUID] | None = None
    actors: Collection[UUID] | None = None
    places: Collection[UUID] | None = None
    series: Collection[UUID] | None = None
    states: Collection[VisitState] | None = None


def visits_wanted(wanted: Wanted) -> Select[Any]:
    """The visits that a search is for, to be shown a page at a time."""
    visit = Appointment
    columns: tuple[tuple[Collection[Any] | None, tuple[Any, ...]], ...] = (
        (wanted.ids, (col(visit.appointment_id),)),
        (wanted.patients, (col(visit.patient_id),)),
        (
            wanted.actors,
            (col(visit.patient_id), col(visit.chair_id), col(visit.room_id), col(visit.led_by)),
        ),
        (wanted.places, (col(visit.chair_id), col(visit.room_id), col(visit.location_id))),
        (wanted.series, (col(visit.series_id),)),
        (wanted.states, (col(visit.state),)),
    )
    rows = _starting_in(wanted.spans).where(col(visit.hold_id).is_(None))
    for values, any_of in columns:
        if values is not None:
            rows = rows.where(or_(*(column.in_(values) for column in any_of)))
    return rows


def taken_in(
    spans: Sequence[Span],
    of: Collection[UUID] | None,
    ids: Collection[UUID] | None,
    held: Collection[bool],
) -> Select[Any]:
    """The visits that take a chair's time, or a leader's, and what is held of a chair.

    `held` says which of them: what is held, what is booked, or both.
    """
    rows = _starting_in(spans).where(
        col(Appointment.state).not_in(FREED), col(Appointment.hold_id).is_not(None).in_(held)
    )
    if of is not None:
        rows = rows.where(or_(col(Appointment.chair_id).in_(of), col(Appointment.led_by).in_(of)))
    return rows if ids is None else rows.where(col(Appointment.appointment_id).in_(ids))


async def count(tx: Transaction, rows: Select[Any]) -> int:
    counted = select(func.count()).select_from(rows.subquery())
    return int((await tx.execute(counted)).scalar_one())


async def find_taken(tx: Transaction, slot_id: UUID) -> Appointment | None:
    """A visit that takes time, or what is held for one."""
    rows = select(Appointment).where(
        col(Appointment.appointment_id) == slot_id, col(Appointment.state).not_in(FREED)
    )
    return await one(tx, rows, Appointment)


def _starting_in(spans: Sequence[Span]) -> Select[Any]:
    rows = select(Appointment).join(
        Location, col(Location.location_id) == col(Appointment.location_id)
    )
    return rows.where(*(_within(span) for span in spans))


def _within(span: Span) -> ColumnElement[bool]:
    inside = and_(*_limits(span))
    return not_(inside) if span.is_outside else inside


def _limits(span: Span) -> Iterator[ColumnElement[bool]]:
    """A span as conditions; for the index, what the wall's clock says is said in UTC as well."""
    starts_at = col(Appointment.starts_at)
    on_the_wall = func.timezone(col(Location.zone), starts_at)
    if span.since is not None and span.since.tzinfo is None:
        yield on_the_wall >= span.since
        yield starts_at >= span.since.replace(tzinfo=UTC) - FARTHEST_ZONE
    elif span.since is not None:
        yield starts_at >= span.since
    if span.until is not None and span.until.tzinfo is None:
        yield on_the_wall < span.until
        yield starts_at < span.until.replace(tzinfo=UTC) + FARTHEST_ZONE
    elif span.until is not None:
        yield starts_at < span.until


async def chairs_by_id(tx: Transaction, chair_ids: Collection[UUID]) -> dict[UUID, Chair]:
    rows = select(Chair).where(col(Chair.chair_id).in_(chair_ids))
    return {chair.chair_id: chair for chair in await every(tx, rows, Chair)}


async def names_beside(tx: Transaction, visits: Sequence[AppointmentSummary]) -> dict[UUID, str]:
    """The names of the chairs and rooms that visits are in, and of the clinicians who lead them."""
    chairs = await chairs_by_id(tx, {each.chair_id for each in visits if each.chair_id})
    led_by = {each.led_by for each in visits if each.led_by}
    rows = select(Clinician).where(col(Clinician.clinician_id).in_(led_by))
    leaders = await every(tx, rows, Clinician) if led_by else []
    used = {each.room_id for each in visits if each.room_id}
    rooms = await every(tx, select(Room).where(col(Room.room_id).in_(used)), Room) if used else []
    return {
        **{chair.chair_id: chair.name for chair in chairs.values()},
        **{leader.clinician_id: leader.name for leader in leaders},
        **{room.room_id: room.name for room in rooms},
    }


async def find_chair(tx: Transaction, chair_id: UUID) -> Chair | None:
    return await one(tx, select(Chair).where(col(Chair.chair_id) == chair_id), Chair)


async def find_room(tx: Transaction, room_id: UUID) -> Room | None:
    return await one(tx, select(Room).where(col(Room.room_id) == room_id), Room)


def chairs_of(places: Collection[UUID]) -> Select[Any]:
    """The chairs of places, to be shown a page at a time; a chair is its own place."""
    of = or_(col(Chair.location_id).in_(places), col(Chair.chair_id).in_(places))
    return select(Chair).where(of)
