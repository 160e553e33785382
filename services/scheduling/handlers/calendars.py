"""A patient's visits as a calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.scheduling import store
from services.scheduling.documents.calendar_file import MEDIA_TYPE, calendar_of
from services.scheduling.store import shown_visits
from services.scheduling.tables import Appointment
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.messaging import Transaction


async def visit_calendar(appointment_id: UUID, tx: Transaction) -> Document | Refused:
    visit = await shown_visits.find_visit(tx, appointment_id)
    if visit is None:
        return Refused.not_found("appointment", "appointment_id")
    return await calendar_document([visit], tx)


async def series_calendar(series_id: UUID, tx: Transaction) -> Document | Refused:
    """Every visit of a series, those that are cancelled included."""
    visits = await store.visits_of(tx, series_id)
    if not visits:
        return Refused.not_found("series", "series_id")
    return await calendar_document(visits, tx)


async def calendar_document(visits: Sequence[Appointment], tx: Transaction) -> Document:
    location = await store.find_location(tx, visits[0].location_id)
    assert location is not None, "a visit has its place"
    content = calendar_of(visits, store.location_card(location), location.calendar_name, tx.now)
    return Document(content, MEDIA_TYPE, "calendar.ics", visits[0].patient_id)
