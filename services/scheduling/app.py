"""Composition root of scheduling."""

from __future__ import annotations

from services.scheduling import (
    booking_routes,
    calendar_routes,
    claim_routes,
    course_routes,
    fhir_routes,
    import_routes,
    outcome_routes,
    planning_routes,
    routes,
    visit_routes,
    waitlist_routes,
)
from services.scheduling.booking_links import BookingLinks
from services.scheduling.events import on
from services.scheduling.import_keys import ImportKeys
from services.scheduling.settings import SchedulingSettings
from services.scheduling.tables import Base
from shared.service import Parts
from shared.settings import PracticeSettings, load


def build() -> Parts:
    """Read the settings and lay out the service. Raises `Misconfigured`."""
    practice = load(PracticeSettings)
    secret = practice.token_secret.get_secret_value()
    return Parts(
        handlers=on,
        metadata=Base.metadata,
        practice=practice,
        own=load(SchedulingSettings),
        gateways={},
        routers=[
            routes.router,
            visit_routes.router,
            planning_routes.router,
            course_routes.router,
            waitlist_routes.router,
            outcome_routes.router,
            calendar_routes.router,
            fhir_routes.router,
            booking_routes.staff,
            booking_routes.public_pages,
            import_routes.router,
            claim_routes.router,
        ],
        state={"booking_links": BookingLinks(secret), "import_keys": ImportKeys(secret)},
    )
