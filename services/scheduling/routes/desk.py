"""Scheduling's API for staff. Each route says who may call it; each POST is decided once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.scheduling.forms.answers import (
    AppointmentAnswer,
    AppointmentSummary,
    ChairAnswer,
    ClinicianAnswer,
    LocationAnswer,
    PatientAnswer,
    PatientFile,
    RoomAnswer,
    SeriesAnswer,
)
from services.scheduling.forms.wishes import (
    AddChair,
    AddClinician,
    AddRoom,
    BookSeries,
    CancelAppointment,
    CheckIn,
    CorrectClinician,
    CorrectLocation,
    MergeFile,
    MoveAppointment,
    Nothing,
    OpenLocation,
    RecordRide,
    RegisterPatient,
    SendHome,
    StartsAt,
    StopSeries,
    TakeChairOut,
    UpdatePatient,
    WishedAppointment,
)
from services.scheduling.handlers import listing
from services.scheduling.handlers.clinic import chairs, locations
from services.scheduling.handlers.patients import intake, merging
from services.scheduling.handlers.series import booking, changes, ending
from services.scheduling.handlers.visits import arrival, undoing
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

OPS, FRONT_DESK, NURSE, PRESCRIBER = Role.OPS, Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER

router = APIRouter(tags=["scheduling"])


@router.post("/locations", dependencies=[allow(OPS)])
async def open_location(wish: OpenLocation, desk: AtDesk) -> LocationAnswer:
    """Open a location of the practice."""
    return await desk.decide(locations.open_location, wish)


@router.patch("/locations/{location_id}", dependencies=[allow(OPS)])
async def correct_location(
    location_id: UUID, wish: CorrectLocation, desk: AtDesk
) -> LocationAnswer:
    """Correct what is on record about a location, or what patients' calendars call it."""
    return await desk.decide(locations.correct_location, location_id, wish)


@router.post("/locations/{location_id}/chairs", dependencies=[allow(OPS)])
async def add_chair(location_id: UUID, wish: AddChair, desk: AtDesk) -> ChairAnswer:
    """Add a chair to a location."""
    return await desk.decide(locations.add_chair, location_id, wish)


@router.post("/locations/{location_id}/rooms", dependencies=[allow(OPS)])
async def add_room(location_id: UUID, wish: AddRoom, desk: AtDesk) -> RoomAnswer:
    """Add a room to a location, for visits whose type needs one."""
    return await desk.decide(locations.add_room, location_id, wish)


@router.get(
    "/locations/{location_id}/rooms", dependencies=[allow(OPS, FRONT_DESK, NURSE, PRESCRIBER)]
)
async def list_rooms(location_id: UUID, desk: AtDesk) -> list[RoomAnswer]:
    """The rooms of a location, by name."""
    return await desk.read(locations.list_rooms, location_id)


@router.post("/chairs/{chair_id}/out-of-service", dependencies=[allow(OPS, NURSE)])
async def take_chair_out(chair_id: UUID, wish: TakeChairOut, desk: AtDesk) -> ChairAnswer:
    """Take a chair out of service, and name the visits that it touches."""
    return await desk.decide(chairs.take_out, chair_id, wish)


@router.post("/chairs/{chair_id}/in-service", dependencies=[allow(OPS, NURSE)])
async def put_chair_back(chair_id: UUID, wish: Nothing, desk: AtDesk) -> ChairAnswer:
    """Put a chair in service again."""
    return await desk.decide(chairs.put_back, chair_id, wish)


@router.post("/clinicians", dependencies=[allow(OPS)])
async def add_clinician(wish: AddClinician, desk: AtDesk) -> ClinicianAnswer:
    """Add a clinician, with the numbers that superbills and prescriptions name."""
    return await desk.decide(locations.add_clinician, wish)


@router.patch("/clinicians/{clinician_id}", dependencies=[allow(OPS)])
async def correct_clinician(
    clinician_id: UUID, wish: CorrectClinician, desk: AtDesk
) -> ClinicianAnswer:
    """Correct what is on record about a clinician."""
    return await desk.decide(locations.correct_clinician, clinician_id, wish)


@router.post("/patients", dependencies=[allow(FRONT_DESK)])
async def register_patient(wish: RegisterPatient, desk: AtDesk) -> PatientAnswer:
    """Register a patient; a concern holds the patient, and nobody is screened by it."""
    return await desk.decide(intake.register_patient, wish, desk.actor)


@router.patch("/patients/{patient_id}", dependencies=[allow(FRONT_DESK)])
async def update_patient(patient_id: UUID, wish: UpdatePatient, desk: AtDesk) -> PatientAnswer:
    """Change how a patient is reached, and what is on the card."""
    return await desk.decide(intake.update_patient, patient_id, wish)


