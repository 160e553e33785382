"""Visits as other programs ask for them: one, or those of a patient and a time. Held for nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel import col

from services.scheduling.forms.answers import AppointmentSummary
from services.scheduling.rules.fhir_dates import Span
from services.scheduling.rules.visits import FREED
from services.scheduling.store.rows import every, one
from services.scheduling.tables import Appointment, Chair, Clinician, Location
from shared.messaging import Transaction

FARTHEST_ZONE = timedelta(hours=14)
"""How far a clock on a wall may be from UTC (IANA: Pacific/Kiritimati)."""


async def find_visit(tx: Transaction, appointment_id: UUID) -> Appointment | None:
    rows = select(Appointment).where(
        col(Appointment.appointment_id) == appointment_id, col(Appointment.hold_id).is_(None)
    )
    return await one(tx, rows, Appointment)


def visits_in(spans: Sequence[Span], patient_id: UUID | None) -> Select[Any]:
    """The visits that start within all of these spans, to be shown a page at a time."""
    rows = _starting_in(spans).where(col(Appointment.hold_id).is_(None))
    return rows if patient_id is None else rows.where(col(Appointment.patient_id) == patient_id)


def taken_in(spans: Sequence[Span], of: UUID) -> Select[Any]:
    """The visits that take a chair's time, or a leader's, and what is held of a chair."""
    return _starting_in(spans).where(
        or_(col(Appointment.chair_id) == of, col(Appointment.led_by) == of),
        col(Appointment.state).not_in(FREED),
    )


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
    return rows.where(*(limit for span in spans for limit in _limits(span)))


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
    """The names of the chairs that visits are in, and of the clinicians who lead them."""
    chairs = await chairs_by_id(tx, {each.chair_id for each in visits if each.chair_id})
    led_by = {each.led_by for each in visits if each.led_by}
    rows = select(Clinician).where(col(Clinician.clinician_id).in_(led_by))
    leaders = await every(tx, rows, Clinician) if led_by else []
    return {chair.chair_id: chair.name for chair in chairs.values()} | {
        leader.clinician_id: leader.name for leader in leaders
    }


async def find_chair(tx: Transaction, chair_id: UUID) -> Chair | None:
    return await one(tx, select(Chair).where(col(Chair.chair_id) == chair_id), Chair)


async def chairs_named_at(tx: Transaction, location_id: UUID) -> list[Chair]:
    """The chairs of a place, by name."""
    rows = select(Chair).where(col(Chair.location_id) == location_id)
    return await every(tx, rows.order_by(col(Chair.name)), Chair)
