"""What staff look at: patients, the day's visits, series, the clinic's figures."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentSummary, PatientFile, SeriesAnswer
from services.scheduling.forms.figures import (
    CatalogueEntry,
    ClosureAnswer,
    LocationFigures,
    OpeningHoursAnswer,
    ProtocolAnswer,
    RosterAnswer,
)
from services.scheduling.handlers.patients.screening import shown_of
from services.scheduling.handlers.shown import show_series
from services.scheduling.store.merging import merged_into
from shared.auth import Actor, Role
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction

TREATING = frozenset({Role.NURSE, Role.PRESCRIBER})
"""Who sees what screening found."""


async def read_patient(patient_id: UUID, reader: Actor, tx: Transaction) -> PatientFile | Refused:
    patient = await store.find_patient(tx, patient_id)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    return PatientFile(
        **store.patient_card(tx, patient).model_dump(),
        **shown_of(patient, tx.now.date()),
        concerns=store.concerns_of(tx, patient) if reader.roles & TREATING else None,
        merged_into=patient.merged_into,
        merged_from=await merged_into(tx, patient_id),
    )


async def list_visits(
    since: datetime | None,
    until: datetime | None,
    location_id: UUID | None,
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[AppointmentSummary] | Refused:
    """Visits by their start, a page at a time. Each patient shown is in the audit log."""

    def item(row: Row[tuple[object, ...]]) -> AppointmentSummary:
        return AppointmentSummary.model_validate(row, from_attributes=True)

    return await page(
        tx,
        store.visits_between(since, until, location_id),
        by=store.BY_START,
        asked=asked,
        item=item,
        shown_to=reader,
        as_entity="appointment",
    )


async def read_series(series_id: UUID, tx: Transaction) -> SeriesAnswer | Refused:
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    location = await store.find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    series = course.series
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    return show_series(tx, course, location, policy)


async def read_catalogue(on: date | None, tx: Transaction) -> list[CatalogueEntry]:
    """Every visit type with the figures in force on a day, today unless it is named."""
    entries = await store.catalogue_on(tx, on or tx.now.date())
    return [
        CatalogueEntry(
            **visit.model_dump(),
            protocol=None if protocol is None else ProtocolAnswer(**protocol.model_dump()),
        )
        for visit, protocol in entries
    ]


async def read_figures(location_id: UUID, tx: Transaction) -> LocationFigures | Refused:
    """A place's hours, rosters and closures, earliest first."""
    if await store.find_location(tx, location_id) is None:
        return Refused.not_found("location", "location_id")
    hours, rosters, closures = await store.figures_at(tx, location_id)
    return LocationFigures(
        location_id=location_id,
        opening_hours=[
            OpeningHoursAnswer(**row.model_dump(exclude={"recorded_at"})) for row in hours
        ],
        rosters=[RosterAnswer(**row.model_dump(exclude={"recorded_at"})) for row in rosters],
        closures=[ClosureAnswer(**row.model_dump()) for row in closures],
    )
