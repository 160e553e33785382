"""A made-up patient and prescriber, as scheduling would hand them over, with overrides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.claims import SeriesRecord

HOME = {"line1": "1 Canary Row", "city": "Alexandria", "state": "VA", "postal_code": "22314"}
OFFICE = {"line1": "2 Made Up Street", "city": "Alexandria", "state": "VA", "postal_code": "22314"}

CANARY = ("Testa", "Canary", "1980-01-31", "12025550101", "testa.canary", "Canary Row")
"""What must show up nowhere but in sealed columns and at the two vendors."""


def patient(patient_id: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "patient_id": str(patient_id),
        "first_name": "Testa",
        "last_name": "Canary",
        "birth_date": "1980-01-31",
        "phone": "+12025550101",
        "email": "testa.canary@example.org",
        "address": HOME,
    } | changes


def prescriber(clinician_id: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "clinician_id": str(clinician_id),
        "name": "Dana Madeup",
        "credential": "MD",
        "npi": "1234567893",
        "license_number": "0101000000",
        "dea_number": "AB1234563",
        "phone": "+12025550100",
        "address": OFFICE,
    } | changes


def location(location_id: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "location_id": str(location_id),
        "name": "Main Street",
        "zone": "America/New_York",
        "legal_name": "Made Up Clinic LLC",
        "ein": "12-3456789",
        "npi": "1234567893",
        "phone": "+12025550100",
        "address": OFFICE,
    } | changes


def series(
    series_id: UUID,
    *,
    patient_id: UUID,
    clinician_id: UUID,
    of_patient: dict[str, Any] | None = None,
    of_prescriber: dict[str, Any] | None = None,
) -> SeriesRecord:
    return SeriesRecord.model_validate(
        {
            "series_id": str(series_id),
            "patient": patient(patient_id, **(of_patient or {})),
            "prescriber": prescriber(clinician_id, **(of_prescriber or {})),
            "location": location(series_id),
        }
    )
