"""`/internal`: the claim check of `shared.claims`, for the house's own services.

Every redemption is in the audit log with the service that asked and the purpose it named.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.scheduling.handlers.patients import claims
from shared.auth import Role, allow
from shared.claims import (
    Attendance,
    ConsultRecord,
    InfusionRecord,
    LocationCard,
    PatientCard,
    SeriesPlan,
    SeriesRecord,
    TreatmentPlan,
)
from shared.http.desk import AtDesk
from shared.written import told

Purpose = Annotated[
    str,
    Query(pattern=told(r"^[a-z][a-z0-9_]{0,63}$", "one word in small letters, such as payment")),
]
"""Why it is asked for, as one snake_case word."""

router = APIRouter(prefix="/internal", tags=["claims"], dependencies=[allow(Role.SERVICE)])


@router.get("/patients/{patient_id}")
async def redeem_patient(patient_id: UUID, purpose: Purpose, desk: AtDesk) -> PatientCard:
    """A patient's card, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_patient, patient_id, purpose=purpose)


@router.get("/locations/{location_id}")
async def redeem_location(location_id: UUID, purpose: Purpose, desk: AtDesk) -> LocationCard:
    """A location's card, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_location, location_id, purpose=purpose)


@router.get("/infusions/{infusion_id}")
async def redeem_infusion(infusion_id: UUID, purpose: Purpose, desk: AtDesk) -> InfusionRecord:
    """An infusion's record, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_infusion, infusion_id, purpose=purpose)


@router.get("/infusions/{infusion_id}/attendance")
async def redeem_attendance(infusion_id: UUID, purpose: Purpose, desk: AtDesk) -> Attendance:
    """That a patient was treated and had consented, without a word of why."""
    return await desk.read(claims.redeem_attendance, infusion_id, purpose=purpose)


@router.get("/consults/{appointment_id}")
async def redeem_consult(appointment_id: UUID, purpose: Purpose, desk: AtDesk) -> ConsultRecord:
    """The record of a session that took place, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_consult, appointment_id, purpose=purpose)


@router.get("/consults/{appointment_id}/attendance")
async def redeem_session_attendance(
    appointment_id: UUID, purpose: Purpose, desk: AtDesk
) -> Attendance:
    """That a session took place, without a word of why."""
    return await desk.read(claims.redeem_session_attendance, appointment_id, purpose=purpose)


@router.get("/series/{series_id}")
async def redeem_series(series_id: UUID, purpose: Purpose, desk: AtDesk) -> SeriesRecord:
    """A series' record, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_series, series_id, purpose=purpose)


@router.get("/series/{series_id}/plan")
async def redeem_plan(series_id: UUID, purpose: Purpose, desk: AtDesk) -> SeriesPlan:
    """A series' visits and what they are for, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_plan, series_id, purpose=purpose)


@router.get("/treatments/{appointment_id}/plan")
async def redeem_treatment(appointment_id: UUID, purpose: Purpose, desk: AtDesk) -> TreatmentPlan:
    """A treatment or session outside a series, for a service that says what it needs it for."""
    return await desk.read(claims.redeem_treatment, appointment_id, purpose=purpose)
