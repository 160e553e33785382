"""Visits at their newest revision, as far as messages need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.notifications.rules import Appointment, AppointmentState, Needs, needs_of
from shared.events.scheduling import AppointmentBooked, AppointmentMoved
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class BookedVisit:
    """A visit for which reminders are planned."""

    appointment_id: UUID
    patient_id: UUID
    location_id: UUID
    needs: Needs
    starts_at: datetime
    revision: int


async def keep_visit(tx: Transaction, visit: AppointmentBooked | AppointmentMoved) -> bool:
    """A visit at its newest revision; False when this one is old. A moved visit's ride is open.

    One that was cancelled by mistake, a no-show who came, is booked again with a later revision.
    """
    needs = needs_of(visit.visit_type, ride_needed=visit.ride_needed, fasting_min=visit.fasting_min)
    kept = await tx.execute(
        text(
            "INSERT INTO appointments (appointment_id, patient_id, location_id,"
            " ride_needed, fasting_min, starts_at, revision, state) VALUES (:appointment_id,"
            " :patient_id, :location_id, :ride_needed, :fasting_min, :starts_at, :revision,"
            " 'booked')"
            " ON CONFLICT (appointment_id) DO UPDATE SET location_id = excluded.location_id,"
            " ride_needed = excluded.ride_needed, fasting_min = excluded.fasting_min,"
            " starts_at = excluded.starts_at,"
            " revision = excluded.revision, ride_confirmed = false, state = 'booked'"
            " WHERE appointments.revision < excluded.revision"
            " AND (appointments.state = 'booked' OR :again AND appointments.state = 'cancelled')"
        ),
        {
            "again": isinstance(visit, AppointmentBooked),
            "appointment_id": visit.appointment_id,
            "patient_id": visit.patient_id,
            "location_id": visit.location_id,
            "ride_needed": needs.ride,
            "fasting_min": needs.no_food // timedelta(minutes=1),
            "starts_at": visit.starts_at,
            "revision": visit.revision,
        },
    )
    return kept.rowcount == 1


async def end_visit(
    tx: Transaction, appointment_id: UUID, state: AppointmentState, revision: int | None = None
) -> bool:
    """Cancel or discharge a booked visit; False when it has ended already or is not known."""
    ended = await tx.execute(
        text(
            "UPDATE appointments SET state = :state, revision = coalesce(:revision, revision)"
            " WHERE appointment_id = :appointment_id AND state = 'booked'"
        ),
        {"state": state, "appointment_id": appointment_id, "revision": revision},
    )
    return ended.rowcount == 1


async def confirm_ride(tx: Transaction, appointment_id: UUID) -> None:
    await tx.execute(
        text(
            "UPDATE appointments SET ride_confirmed = true WHERE appointment_id = :appointment_id"
        ),
        {"appointment_id": appointment_id},
    )


async def appointment_of(tx: Transaction, appointment_id: UUID) -> Appointment:
    found = await tx.execute(
        text(
            "SELECT starts_at, revision, state, ride_confirmed, fasting_min FROM appointments"
            " WHERE appointment_id = :appointment_id"
        ),
        {"appointment_id": appointment_id},
    )
    row = found.one()
    return Appointment(
        row.starts_at,
        row.revision,
        AppointmentState(row.state),
        row.ride_confirmed,
        timedelta(minutes=row.fasting_min),
    )


async def visits_to_come(tx: Transaction, location_id: UUID) -> list[BookedVisit]:
    found = await tx.execute(
        text(
            "SELECT appointment_id, patient_id, location_id, ride_needed, fasting_min, starts_at,"
            " revision FROM appointments WHERE location_id = :location_id AND state = 'booked'"
            " AND starts_at > :now ORDER BY appointment_id"
        ),
        {"location_id": location_id, "now": tx.now},
    )
    return [
        BookedVisit(
            row.appointment_id,
            row.patient_id,
            row.location_id,
            Needs(row.ride_needed, timedelta(minutes=row.fasting_min)),
            row.starts_at,
            row.revision,
        )
        for row in found
    ]
