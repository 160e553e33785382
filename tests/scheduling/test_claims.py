"""The claim check: exactly the shapes of `shared.claims`, for services only, and audited."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.auth import Role
from shared.claims import (
    Attendance,
    InfusionRecord,
    LocationCard,
    PatientCard,
    SeriesPlan,
    SeriesRecord,
    TreatmentPlan,
)
from tests.scheduling.conftest import ADDRESS, CLINICIAN, LOCATION, PATIENT, Clinic, bearer
from tests.scheduling.test_sessions import FIRST, attend, led
from tests.scheduling.test_sessions import book as book_session
from tests.scheduling.test_treatments import book

__all__ = ["led"]


async def redeem(clinic: Clinic, path: str, **params: str) -> httpx.Response:
    return await clinic.client.get(
        f"/internal/{path}",
        params={"purpose": "superbill"} | params,
        headers=bearer(Role.SERVICE, subject="billing"),
    )


async def test_a_patient_is_redeemed_with_all_that_reaches_them(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    answer = await redeem(clinic, f"patients/{patient_id}")
    card = PatientCard.model_validate_json(answer.content, strict=True)
    assert card == PatientCard.model_validate(PATIENT | {"patient_id": patient_id})
    assert set(answer.json()) == set(PatientCard.model_fields)


async def test_a_location_is_redeemed_with_its_legal_entity(clinic: Clinic) -> None:
    answer = await redeem(clinic, f"locations/{clinic.location_id}")
    expected = LocationCard.model_validate(LOCATION | {"location_id": clinic.location_id})
    assert LocationCard.model_validate_json(answer.content) == expected


async def test_a_completed_infusion_is_redeemed_with_what_a_superbill_prints(
    clinic: Clinic,
) -> None:
    series = await clinic.series(diagnoses=["F33.1", "F43.10"])
    completed = await clinic.infuse(series["appointments"][0])
    answer = await redeem(clinic, f"infusions/{completed['infusion_id']}")
    record = InfusionRecord.model_validate_json(answer.content)
    assert str(record.infusion_id) == completed["infusion_id"]
    assert record.patient.last_name == "Canary"
    assert record.rendering.name == CLINICIAN["name"]
    assert record.rendering.address.model_dump() == ADDRESS | {"line2": None}
    assert record.location.ein == LOCATION["ein"]
    assert record.visit_type == "ketamine_mood"
    assert record.diagnoses == ("F33.1", "F43.10")
    assert record.started_at.isoformat() == "2026-10-07T16:00:00+00:00"
    assert record.stopped_at.isoformat() == "2026-10-07T16:40:00+00:00"
    assert set(answer.json()) == set(InfusionRecord.model_fields)


async def test_what_ran_is_redeemed_once_it_is_recorded(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    completed = await clinic.step(visit, "complete")
    path = f"infusions/{completed['infusion_id']}"
    assert (await redeem(clinic, path)).json()["drug"] is None
    await clinic.step(visit, "dose", {"lot": "LOT-0001", "drawn_ug": 50_000, "given_ug": 35_000})
    drug = (await redeem(clinic, path)).json()["drug"]
    assert (drug["name"], drug["dose_ug"], drug["ndc"]) == ("Ketamine, racemic", 35_000, None)


async def test_a_running_infusion_has_nothing_to_bill_yet(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    running = await clinic.step(visit, "start", {"clinician_id": clinic.clinician_id})
    assert (await redeem(clinic, f"infusions/{running['infusion_id']}")).status_code == 404


async def test_a_series_is_redeemed_with_its_prescriber(clinic: Clinic) -> None:
    series = await clinic.series()
    answer = await redeem(clinic, f"series/{series['series_id']}", purpose="prescription")
    record = SeriesRecord.model_validate_json(answer.content)
    assert record.prescriber.dea_number == CLINICIAN["dea_number"]
    assert str(record.patient.patient_id) == series["patient_id"]
    assert set(answer.json()) == set(SeriesRecord.model_fields)


async def test_a_series_plan_has_the_visits_that_are_given_and_to_come_and_no_lost_one(
    clinic: Clinic,
) -> None:
    series = await clinic.series(diagnoses=["F33.1", "F43.10"])
    first, second = series["appointments"][:2]
    await clinic.infuse(first)
    await clinic.step(second, "cancel", {"reason": "patient_asked"})
    answer = await redeem(clinic, f"series/{series['series_id']}/plan", purpose="estimate")
    plan = SeriesPlan.model_validate_json(answer.content)
    assert plan.diagnoses == ("F33.1", "F43.10")
    assert plan.prescriber.name == CLINICIAN["name"]
    assert len(plan.visits) == len(series["appointments"]) - 1
    assert {visit.infusion_min for visit in plan.visits} == {50}
    assert set(answer.json()) == set(SeriesPlan.model_fields)


async def test_a_plan_of_no_series_is_not_found(clinic: Clinic) -> None:
    assert (await redeem(clinic, f"series/{uuid4()}/plan")).status_code == 404


async def test_what_a_bank_is_told_of_an_infusion_is_that_it_was_consented_to_and_when_it_ran(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    infused = await clinic.infuse(series["appointments"][0])

    answer = await redeem(clinic, f"infusions/{infused['infusion_id']}/attendance")

    told = answer.json()
    assert set(told) == set(Attendance.model_fields)
    assert told["patient_id"] == series["patient_id"]
    [visit] = await clinic.rows(
        "SELECT v.started_at, v.stopped_at, v.consent_id, c.signed_at FROM appointments AS v"
        " JOIN consents AS c USING (consent_id) WHERE infusion_id = :infusion",
        infusion=infused["infusion_id"],
    )
    claim = Attendance.model_validate(told)
    assert (claim.started_at, claim.stopped_at) == (visit.started_at, visit.stopped_at)
    assert (claim.consent_id, claim.consent_signed_at) == (visit.consent_id, visit.signed_at)
    for word in ("F33", "ketamine", "diagnos", "birth"):
        assert word not in answer.text.lower()


async def test_no_attendance_is_told_of_an_infusion_that_nobody_knows(clinic: Clinic) -> None:
    assert (await redeem(clinic, f"infusions/{uuid4()}/attendance")).status_code == 404


@pytest.mark.parametrize("what", ["patients", "locations", "infusions", "series"])
async def test_an_id_that_means_nothing_is_not_found(clinic: Clinic, what: str) -> None:
    answer = await redeem(clinic, f"{what}/{uuid4()}")
    assert answer.status_code == 404
    assert answer.json()["violations"][0]["rule"].startswith("unknown_")


@pytest.mark.parametrize("purpose", ["", "Superbill", "for the superbill", "a" * 65])
async def test_a_redemption_names_its_purpose_in_one_word(clinic: Clinic, purpose: str) -> None:
    answer = await redeem(clinic, f"patients/{await clinic.patient()}", purpose=purpose)
    assert answer.status_code == 422


async def test_a_redemption_without_a_purpose_is_refused(clinic: Clinic) -> None:
    path = f"/internal/patients/{await clinic.patient()}"
    answer = await clinic.client.get(path, headers=bearer(Role.SERVICE))
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"] == "purpose"


async def test_each_redemption_is_on_the_audit_log_with_its_patient_and_purpose(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    infusion_id = (await clinic.infuse(series["appointments"][0]))["infusion_id"]
    await redeem(clinic, f"patients/{series['patient_id']}", purpose="contact")
    await redeem(clinic, f"infusions/{infusion_id}", purpose="superbill")
    await redeem(clinic, f"series/{series['series_id']}", purpose="prescription")
    entries: list[Any] = await clinic.rows(
        "SELECT actor, entity, entity_id, purpose FROM audit_log"
        " WHERE role = 'service' AND patient_id = :patient ORDER BY seq",
        patient=series["patient_id"],
    )
    assert [tuple(entry) for entry in entries] == [
        ("billing", "GET /internal/patients/{patient_id}", series["patient_id"], "contact"),
        ("billing", "GET /internal/infusions/{infusion_id}", infusion_id, "superbill"),
        ("billing", "GET /internal/series/{series_id}", series["series_id"], "prescription"),
    ]


async def test_a_treatment_s_plan_has_its_visit_until_it_is_lost(clinic: Clinic) -> None:
    visit = await book(clinic)
    path = f"treatments/{visit['appointment_id']}/plan"
    answer = await redeem(clinic, path, purpose="estimate")
    plan = TreatmentPlan.model_validate_json(answer.content)
    assert set(answer.json()) == set(TreatmentPlan.model_fields)
    assert str(plan.prescriber.clinician_id) == clinic.clinician_id
    assert (plan.visit_type, plan.diagnoses) == ("ketamine_maintenance", ("F33.1",))
    [planned] = plan.visits
    assert planned.starts_at == datetime.fromisoformat(visit["starts_at"])
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    answer = await redeem(clinic, path, purpose="estimate")
    assert TreatmentPlan.model_validate_json(answer.content).visits == ()
    of_series = (await clinic.series())["appointments"][0]["appointment_id"]
    for other in (of_series, uuid4()):
        assert (await redeem(clinic, f"treatments/{other}/plan")).status_code == 404


async def test_a_session_s_plan_is_by_who_leads_it_until_it_is_lost_and_stays_once_it_took_place(
    led: Clinic,
) -> None:
    session, lost = await book_session(led), await book_session(led, FIRST + timedelta(hours=2))
    await led.step(lost, "cancel", {"reason": "patient_asked"})
    await attend(led, session)
    plans = [
        TreatmentPlan.model_validate_json(
            (await redeem(led, f"treatments/{one['appointment_id']}/plan")).content
        )
        for one in (session, lost)
    ]
    for plan in plans:
        assert str(plan.prescriber.clinician_id) == led.clinician_id
        assert plan.visit_type == "preparation"
    [planned] = plans[0].visits
    assert planned.starts_at == datetime.fromisoformat(session["starts_at"])
    assert plans[1].visits == ()


async def test_a_booking_says_whether_it_takes_a_chair_and_since_when(clinic: Clinic) -> None:
    treatment = await book(clinic)
    said = dict(await clinic.said(treatment["patient_id"]))["AppointmentBooked"]
    assert said["in_chair"] is True
    assert datetime.fromisoformat(said["booked_at"]) == clinic.clock.now()
    assert said["zone"] == LOCATION["zone"]
