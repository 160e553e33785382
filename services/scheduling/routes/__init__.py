"""The API of scheduling: one file per noun."""

from __future__ import annotations

from services.scheduling.routes import (
    booking,
    calendars,
    claims,
    courses,
    desk,
    fhir,
    imports,
    outcomes,
    planning,
    screening,
    sessions,
    treatments,
    visits,
    waitlist,
)

ROUTERS = (
    desk.router,
    screening.router,
    visits.router,
    sessions.router,
    treatments.router,
    planning.router,
    courses.router,
    waitlist.router,
    outcomes.router,
    calendars.router,
    fhir.router,
    booking.staff,
    booking.public_pages,
    imports.router,
    claims.router,
)
"""In the order of the API's document."""