@router.post("/patients/{patient_id}/merge", dependencies=[allow(OPS, FRONT_DESK)])
async def merge_file(patient_id: UUID, wish: MergeFile, desk: AtDesk) -> PatientAnswer:
    """Close a patient's file that is one too many, and go on with the other one."""
    return await desk.decide(merging.merge_file, patient_id, wish, desk.actor)


@router.get(
    "/patients/{patient_id}", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER, Role.BILLER)]
)
async def read_patient(patient_id: UUID, desk: AtDesk) -> PatientFile:
    """A patient's card; the concerns are shown to those who treat."""
    return await desk.read(listing.read_patient, patient_id, desk.actor)


@router.post("/series", dependencies=[allow(FRONT_DESK)])
async def book_series(wish: BookSeries, desk: AtDesk) -> SeriesAnswer:
    """Book all infusions of a series, or none."""
    return await desk.decide(booking.book_series, wish)


@router.post("/series/{series_id}/appointments", dependencies=[allow(FRONT_DESK)])
async def book_missing(series_id: UUID, wish: WishedAppointment, desk: AtDesk) -> AppointmentAnswer:
    """One infusion in the place of one that was cancelled, missed or sent home."""
    return await desk.decide(booking.book_missing, series_id, wish)


@router.get("/series/{series_id}", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER)])
async def read_series(series_id: UUID, desk: AtDesk) -> SeriesAnswer:
    """A series with its visits and their state."""
    return await desk.read(listing.read_series, series_id)


@router.post("/series/{series_id}/stop", dependencies=[allow(PRESCRIBER, FRONT_DESK)])
async def stop_series(series_id: UUID, wish: StopSeries, desk: AtDesk) -> SeriesAnswer:
    """End a series early: what is still to come is cancelled, what was given stands."""
    return await desk.decide(ending.stop_series, series_id, wish)


@router.get("/appointments", dependencies=[allow(FRONT_DESK, NURSE)])
async def list_visits(
    desk: AtDesk,
    asked: AskedPage,
    since: Annotated[StartsAt | None, Query(alias="from")] = None,
    until: Annotated[StartsAt | None, Query(alias="to")] = None,
    location_id: UUID | None = None,
) -> Page[AppointmentSummary]:
    """Visits that start at `from` or later and before `to`, earliest first."""
    return await desk.read(listing.list_visits, since, until, location_id, asked, desk.actor)


@router.post("/appointments/{appointment_id}/move", dependencies=[allow(FRONT_DESK)])
async def move_visit(
    appointment_id: UUID, wish: MoveAppointment, desk: AtDesk
) -> AppointmentAnswer:
    """Move a visit to another time or chair."""
    return await desk.decide(changes.move_visit, appointment_id, wish)


@router.post("/appointments/{appointment_id}/cancel", dependencies=[allow(FRONT_DESK)])
async def cancel_visit(
    appointment_id: UUID, wish: CancelAppointment, desk: AtDesk
) -> AppointmentAnswer:
    """Cancel a visit."""
    return await desk.decide(changes.cancel_visit, appointment_id, wish)


@router.post("/appointments/{appointment_id}/ride", dependencies=[allow(FRONT_DESK, NURSE)])
async def record_ride(appointment_id: UUID, wish: RecordRide, desk: AtDesk) -> AppointmentAnswer:
    """Record who takes the patient home."""
    return await desk.decide(arrival.record_ride, appointment_id, wish)


@router.post("/appointments/{appointment_id}/check-in", dependencies=[allow(FRONT_DESK, NURSE)])
async def check_in(appointment_id: UUID, wish: CheckIn, desk: AtDesk) -> AppointmentAnswer:
    """Check a patient in who has come."""
    return await desk.decide(arrival.check_in, appointment_id, wish)


@router.post(
    "/appointments/{appointment_id}/undo-check-in", dependencies=[allow(FRONT_DESK, NURSE)]
)
async def undo_check_in(appointment_id: UUID, wish: Nothing, desk: AtDesk) -> AppointmentAnswer:
    """Take a check-in back that was a mistake."""
    return await desk.decide(undoing.undo_check_in, appointment_id, wish)


@router.post("/appointments/{appointment_id}/undo-no-show", dependencies=[allow(FRONT_DESK, NURSE)])
async def undo_no_show(appointment_id: UUID, wish: Nothing, desk: AtDesk) -> AppointmentAnswer:
    """Take a no-show back: the patient came after all."""
    return await desk.decide(undoing.undo_no_show, appointment_id, wish)


@router.post("/appointments/{appointment_id}/send-home", dependencies=[allow(FRONT_DESK, NURSE)])
async def send_home(appointment_id: UUID, wish: SendHome, desk: AtDesk) -> AppointmentAnswer:
    """Send a patient home without an infusion."""
    return await desk.decide(arrival.send_home, appointment_id, wish)
