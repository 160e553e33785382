"""What those who treat do: screening, clearance, dose, drip, discharge, prescription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.local.client import Refusal
from deploy.local.demo.people import ROLES, People, Wanting
from deploy.local.export.records import Clearance, Course, Patient, Screening, Series, Visit
from shared.auth import Role

VITALS = {"systolic_mmhg": 124, "diastolic_mmhg": 78, "pulse_bpm": 72, "spo2_pct": 98}
APP_DRIVER = "the app's driver"


async def screen(people: People, patient: Patient, screening: Screening) -> None:
    staff = people.clinic.staff[screening.by]
    await people.post(
        "scheduling",
        f"/patients/{people.id_of('patient', patient.patient)}/screenings",
        ROLES[staff.role],
        who=staff.staff,
        clinician_id=people.id_of("staff", staff.staff),
        concerns=[],
        valid_until=screening.until.isoformat(),
    )
    people.say(patient, staff.name, "screens, and finds nothing against an infusion")


async def clear(people: People, patient: Patient, clearance: Clearance) -> None:
    staff = people.clinic.staff[clearance.by]
    await people.post(
        "scheduling",
        f"/patients/{people.id_of('patient', patient.patient)}/clearance",
        ROLES[staff.role],
        who=staff.staff,
        clinician_id=people.id_of("staff", staff.staff),
        note=clearance.note,
        valid_until=clearance.until.isoformat(),
    )
    people.say(patient, staff.name, "records the clearance")


async def stop(people: People, patient: Patient, series: Series) -> None:
    path = f"/series/{people.id_of('series', series.series)}/stop"
    await people.post(
        "scheduling",
        path,
        Role.PRESCRIBER,
        who=series.prescriber,
        reason=series.stop_reason,
    )
    people.say(patient, people.clinic.staff[series.prescriber].name, "stops the series")


async def plan_dose(people: People, patient: Patient, visit: Visit, course: Course) -> None:
    series = people.clinic.series[visit.series]
    await people.post(
        "scheduling",
        f"/appointments/{people.visit_id(visit)}/dose-plan",
        Role.PRESCRIBER,
        who=series.prescriber,
        clinician_id=people.id_of("staff", series.prescriber),
        dose_ug=course.dose.dose_ug,
        weight_g=course.dose.weight_g,
    )
    planned = course.dose.dose_ug // 1000
    prescriber = people.clinic.staff[series.prescriber].name
    people.say(patient, prescriber, f"plans {planned} mg for infusion {visit.sequence_no}")


async def try_to_start(
    people: People, patient: Patient, visit: Visit, course: Course, rule: str
) -> None:
    """The nurse wants to clear a visit that the rules keep from starting, and is refused."""
    try:
        await take_vitals(people, visit, course)
        await _nurse(people, visit, course, "clear", {})
    except Refusal as no:
        if rule not in no.rules:
            raise
        people.refused_starts.append((visit.visit, rule))
        nurse = people.clinic.staff[course.nurse].name
        people.timeline.setback(patient, nurse, f"may not start infusion {visit.sequence_no}: {no}")
    else:
        raise Wanting(f"infusion {visit.sequence_no} is cleared against the rule {rule}")


async def start(people: People, patient: Patient, visit: Visit, course: Course) -> None:
    await take_vitals(people, visit, course)
    await _nurse(people, visit, course, "clear", {})
    clinician = {"clinician_id": people.id_of("staff", course.nurse)}
    made = await _nurse(people, visit, course, "start", clinician)
    people.ids["infusion", visit.visit] = made["infusion_id"]
    people.timeline.knows_visit(made["infusion_id"], patient, visit, len(people.all_of(visit)))
    people.say(
        patient,
        people.clinic.staff[course.nurse].name,
        f"starts infusion {visit.sequence_no} in chair {people.clinic.chairs[visit.chair].name}",
    )


async def take_vitals(people: People, visit: Visit, course: Course) -> None:
    """An entry of the chart; an export names no vitals, so all patients have the same."""
    await _nurse(people, visit, course, "vitals", VITALS)


async def complete(people: People, patient: Patient, visit: Visit, course: Course) -> None:
    await _nurse(people, visit, course, "complete", {})
    dose_ug = course.dose.dose_ug
    given = {"lot": course.dose.lot, "drawn_ug": dose_ug, "given_ug": dose_ug}
    await _nurse(people, visit, course, "dose", given)
    ran = int(course.drip.total_seconds() // 60)
    people.say(
        patient,
        people.clinic.staff[course.nurse].name,
        f"ends infusion {visit.sequence_no} after {ran} min",
    )


async def discharge(people: People, patient: Patient, visit: Visit, course: Course) -> None:
    await take_vitals(people, visit, course)
    seen = {"mode": course.ride.mode, "driver_name": course.ride.name or APP_DRIVER}
    if course.ride.phone is not None:
        seen["driver_phone"] = course.ride.phone
    await _nurse(people, visit, course, "ride-seen", seen)
    await _nurse(people, visit, course, "discharge", {"oriented": True})
    people.say(patient, people.clinic.staff[course.nurse].name, "discharges with the ride")


async def sign(people: People, patient: Patient, series: Series) -> None:
    """The prescriber opens the vendor's page and signs with two factors."""
    prescriber = people.clinic.staff[series.prescriber]
    found = [
        one
        async for one in people.practice.items(
            "pharmacy",
            "/prescriptions",
            role=Role.PRESCRIBER,
            patient_id=people.id_of("patient", patient.patient),
        )
        if one["series_id"] == people.id_of("series", series.series)
    ]
    if not found:
        raise Wanting("there is no prescription to sign")
    link = await people.practice.get(
        "pharmacy",
        f"/prescriptions/{found[0]['prescription_id']}/signing-link",
        role=Role.PRESCRIBER,
        who=prescriber.staff,
    )
    await people.world.sign(link["session_id"])
    people.say(patient, prescriber.name, "signs the prescription with two factors")


async def _nurse(
    people: People, visit: Visit, course: Course, step: str, body: Mapping[str, object]
) -> dict[str, Any]:
    path = f"/appointments/{people.visit_id(visit)}/{step}"
    return await people.post("scheduling", path, Role.NURSE, who=course.nurse, **body)
