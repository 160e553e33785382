"""What the front desk does: intake, bookings, moves, rides, arrivals."""

from __future__ import annotations

from deploy.local.demo.people import People, address_of
from deploy.local.demo.phrases import TENDERS, words
from deploy.local.export.records import (
    Course,
    Coverage,
    Move,
    OutsidePayment,
    Patient,
    Series,
    StaffRole,
    Visit,
)
from shared.auth import Role

CONSENT = {
    "kind": "infusion",
    "form": "consent to infusions",
    "version": "2026-01",
    "visit_types": ["ketamine_mood", "ketamine_pain"],
}


async def register(people: People, patient: Patient) -> None:
    made = await people.desk(
        "/patients",
        first_name=patient.first_name,
        last_name=patient.last_name,
        birth_date=patient.birth_date.isoformat(),
        phone=patient.phone,
        email=patient.email,
        address=address_of(patient.address),
        concerns=list(patient.concerns),
    )
    people.ids["patient", patient.patient] = made["patient_id"]
    people.timeline.knows(made["patient_id"], patient)
    await people.desk(
        f"/patients/{made['patient_id']}/consents",
        **CONSENT,
        signed_at=patient.registered_at.isoformat(),
    )
    if patient.coverage:
        zone = people.clinic.locations[patient.location].zone
        await people.post(
            "billing",
            f"/patients/{made['patient_id']}/coverage",
            Role.FRONT_DESK,
            kinds=list(patient.coverage),
            intends_to_submit_claim=Coverage.SELF_PAY not in patient.coverage,
            effective_from=patient.registered_at.astimezone(zone).date().isoformat(),
        )
    found = ", ".join(words(concern) for concern in patient.concerns)
    held = f"; held: {found}" if found else ""
    people.act(patient, StaffRole.FRONT_DESK, f"takes the intake and the signed consent{held}")


async def book(people: People, patient: Patient, series: Series) -> None:
    visits = people.clinic.visits_of(series)
    made = await people.desk(
        "/series",
        patient_id=people.id_of("patient", patient.patient),
        prescriber_id=people.id_of("staff", series.prescriber),
        location_id=people.id_of("location", series.location),
        visit_type=series.visit_type,
        diagnoses=list(series.diagnoses),
        appointments=[
            {
                "chair_id": people.id_of("chair", visit.chair),
                "starts_at": visit.booked_for.isoformat(),
            }
            for visit in visits
        ],
    )
    people.ids["series", series.series] = made["series_id"]
    numbered = {one["sequence_no"]: one["appointment_id"] for one in made["appointments"]}
    for visit in visits:
        people.ids["visit", visit.visit] = numbered[visit.sequence_no]
        people.timeline.knows_visit(numbered[visit.sequence_no], patient, visit, len(visits))
    people.act(patient, StaffRole.FRONT_DESK, f"books {len(visits)} infusions in one request")


async def move(people: People, patient: Patient, visit: Visit, move: Move) -> None:
    path = f"/appointments/{people.visit_id(visit)}/move"
    await people.desk(path, starts_at=move.to.isoformat())
    at = people.timeline.when(patient, move.to)
    people.act(patient, StaffRole.FRONT_DESK, f"moves infusion {visit.sequence_no} to {at}")


async def confirm_ride(people: People, patient: Patient, visit: Visit, course: Course) -> None:
    ride = course.ride
    body = {"mode": ride.mode, "driver_name": ride.name, "driver_phone": ride.phone}
    given = {name: value for name, value in body.items() if value is not None}
    await people.desk(f"/appointments/{people.visit_id(visit)}/ride", **given)
    who = f"{ride.name} drives" if ride.name else "a rideshare"
    people.act(
        patient,
        StaffRole.FRONT_DESK,
        f"notes the ride home of infusion {visit.sequence_no}: {who}",
    )


async def check_in(people: People, patient: Patient, visit: Visit, course: Course) -> None:
    path = f"/appointments/{people.visit_id(visit)}/check-in"
    await people.desk(path, fasted=course.fasted)
    fasted = "fasted" if course.fasted else "has eaten"
    people.act(
        patient, StaffRole.FRONT_DESK, f"checks in for infusion {visit.sequence_no}, {fasted}"
    )


async def choose_tender(
    people: People, patient: Patient, visit: Visit, paid: OutsidePayment
) -> None:
    await people.post(
        "billing",
        f"/appointments/{people.visit_id(visit)}/tender",
        Role.FRONT_DESK,
        who=people.staff(StaffRole.FRONT_DESK)[0],
        patient_id=people.id_of("patient", patient.patient),
        tender=paid.tender,
    )
    tender = TENDERS[paid.tender]
    people.act(
        patient,
        StaffRole.FRONT_DESK,
        f"notes that infusion {visit.sequence_no} is paid by {tender}",
    )
