"""Patients, who screened and cleared them, and the cards they save."""

from __future__ import annotations

from datetime import date, datetime

from deploy.local.export import cells
from deploy.local.export.known import Known
from deploy.local.export.moments import UNREAD, Landmark, moment
from deploy.local.export.places import address
from deploy.local.export.records import (
    Card,
    Clearance,
    Concern,
    Coverage,
    Location,
    Patient,
    Screening,
    StaffRole,
)
from deploy.local.export.rows import Row


def registered(at: datetime) -> Landmark:
    """What nothing about a patient comes before."""
    return Landmark(at, "the patient is registered")


def patient(row: Row, key: str, known: Known) -> Patient:
    location = known.locations.referred(row, "location")
    registered_at = moment(row, "registered_at", location)
    return Patient(
        patient=key,
        first_name=row.cell("first_name", cells.short),
        last_name=row.cell("last_name", cells.short),
        birth_date=row.cell("birth_date", cells.born_by(_day_of(registered_at, location))),
        phone=row.cell("phone", cells.phone),
        email=row.cell("email", cells.email),
        address=address(row),
        location=location.location if location else "",
        registered_at=registered_at,
        coverage=row.maybe("coverage", cells.several(cells.one_of(Coverage))) or (),
        concerns=row.maybe("concerns", cells.several(cells.one_of(Concern))) or (),
        screening=_screening(row, registered_at, location, known),
        clearance=_clearance(row, registered_at, location, known),
    )


def _day_of(registered_at: datetime, location: Location | None) -> date:
    if location is None or registered_at is UNREAD:
        return date.max
    return registered_at.astimezone(location.zone).date()


def _screening(
    row: Row, registered_at: datetime, location: Location | None, known: Known
) -> Screening | None:
    if not row.together("screened_at", "screened_by", "screened_until"):
        return None
    if row.has("concerns"):
        row.wrong("screened_at", "a concern is named, which takes a clearance")
    return Screening(
        at=moment(row, "screened_at", location, after=registered(registered_at)),
        by=known.member(row, "screened_by", StaffRole.PRESCRIBER, StaffRole.NURSE),
        until=row.cell("screened_until", cells.day),
    )


def _clearance(
    row: Row, registered_at: datetime, location: Location | None, known: Known
) -> Clearance | None:
    if not row.together("cleared_at", "cleared_by", "cleared_until", "clearance_note"):
        return None
    if not row.has("concerns"):
        row.wrong("cleared_at", "no concern is named that would need a clearance")
    return Clearance(
        at=moment(row, "cleared_at", location, after=registered(registered_at)),
        by=known.member(row, "cleared_by", StaffRole.PRESCRIBER, StaffRole.NURSE),
        until=row.cell("cleared_until", cells.day),
        note=row.cell("clearance_note", cells.note),
    )


def card(row: Row, known: Known) -> Card:
    owner = known.patients.referred(row, "patient")
    location = known.locations.items.get(owner.location) if owner else None
    after = registered(owner.registered_at) if owner else None
    return Card(
        patient=owner.patient if owner else "",
        number=row.cell("card_number", cells.card_number),
        saved_at=moment(row, "saved_at", location, after=after),
    )
