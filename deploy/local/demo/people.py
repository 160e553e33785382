"""The people of the clinic and its patients, each doing what the export says, over the APIs.

Every act is a method; `plan` puts them on an agenda. What a service refuses is told on the
timeline and noted, and what rests on it is refused here for want of it: nothing is made up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from deploy.local.demo import course as on_clock
from deploy.local.demo.agenda import Agenda, Turn
from deploy.local.demo.practice import Practice, Refusal
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.world import Confirmed, World
from deploy.local.export.records import (
    Card,
    Clearance,
    Clinic,
    Course,
    Fault,
    Move,
    OutsidePayment,
    Patient,
    Series,
    Staff,
    StaffRole,
    Visit,
)
from shared.auth import Role
from shared.money import dollars

ANSWERS_WITHIN_S = 30.0
_LOOK_S = 0.02

_ROLES = {
    StaffRole.PRESCRIBER: Role.PRESCRIBER,
    StaffRole.NURSE: Role.NURSE,
    StaffRole.FRONT_DESK: Role.FRONT_DESK,
    StaffRole.BILLER: Role.BILLER,
}


class Wanting(Exception):
    """An act cannot be done because something that it needs is not there."""


class People:
    """Everybody who acts, and what they have learnt: the ids of what they made."""

    def __init__(
        self, clinic: Clinic, practice: Practice, world: World, timeline: Timeline
    ) -> None:
        self.clinic = clinic
        self.ids: dict[tuple[str, str], str] = {}
        self.confirmed: dict[str, list[Confirmed]] = {}
        self.refused_starts: list[tuple[str, str]] = []
        """Visit and rule, for each start that a service refused and the rules have it so."""
        self.surprises: list[str] = []
        """What was refused or missing against the rules."""
        self._practice = practice
        self._world = world
        self._timeline = timeline

    def plan(self, agenda: Agenda) -> None:
        """Put everything that the export says on the agenda."""
        for patient in self.clinic.patients.values():
            self._plan_patient(agenda, patient)
        for series in self.clinic.series.values():
            self._plan_series(agenda, series)
        for fault in self.clinic.faults:
            agenda.add(fault.ordered_at, Turn.WORLD, None, partial(self.order_fault, fault))

    def _plan_patient(self, agenda: Agenda, patient: Patient) -> None:
        def add(at: datetime, turn: Turn, do: Callable[[], Awaitable[None]]) -> None:
            agenda.add(at, turn, patient.patient, self._told(patient, do))

        add(patient.registered_at, Turn.INTAKE, partial(self.register, patient))
        if patient.clearance is not None:
            clear = partial(self.clear, patient, patient.clearance)
            add(patient.clearance.at, Turn.CLEARANCE, clear)
        for card in self.clinic.cards_of(patient):
            add(card.saved_at, Turn.CARD, partial(self.save_card, patient, card))

    def _plan_series(self, agenda: Agenda, series: Series) -> None:
        patient = on_clock.patient_of(self.clinic, series)

        def add(at: datetime, turn: Turn, do: Callable[[], Awaitable[None]]) -> None:
            agenda.add(at, turn, patient.patient, self._told(patient, do))

        add(series.booked_at, Turn.BOOKING, partial(self.book, patient, series))
        if series.stopped_at is not None:
            add(series.stopped_at, Turn.CHANGE, partial(self.stop, patient, series))
        if series.signed_at is not None:
            add(series.signed_at, Turn.SIGNING, partial(self.sign, patient, series))
        for visit in self.clinic.visits_of(series):
            if visit.move is not None:
                move = partial(self.move, patient, visit, visit.move)
                add(visit.move.at, Turn.CHANGE, move)
            course = on_clock.takes_place(series, visit)
            if course is not None:
                self._plan_visit(add, patient, visit, course)

    def _plan_visit(
        self,
        add: Callable[[datetime, Turn, Callable[[], Awaitable[None]]], None],
        patient: Patient,
        visit: Visit,
        course: Course,
    ) -> None:
        add(course.ride.confirmed_at, Turn.RIDE, partial(self.confirm_ride, patient, visit, course))
        add(course.checked_in_at, Turn.ARRIVAL, partial(self.check_in, patient, visit, course))
        if course.outside_payment is not None:
            tender = partial(self.choose_tender, patient, visit, course.outside_payment)
            add(course.checked_in_at, Turn.ARRIVAL, tender)
            pay = partial(self.record_payment, patient, visit, course.outside_payment)
            add(course.outside_payment.paid_at, Turn.MONEY, pay)
        if course.issuer_declines is not None:
            declines = partial(self.issuer_declines, patient, course.issuer_declines)
            add(visit.starts_at, Turn.WORLD, declines)
        if course.tried_again_at is not None:
            add(course.tried_again_at, Turn.MONEY, partial(self.try_again, patient, visit))
        rule = on_clock.refused_at_start(patient, course, visit.starts_at)
        if rule is not None:
            refused = partial(self.try_to_start, patient, visit, course, rule)
            add(visit.starts_at, Turn.START, refused)
        started = on_clock.started_at(patient, visit, course)
        if started is None:
            return
        add(started, Turn.START, partial(self.start, patient, visit, course))
        ended = started + course.drip
        add(ended, Turn.END, partial(self.complete, patient, visit, course))
        add(
            ended + course.discharged_after,
            Turn.LEAVING,
            partial(self.discharge, patient, visit, course),
        )

    def _told(
        self, patient: Patient, do: Callable[[], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """The act; what it is refused is told, and noted as a surprise."""

        async def act() -> None:
            try:
                await do()
            except (Refusal, Wanting) as no:
                self.surprises.append(f"{patient.name}: {no}")
                self._timeline.refusal(patient, str(no))

        return act

    # What the clinic is: set up once, before anybody comes.

    async def set_up(self) -> None:
        """Locations, chairs, clinicians and fees, as whoever runs the clinic enters them."""
        clinic = self.clinic
        for location in clinic.locations.values():
            made = await self._post(
                "scheduling",
                "/locations",
                Role.OPS,
                name=location.name,
                zone=location.zone.key,
                legal_name=location.legal_name,
                ein=location.ein,
                npi=location.npi,
                phone=location.phone,
                address=_address(location.address),
            )
            self.ids["location", location.location] = made["location_id"]
        for chair in clinic.chairs.values():
            path = f"/locations/{self._id('location', chair.location)}/chairs"
            made = await self._post("scheduling", path, Role.OPS, name=chair.name)
            self.ids["chair", chair.chair] = made["chair_id"]
        for staff in clinic.staff.values():
            if staff.is_clinician:
                made = await self._practice.post(
                    "scheduling", "/clinicians", _clinician(staff), role=Role.OPS
                )
                self.ids["staff", staff.staff] = made["clinician_id"]
        for fee in clinic.fees:
            await self._post(
                "billing",
                "/fees",
                Role.OPS,
                visit_type=fee.visit_type,
                amount_cents=fee.amount_cents,
                effective_from=fee.effective_from.isoformat(),
            )
        self._timeline.note(
            f"The clinic is set up: {len(clinic.locations)} location, {len(clinic.chairs)} chairs, "
            f"{sum(staff.is_clinician for staff in clinic.staff.values())} clinicians, "
            f"{len(clinic.fees)} fee."
        )

    async def order_fault(self, fault: Fault) -> None:
        await self._world.order_fault(fault)
        status = f" {fault.status}" if fault.status else ""
        self._timeline.note(
            f"From now on {fault.system} goes wrong: {fault.kind}{status} on {fault.route}, "
            f"{fault.times} time{'s' if fault.times > 1 else ''}."
        )

    # The front desk.

    async def register(self, patient: Patient) -> None:
        made = await self._desk(
            patient,
            "/patients",
            first_name=patient.first_name,
            last_name=patient.last_name,
            birth_date=patient.birth_date.isoformat(),
            phone=patient.phone,
            email=patient.email,
            address=_address(patient.address),
            concerns=list(patient.concerns),
        )
        self.ids["patient", patient.patient] = made["patient_id"]
        self._timeline.knows(made["patient_id"], patient)
        found = ", ".join(concern.replace("_", " ") for concern in patient.concerns)
        held = f"; held: {found}" if found else ""
        self._act(patient, StaffRole.FRONT_DESK, f"takes the intake{held}")

    async def book(self, patient: Patient, series: Series) -> None:
        visits = self.clinic.visits_of(series)
        made = await self._desk(
            patient,
            "/series",
            patient_id=self._id("patient", patient.patient),
            prescriber_id=self._id("staff", series.prescriber),
            location_id=self._id("location", series.location),
            visit_type=series.visit_type,
            diagnoses=list(series.diagnoses),
            appointments=[
                {
                    "chair_id": self._id("chair", visit.chair),
                    "starts_at": visit.booked_for.isoformat(),
                }
                for visit in visits
            ],
        )
        self.ids["series", series.series] = made["series_id"]
        numbered = {one["sequence_no"]: one["appointment_id"] for one in made["appointments"]}
        for visit in visits:
            self.ids["visit", visit.visit] = numbered[visit.sequence_no]
            self._timeline.knows_visit(numbered[visit.sequence_no], patient, visit, len(visits))
        self._act(patient, StaffRole.FRONT_DESK, f"books {len(visits)} infusions in one request")

    async def move(self, patient: Patient, visit: Visit, move: Move) -> None:
        path = f"/appointments/{self._visit(visit)}/move"
        await self._desk(patient, path, starts_at=move.to.isoformat())
        at = self._timeline.when(patient, move.to)
        self._act(patient, StaffRole.FRONT_DESK, f"moves infusion {visit.sequence_no} to {at}")

    async def stop(self, patient: Patient, series: Series) -> None:
        path = f"/series/{self._id('series', series.series)}/stop"
        await self._post(
            "scheduling",
            path,
            Role.PRESCRIBER,
            who=series.prescriber,
            reason=series.stop_reason,
        )
        self._say(patient, self.clinic.staff[series.prescriber].name, "stops the series")

    async def confirm_ride(self, patient: Patient, visit: Visit, course: Course) -> None:
        ride = course.ride
        body = {"mode": ride.mode, "driver_name": ride.name, "driver_phone": ride.phone}
        given = {name: value for name, value in body.items() if value is not None}
        await self._desk(patient, f"/appointments/{self._visit(visit)}/ride", **given)
        who = f"{ride.name} drives" if ride.name else "a rideshare"
        self._act(
            patient,
            StaffRole.FRONT_DESK,
            f"notes the ride home of infusion {visit.sequence_no}: {who}",
        )

    async def check_in(self, patient: Patient, visit: Visit, course: Course) -> None:
        path = f"/appointments/{self._visit(visit)}/check-in"
        await self._desk(patient, path, fasted=course.fasted)
        fasted = "fasted" if course.fasted else "has eaten"
        self._act(
            patient, StaffRole.FRONT_DESK, f"checks in for infusion {visit.sequence_no}, {fasted}"
        )

    async def choose_tender(self, patient: Patient, visit: Visit, paid: OutsidePayment) -> None:
        await self._post(
            "billing",
            f"/appointments/{self._visit(visit)}/tender",
            Role.FRONT_DESK,
            who=self._staff(StaffRole.FRONT_DESK)[0],
            patient_id=self._id("patient", patient.patient),
            tender=paid.tender,
        )
        tender = paid.tender.replace("_", " ")
        self._act(
            patient,
            StaffRole.FRONT_DESK,
            f"notes that infusion {visit.sequence_no} is paid by {tender}",
        )

    # Those who treat.

    async def clear(self, patient: Patient, clearance: Clearance) -> None:
        staff = self.clinic.staff[clearance.by]
        await self._post(
            "scheduling",
            f"/patients/{self._id('patient', patient.patient)}/clearance",
            _ROLES[staff.role],
            who=staff.staff,
            clinician_id=self._id("staff", staff.staff),
            note=clearance.note,
        )
        self._say(patient, staff.name, "records the clearance")

    async def try_to_start(self, patient: Patient, visit: Visit, course: Course, rule: str) -> None:
        """The nurse wants to start what the rules forbid, and is refused."""
        try:
            await self._nurse(visit, course, "start", self._clinician(course))
        except Refusal as no:
            if rule not in no.rules:
                raise
            self.refused_starts.append((visit.visit, rule))
            nurse = self.clinic.staff[course.nurse].name
            self._say(patient, nurse, f"may not start infusion {visit.sequence_no}: {no}")
        else:
            raise Wanting(f"infusion {visit.sequence_no} started against the rule {rule}")

    async def start(self, patient: Patient, visit: Visit, course: Course) -> None:
        made = await self._nurse(visit, course, "start", self._clinician(course))
        self.ids["infusion", visit.visit] = made["infusion_id"]
        self._timeline.knows_visit(made["infusion_id"], patient, visit, len(self._all_of(visit)))
        self._say(
            patient,
            self.clinic.staff[course.nurse].name,
            f"starts infusion {visit.sequence_no} in chair {self.clinic.chairs[visit.chair].name}",
        )

    async def complete(self, patient: Patient, visit: Visit, course: Course) -> None:
        await self._nurse(visit, course, "complete", {})
        ran = int(course.drip.total_seconds() // 60)
        self._say(
            patient,
            self.clinic.staff[course.nurse].name,
            f"ends infusion {visit.sequence_no} after {ran} min",
        )

    async def discharge(self, patient: Patient, visit: Visit, course: Course) -> None:
        await self._nurse(visit, course, "discharge", {})
        self._say(patient, self.clinic.staff[course.nurse].name, "discharges with the ride")

    async def sign(self, patient: Patient, series: Series) -> None:
        """The prescriber opens the vendor's page and signs with two factors."""
        prescriber = self.clinic.staff[series.prescriber]
        found = [
            one
            async for one in self._practice.items(
                "pharmacy",
                "/prescriptions",
                role=Role.PRESCRIBER,
                patient_id=self._id("patient", patient.patient),
            )
            if one["series_id"] == self._id("series", series.series)
        ]
        if not found:
            raise Wanting("there is no prescription to sign")
        link = await self._practice.get(
            "pharmacy",
            f"/prescriptions/{found[0]['prescription_id']}/signing-link",
            role=Role.PRESCRIBER,
            who=prescriber.staff,
        )
        await self._world.sign(link["session_id"])
        self._say(patient, prescriber.name, "signs the prescription with two factors")

    # Money.

    async def save_card(self, patient: Patient, card: Card) -> None:
        """The front desk asks for a card; the patient's browser confirms it with Stripe."""
        path = f"/patients/{self._id('patient', patient.patient)}/card-setups"
        desk = self._staff(StaffRole.FRONT_DESK)[0]
        setup = await self._post("billing", path, Role.FRONT_DESK, who=desk)
        path = f"{path}/{setup['setup_id']}"
        ready = await self._until(path, "ready")
        confirmed = await self._world.confirm_card(
            card.number,
            client_secret=ready["client_secret"],
            publishable_key=ready["publishable_key"],
        )
        if isinstance(confirmed, str):
            raise Wanting(f"the card ending in {card.number[-4:]} was not saved: {confirmed}")
        self.confirmed.setdefault(patient.patient, []).append(confirmed)
        self._say(patient, "the patient", f"saves a card ending in {card.number[-4:]}")
        await self._until(path, "saved")

    async def issuer_declines(self, patient: Patient, code: str) -> None:
        cards = self.confirmed.get(patient.patient)
        if not cards:
            raise Wanting("no card is on file that an issuer could decline")
        await self._world.issuer_declines(cards[-1].payment_method, code)
        self._say(patient, "the bank", f"declines the card from now on: {code.replace('_', ' ')}")

    async def try_again(self, patient: Patient, visit: Visit) -> None:
        charge = await self._charge(patient, visit)
        biller = self._staff(StaffRole.BILLER)[0]
        path = f"/charges/{charge['charge_id']}/attempts"
        await self._post("billing", path, Role.BILLER, who=biller)
        self._act(patient, StaffRole.BILLER, f"charges infusion {visit.sequence_no} again")

    async def record_payment(self, patient: Patient, visit: Visit, paid: OutsidePayment) -> None:
        charge = await self._charge(patient, visit)
        await self._post(
            "billing",
            f"/charges/{charge['charge_id']}/outside-payments",
            Role.BILLER,
            who=self._staff(StaffRole.BILLER)[0],
            tender=paid.tender,
            reference=paid.reference,
            amount_cents=charge["amount_cents"],
        )
        self._act(
            patient,
            StaffRole.BILLER,
            f"records {dollars(charge['amount_cents'])} by {paid.tender.replace('_', ' ')} "
            f"for infusion {visit.sequence_no}",
        )

    async def _charge(self, patient: Patient, visit: Visit) -> dict[str, Any]:
        infusion_id = self._id("infusion", visit.visit)
        path = f"/patients/{self._id('patient', patient.patient)}/charges"
        async for charge in self._practice.items("billing", path, role=Role.BILLER):
            if charge["infusion_id"] == infusion_id:
                return charge
        raise Wanting(f"infusion {visit.sequence_no} has no charge")

    # How they reach the services.

    async def _until(self, path: str, state: str) -> dict[str, Any]:
        """Look at a card's set-up again and again, as the page at the front desk does."""
        deadline = monotonic() + ANSWERS_WITHIN_S
        while True:
            found = dict(await self._practice.get("billing", path, role=Role.FRONT_DESK))
            if found["state"] in {state, "saved"}:
                return found
            if found["state"] == "failed" or monotonic() > deadline:
                raise Wanting(f"the card's set-up is {found['state']}, not {state}")
            await asyncio.sleep(_LOOK_S)

    async def _post(
        self, service: str, path: str, role: Role, *, who: str = "practice", **body: object
    ) -> dict[str, Any]:
        return await self._practice.post(service, path, body, role=role, who=who)

    async def _desk(self, _patient: Patient, path: str, **body: object) -> dict[str, Any]:
        who = self._staff(StaffRole.FRONT_DESK)[0]
        return await self._post("scheduling", path, Role.FRONT_DESK, who=who, **body)

    async def _nurse(
        self, visit: Visit, course: Course, step: str, body: dict[str, object]
    ) -> dict[str, Any]:
        path = f"/appointments/{self._visit(visit)}/{step}"
        return await self._post("scheduling", path, Role.NURSE, who=course.nurse, **body)

    def _clinician(self, course: Course) -> dict[str, object]:
        return {"clinician_id": self._id("staff", course.nurse)}

    def _all_of(self, visit: Visit) -> list[Visit]:
        return self.clinic.visits_of(self.clinic.series[visit.series])

    def _visit(self, visit: Visit) -> str:
        return self._id("visit", visit.visit)

    def _id(self, noun: str, key: str) -> str:
        try:
            return self.ids[noun, key]
        except KeyError:
            raise Wanting(f"there is no {noun} {key}") from None

    def _staff(self, role: StaffRole) -> tuple[str, str]:
        """Key and name of who does this work; an export need not name them."""
        found = self.clinic.first_of(role)
        return (
            (role, f"the {role.replace('_', ' ')}") if found is None else (found.staff, found.name)
        )

    def _act(self, patient: Patient, role: StaffRole, what: str) -> None:
        self._say(patient, self._staff(role)[1], what)

    def _say(self, patient: Patient, who: str, what: str) -> None:
        self._timeline.act(patient, who, what)


def _address(address: Any) -> dict[str, str]:
    parts = {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
    }
    return {name: value for name, value in parts.items() if value is not None}


def _clinician(staff: Staff) -> dict[str, object]:
    parts: dict[str, object] = {
        "name": staff.name,
        "credential": staff.credential,
        "npi": staff.npi,
        "license_number": staff.license_number,
        "phone": staff.phone,
        "address": _address(staff.address),
    }
    return parts | ({"dea_number": staff.dea_number} if staff.dea_number else {})
