"""Each route is open to its roles and closed to every other."""

from __future__ import annotations

from uuid import uuid4

import pytest
from fastapi import FastAPI

from shared.auth import Role, policies
from tests.scheduling.conftest import Clinic, bearer

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

ROLES = {
    "POST /locations": "ops",
    "PATCH /locations/{location_id}": "ops",
    "POST /locations/{location_id}/chairs": "ops",
    "POST /locations/{location_id}/rooms": "ops",
    "GET /locations/{location_id}/rooms": "ops front_desk nurse prescriber",
    "POST /visit-types": "ops prescriber",
    "POST /patients/{patient_id}/treatments": "front_desk prescriber",
    "POST /chairs/{chair_id}/out-of-service": "ops nurse",
    "POST /chairs/{chair_id}/in-service": "ops nurse",
    "POST /clinicians": "ops",
    "PATCH /clinicians/{clinician_id}": "ops",
    "POST /patients": "front_desk",
    "PATCH /patients/{patient_id}": "front_desk",
    "POST /patients/{patient_id}/merge": "ops front_desk",
    "GET /patients/{patient_id}": "front_desk nurse prescriber biller",
    "POST /patients/{patient_id}/screenings": "prescriber nurse",
    "POST /patients/{patient_id}/clearance": "prescriber nurse",
    "GET /patients/{patient_id}/screening": "prescriber nurse",
    "POST /signing-rules": "prescriber",
    "POST /withdrawn-figures": "ops prescriber",
    "GET /signing-rules": "ops nurse prescriber",
    "POST /chart-words": "prescriber",
    "GET /chart-words": "ops nurse prescriber",
    "POST /series": "front_desk",
    "GET /series/{series_id}": "front_desk nurse prescriber",
    "POST /series/{series_id}/appointments": "front_desk",
    "POST /series/{series_id}/stop": "prescriber front_desk",
    "GET /appointments": "front_desk nurse",
    "POST /appointments/{appointment_id}/move": "front_desk",
    "POST /appointments/{appointment_id}/cancel": "front_desk",
    "POST /appointments/{appointment_id}/ride": "front_desk nurse",
    "POST /appointments/{appointment_id}/check-in": "front_desk nurse",
    "POST /appointments/{appointment_id}/undo-check-in": "front_desk nurse",
    "POST /appointments/{appointment_id}/undo-no-show": "front_desk nurse",
    "POST /appointments/{appointment_id}/send-home": "front_desk nurse",
    "POST /patients/{patient_id}/sessions": "front_desk",
    "POST /appointments/{appointment_id}/attend": "nurse prescriber",
    "POST /appointments/{appointment_id}/start": "nurse",
    "POST /appointments/{appointment_id}/complete": "nurse",
    "POST /appointments/{appointment_id}/clear": "nurse",
    "POST /appointments/{appointment_id}/abort": "nurse prescriber",
    "POST /appointments/{appointment_id}/ride-seen": "front_desk nurse",
    "POST /appointments/{appointment_id}/vitals": "nurse",
    "POST /appointments/{appointment_id}/overrides": "prescriber",
    "POST /appointments/{appointment_id}/premedications": "nurse",
    "POST /appointments/{appointment_id}/adverse-events": "nurse prescriber",
    "GET /appointments/{appointment_id}/chart": "nurse prescriber",
    "POST /adverse-events/{note_id}/follow-ups": "nurse prescriber",
    "GET /adverse-events": "nurse prescriber",
    "POST /appointments/{appointment_id}/dose-plan": "prescriber",
    "POST /appointments/{appointment_id}/dose": "nurse",
    "POST /appointments/{appointment_id}/dose/witness": "nurse prescriber",
    "POST /appointments/{appointment_id}/dose/not-given": "prescriber",
    "POST /patients/{patient_id}/consents": "front_desk nurse",
    "GET /patients/{patient_id}/consents": "front_desk nurse prescriber",
    "POST /consents/{consent_id}/withdraw": "front_desk nurse",
    "POST /visit-types/{visit_type}/limits": "prescriber",
    "GET /visit-types/{visit_type}/limits": "ops nurse prescriber",
    "POST /appointments/{appointment_id}/discharge": "nurse",
    "POST /plans": "front_desk",
    "GET /visit-types": "ops front_desk nurse prescriber",
    "POST /visit-types/{visit_type}/figures": "ops prescriber",
    "POST /visit-types/{visit_type}/protocol": "ops prescriber",
    "GET /locations/{location_id}/figures": "ops front_desk nurse prescriber",
    "POST /locations/{location_id}/opening-hours": "ops",
    "POST /locations/{location_id}/rosters": "ops",
    "POST /locations/{location_id}/closures": "ops",
    "POST /closures/{closure_id}/withdraw": "ops",
    "POST /closures/{closure_id}/replans": "front_desk",
    "GET /displaced-visits": "ops front_desk nurse prescriber",
    "POST /house-figures": "ops prescriber",
    "GET /house-figures": "ops front_desk nurse prescriber",
    "POST /holds": "front_desk",
    "GET /holds/{hold_id}": "front_desk",
    "POST /holds/{hold_id}/book": "front_desk",
    "POST /holds/{hold_id}/release": "front_desk",
    "POST /series/{series_id}/replans": "front_desk",
    "GET /replans/{replan_id}": "front_desk",
    "POST /replans/{replan_id}/approve": "front_desk",
    "POST /series/{series_id}/overrides": "prescriber",
    "POST /overrides/{override_id}/withdraw": "prescriber",
    "GET /overrides": "nurse prescriber",
    "GET /gap-risks": "front_desk nurse prescriber",
    "GET /unsettled-visits": "front_desk nurse prescriber",
    "GET /overdue-discharges": "front_desk nurse prescriber",
    "GET /unwitnessed-waste": "nurse prescriber",
    "POST /appointments/{appointment_id}/transfer": "nurse prescriber",
    "POST /appointments/{appointment_id}/walk-out": "nurse prescriber",
    "POST /appointments/{appointment_id}/end-corrections": "nurse prescriber",
    "POST /appointments/{appointment_id}/dose/amendments": "nurse prescriber",
    "POST /series/{series_id}/corrections": "prescriber",
    "POST /appointments/{appointment_id}/ban-extensions": "nurse prescriber",
    "POST /appointments/{appointment_id}/corrections": "nurse prescriber",
    "GET /appointments/{appointment_id}/corrections": "nurse prescriber",
    "GET /series/{series_id}/corrections": "nurse prescriber",
    "POST /appointments/{appointment_id}/welfare-calls": "nurse prescriber",
    "GET /patients/{patient_id}/missed-visits": "front_desk nurse prescriber",
    "POST /waitlist": "front_desk",
    "GET /waitlist": "front_desk",
    "POST /waitlist/{wish_id}/withdraw": "front_desk",
    "GET /offers": "front_desk",
    "POST /offers/{offer_id}/accept": "front_desk",
    "POST /offers/{offer_id}/decline": "front_desk",
    "POST /patients/{patient_id}/outcomes": "nurse prescriber",
    "POST /patients/{patient_id}/outcomes/creyos": "nurse prescriber",
    "POST /patients/{patient_id}/outcomes/creyos.csv": "nurse prescriber",
    "GET /patients/{patient_id}/outcomes": "nurse prescriber",
    "GET /patients/{patient_id}/outcomes.svg": "nurse prescriber",
    "POST /outcomes/{outcome_id}/withdraw": "nurse prescriber",
    "GET /series/{series_id}/outcomes": "nurse prescriber",
    "GET /reviews": "nurse prescriber",
    "POST /reviews/{review_id}/acknowledge": "nurse prescriber",
    "GET /appointments/{appointment_id}/calendar.ics": "front_desk nurse prescriber",
    "GET /series/{series_id}/calendar.ics": "front_desk nurse prescriber",
    "GET /fhir/metadata": "",
    "GET /fhir/Appointment": "front_desk nurse prescriber",
    "GET /fhir/Appointment/$find": "front_desk nurse prescriber",
    "POST /fhir/Appointment/_search": "front_desk nurse prescriber",
    "POST /fhir/Slot/_search": "front_desk nurse prescriber",
    "POST /fhir/Schedule/_search": "front_desk nurse prescriber",
    "POST /fhir/Patient/_search": "front_desk nurse prescriber biller",
    "GET /fhir/Appointment/{appointment_id}": "front_desk nurse prescriber",
    "GET /fhir/Slot": "front_desk nurse prescriber",
    "GET /fhir/Slot/{slot_id}": "front_desk nurse prescriber",
    "GET /fhir/Schedule": "front_desk nurse prescriber",
    "GET /fhir/Schedule/{schedule_id}": "front_desk nurse prescriber",
    "GET /fhir/Location/{location_id}": "front_desk nurse prescriber",
    "GET /fhir/Practitioner/{practitioner_id}": "front_desk nurse prescriber",
    "GET /fhir/Patient": "front_desk nurse prescriber biller",
    "GET /fhir/Patient/{patient_id}": "front_desk nurse prescriber biller",
    **dict.fromkeys((f"{method} /fhir/{{rest:path}}" for method in METHODS), ""),
    **{
        f"{method} /fhir/{kind}/_search": ""
        for kind in ("Appointment", "Slot", "Schedule", "Patient")
        for method in ("GET", "HEAD")
    },
    "POST /patients/{patient_id}/booking-links": "front_desk",
    "GET /booking-links/{link_id}": "front_desk",
    "POST /booking-links/{link_id}/revoke": "front_desk",
    "GET /book/{token}": "",
    "HEAD /book/{token}": "",
    "POST /book/{token}": "",
    "GET /book/{token}/calendar.ics": "",
    "POST /imports": "front_desk",
    "GET /imports/{import_id}": "front_desk",
    "GET /imports/{import_id}/problems": "front_desk",
    "GET /imports/{import_id}/advice": "front_desk",
    "POST /imports/{import_id}/apply": "front_desk",
    "GET /internal/patients/{patient_id}": "service",
    "GET /internal/locations/{location_id}": "service",
    "GET /internal/infusions/{infusion_id}": "service",
    "GET /internal/infusions/{infusion_id}/attendance": "service",
    "GET /internal/consults/{appointment_id}/attendance": "service",
    "GET /internal/consults/{appointment_id}": "service",
    "GET /internal/series/{series_id}": "service",
    "GET /internal/series/{series_id}/plan": "service",
    "GET /internal/treatments/{appointment_id}/plan": "service",
}


def test_every_route_declares_these_roles(app: FastAPI) -> None:
    declared = {
        name: set(policy.roles) for name, policy in policies(app).items() if policy is not None
    }
    assert declared == {name: set(roles.split()) for name, roles in ROLES.items()}


@pytest.mark.parametrize("route", [route for route, roles in ROLES.items() if roles])
async def test_no_other_role_and_nobody_unknown_may_call_it(clinic: Clinic, route: str) -> None:
    method, template = route.split()
    path = "/".join(str(uuid4()) if part.startswith("{") else part for part in template.split("/"))
    others = set(Role) - {Role(role) for role in ROLES[route].split()}
    clinic.headers = bearer(*others)
    answer = await clinic.send(f"{path}?purpose=x", {}, method=method)
    assert answer.status_code == 403
    clinic.headers = {}
    answer = await clinic.send(f"{path}?purpose=x", {}, method=method)
    assert answer.status_code == 401
