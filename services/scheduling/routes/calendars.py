"""Calendar files that staff hand to a patient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.scheduling.handlers import calendars
from shared.auth import Role, allow
from shared.http.desk import AtDesk

CALENDAR: dict[int | str, dict[str, Any]] = {
    200: {"description": "The calendar file", "content": {"text/calendar": {}}}
}

router = APIRouter(
    tags=["calendars"], dependencies=[allow(Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER)]
)


@router.get(
    "/appointments/{appointment_id}/calendar.ics", response_class=Response, responses=CALENDAR
)
async def visit_calendar(appointment_id: UUID, desk: AtDesk) -> Response:
    """A visit as a calendar file."""
    return await desk.document(calendars.visit_calendar, appointment_id)


@router.get("/series/{series_id}/calendar.ics", response_class=Response, responses=CALENDAR)
async def series_calendar(series_id: UUID, desk: AtDesk) -> Response:
    """All visits of a series in one file; a newer one replaces what an older one brought."""
    return await desk.document(calendars.series_calendar, series_id)
