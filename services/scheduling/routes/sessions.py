"""Sessions that a clinician leads, as staff book and record them.

Moving, cancelling, checking in and sending home are the routes of every visit.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.sessions import AttendSession, BookSession
from services.scheduling.handlers.sessions import attendance, booking
from shared.auth import Role, allow
from shared.http.desk import AtDesk

router = APIRouter(tags=["sessions"])


@router.post("/patients/{patient_id}/sessions", dependencies=[allow(Role.FRONT_DESK)])
async def arrange_session(patient_id: UUID, wish: BookSession, desk: AtDesk) -> AppointmentAnswer:
    """Book a preparation or integration session, a nasal-spray consult or a web follow-up."""
    return await desk.decide(booking.book_session_at_desk, patient_id, wish)


@router.post(
    "/appointments/{appointment_id}/attend", dependencies=[allow(Role.NURSE, Role.PRESCRIBER)]
)
async def attend_session(
    appointment_id: UUID, wish: AttendSession, desk: AtDesk
) -> AppointmentAnswer:
    """Record that a session took place; it is charged from then on."""
    return await desk.decide(attendance.attend_session, appointment_id, wish)
