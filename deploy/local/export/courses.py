"""What happened at a visit that took place: ride, arrival, drip, payment."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.local.export import cells
from deploy.local.export.known import Known
from deploy.local.export.moments import Landmark, moment, moment_if_any
from deploy.local.export.records import Course, Dose, Location, OutsidePayment, Ride, StaffRole
from deploy.local.export.rows import Row
from deploy.local.outside.stripe.cards import BY_DECLINE_CODE
from shared.events.billing import TenderKind
from shared.events.scheduling import RideMode

CONFIRMS_RIDE_BEFORE = timedelta(hours=20)
CHECKS_IN_BEFORE = timedelta(minutes=15)
RESTS_AFTERWARDS = timedelta(minutes=30)


def course(
    row: Row, location: Location | None, starts_at: datetime, booked: Landmark, known: Known
) -> Course:
    """Where the file does not say when, the ride and the arrival have their usual moments."""
    rides = moment_if_any(row, "ride_confirmed_at", location, after=booked)
    arrives = moment_if_any(row, "checked_in_at", location, after=booked)
    visit = Landmark(starts_at, "the visit")
    return Course(
        nurse=known.member(row, "nurse", StaffRole.NURSE, StaffRole.PRESCRIBER),
        ride=_ride(row, rides or max(booked.at, starts_at - CONFIRMS_RIDE_BEFORE)),
        checked_in_at=arrives or max(booked.at, starts_at - CHECKS_IN_BEFORE),
        fasted=row.cell("fasted", cells.yes_or_no),
        drip=row.cell("drip_min", cells.minutes),
        dose=Dose(
            weight_g=row.cell("weight_kg", cells.weight_g),
            dose_ug=row.cell("dose_mg", cells.dose_ug),
            lot=row.cell("lot", cells.line),
        ),
        discharged_after=row.maybe("discharged_after_min", cells.minutes) or RESTS_AFTERWARDS,
        outside_payment=_outside_payment(row, location, visit),
        issuer_declines=row.maybe("issuer_declines", _decline_code),
        tried_again_at=moment_if_any(row, "tried_again_at", location, after=visit),
    )


def _ride(row: Row, confirmed_at: datetime) -> Ride:
    mode = row.cell("ride", cells.one_of(RideMode))
    if mode is RideMode.DRIVER and not row.has("ride_name"):
        row.wrong("ride_name", "must not be empty when a driver comes: who is it?")
    if mode is RideMode.DRIVER and not row.has("ride_phone"):
        row.wrong("ride_phone", "must not be empty when a driver comes: who is called?")
    return Ride(
        confirmed_at=confirmed_at,
        mode=mode,
        name=row.maybe("ride_name", cells.line),
        phone=row.maybe("ride_phone", cells.phone),
    )


_TENDERS = [tender for tender in TenderKind if tender is not TenderKind.PREPAID]
"""What is prepaid pays by itself: no file chooses it."""


def _outside_payment(row: Row, location: Location | None, visit: Landmark) -> OutsidePayment | None:
    tender = row.maybe("tender", cells.one_of(_TENDERS)) or TenderKind.CARD
    if tender is TenderKind.CARD:
        for column in ("reference", "paid_at"):
            if row.has(column):
                row.wrong(column, "is for a visit that is not paid by card: fill tender as well")
        return None
    return OutsidePayment(
        tender=tender,
        reference=row.cell("reference", cells.key),
        paid_at=moment(row, "paid_at", location, after=visit),
    )


def _decline_code(text: str) -> str:
    if text not in BY_DECLINE_CODE:
        raise ValueError(f"{text!r} is not one of {', '.join(BY_DECLINE_CODE)}")
    return text
