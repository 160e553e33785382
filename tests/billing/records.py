"""Made-up people and places, as scheduling would answer for an infusion."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.claims import (
    Address,
    Attendance,
    ClinicianCard,
    DrugGiven,
    InfusionRecord,
    LocationCard,
    PatientCard,
)
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.ids import new_id

CANARIES = ("Testa", "Canary", "1979-05-17", "2025550147", "555-0147", "canary@", "Duke", "F33.2")
"""What must never be seen outside of a sealed field and of the superbill itself."""

STOPPED_AT = datetime(2026, 11, 23, 19, 40, tzinfo=UTC)

ADDRESS = Address(
    line1="1500 Duke Street",
    line2="Suite 200",
    city="Alexandria",
    state="VA",
    postal_code="22314",
)


SIGNED_AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def attendance_record(event: InfusionCompleted) -> Attendance:
    """What scheduling says of an infusion to a service that answers a bank."""
    return Attendance(
        infusion_id=event.infusion_id,
        patient_id=event.patient_id,
        first_name="Testa",
        last_name="Canary",
        location=infusion_record().location,
        started_at=event.started_at,
        stopped_at=event.stopped_at,
        consent_id=new_id(),
        consent_signed_at=SIGNED_AT,
    )


def infusion_record(**changes: Any) -> InfusionRecord:
    """One infusion of 40 minutes. Keywords replace fields, `npi` and the like those of a card."""
    stopped_at = changes.get("stopped_at", STOPPED_AT)
    patient = PatientCard(
        patient_id=changes.pop("patient_id", new_id()),
        first_name="Testa",
        last_name="Canary",
        birth_date=changes.pop("birth_date", date(1979, 5, 17)),
        phone="+12025550147",
        email="canary@example.org",
        address=ADDRESS,
    )
    rendering = ClinicianCard(
        clinician_id=new_id(),
        name="Testa Renderer",
        credential="CRNA",
        npi=changes.pop("clinician_npi", "1679576722"),
        license_number="0024-000001",
        dea_number=None,
        phone="+12025550148",
        address=ADDRESS,
    )
    location = LocationCard(
        location_id=new_id(),
        name="Alexandria",
        zone=changes.pop("zone", "America/New_York"),
        legal_name="Made Up Ketamine Clinic PLLC",
        ein=changes.pop("ein", "54-1234567"),
        npi=changes.pop("clinic_npi", "1234567893"),
        phone="+12025550149",
        address=ADDRESS,
    )
    fields: dict[str, Any] = {
        "infusion_id": new_id(),
        "patient": patient,
        "rendering": rendering,
        "location": location,
        "visit_type": VisitType.KETAMINE_MOOD,
        "diagnoses": ("F33.2", "F43.12"),
        "started_at": (stopped_at or STOPPED_AT) - timedelta(minutes=40),
        "stopped_at": stopped_at,
        "drug": DrugGiven(name="Ketamine, racemic", route="intravenous", dose_ug=35_000),
    }
    return InfusionRecord(**fields | changes)
