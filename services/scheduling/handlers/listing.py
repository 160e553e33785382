"""What staff look at: the day's visits, a series."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.answers import AppointmentSummary, SeriesAnswer
from services.scheduling.handlers.shown import show_series
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


async def list_visits(
    since: datetime | None,
    until: datetime | None,
    location_id: UUID | None,
    asked: Paging,
    tx: Transaction,
) -> Page[AppointmentSummary] | Refused:
    """Visits by their start, a page at a time."""

    def item(row: Row[tuple[object, ...]]) -> AppointmentSummary:
        return AppointmentSummary.model_validate(row, from_attributes=True)

    return await page(
        tx,
        store.visits_between(since, until, location_id),
        by=store.BY_START,
        asked=asked,
        item=item,
    )


async def read_series(series_id: UUID, tx: Transaction) -> SeriesAnswer | Refused:
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    location = await store.find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    return await show_series(tx, course, location)
