"""Everything that an export says, as acts on an agenda."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from deploy.local.demo import clinicians, front_desk, money, setting_up
from deploy.local.demo import course as on_clock
from deploy.local.demo.agenda import Agenda, Turn
from deploy.local.demo.people import People
from deploy.local.export.records import Course, Patient, Series, Visit

Do = Callable[[], Awaitable[None]]
Add = Callable[[datetime, Turn, Do], None]


def plan(people: People) -> Agenda:
    """Put everything on an agenda."""
    agenda = Agenda()
    clinic = people.clinic
    for fault in clinic.faults:
        order = partial(setting_up.order_fault, people, fault)
        agenda.add(fault.ordered_at, Turn.WORLD, None, order)
    for patient in clinic.patients.values():
        _patient(people, _adder(agenda, people, patient), patient)
    for series in clinic.series.values():
        patient = on_clock.patient_of(clinic, series)
        _series(people, _adder(agenda, people, patient), patient, series)
    return agenda


def _adder(agenda: Agenda, people: People, patient: Patient) -> Add:
    """Adds acts about one patient; what one of them is refused is told and noted."""

    def add(at: datetime, turn: Turn, do: Do) -> None:
        agenda.add(at, turn, patient.patient, people.telling(patient, do))

    return add


def _patient(people: People, add: Add, patient: Patient) -> None:
    add(patient.registered_at, Turn.INTAKE, partial(front_desk.register, people, patient))
    if patient.screening is not None:
        screen = partial(clinicians.screen, people, patient, patient.screening)
        add(patient.screening.at, Turn.CLEARANCE, screen)
    if patient.clearance is not None:
        clear = partial(clinicians.clear, people, patient, patient.clearance)
        add(patient.clearance.at, Turn.CLEARANCE, clear)
    for card in people.clinic.cards_of(patient):
        add(card.saved_at, Turn.CARD, partial(money.save_card, people, patient, card))


def _series(people: People, add: Add, patient: Patient, series: Series) -> None:
    add(series.booked_at, Turn.BOOKING, partial(front_desk.book, people, patient, series))
    if series.stopped_at is not None:
        add(series.stopped_at, Turn.CHANGE, partial(clinicians.stop, people, patient, series))
    if series.signed_at is not None:
        add(series.signed_at, Turn.SIGNING, partial(clinicians.sign, people, patient, series))
    for visit in people.clinic.visits_of(series):
        if visit.move is not None:
            move = partial(front_desk.move, people, patient, visit, visit.move)
            add(visit.move.at, Turn.CHANGE, move)
        course = on_clock.takes_place(series, visit)
        if course is not None:
            _arrival(people, add, patient, visit, course)
            _payment(people, add, patient, visit, course)
            _infusion(people, add, patient, visit, course)


def _arrival(people: People, add: Add, patient: Patient, visit: Visit, course: Course) -> None:
    ride = partial(front_desk.confirm_ride, people, patient, visit, course)
    add(course.ride.confirmed_at, Turn.RIDE, ride)
    arrive = partial(front_desk.check_in, people, patient, visit, course)
    add(course.checked_in_at, Turn.ARRIVAL, arrive)
    dose = partial(clinicians.plan_dose, people, patient, visit, course)
    add(course.checked_in_at, Turn.ARRIVAL, dose)


def _payment(people: People, add: Add, patient: Patient, visit: Visit, course: Course) -> None:
    paid = course.outside_payment
    if paid is not None:
        choose = partial(front_desk.choose_tender, people, patient, visit, paid)
        add(course.checked_in_at, Turn.ARRIVAL, choose)
        record = partial(money.record_payment, people, patient, visit, paid)
        add(paid.paid_at, Turn.MONEY, record)
    if course.issuer_declines is not None:
        declines = partial(money.issuer_declines, people, patient, course.issuer_declines)
        add(visit.starts_at, Turn.WORLD, declines)
    if course.tried_again_at is not None:
        again = partial(money.try_again, people, patient, visit)
        add(course.tried_again_at, Turn.MONEY, again)


def _infusion(people: People, add: Add, patient: Patient, visit: Visit, course: Course) -> None:
    rule = on_clock.refused_at_start(patient, course, visit.starts_at)
    if rule is not None:
        refused = partial(clinicians.try_to_start, people, patient, visit, course, rule)
        add(visit.starts_at, Turn.START, refused)
    started = on_clock.started_at(patient, visit, course)
    if started is None:
        return
    ended = started + course.drip
    left = ended + course.discharged_after
    add(started, Turn.START, partial(clinicians.start, people, patient, visit, course))
    add(ended, Turn.END, partial(clinicians.complete, people, patient, visit, course))
    for at in on_clock.entries_between(started, left):
        add(at, Turn.ENTRY, partial(clinicians.take_vitals, people, visit, course))
    add(left, Turn.LEAVING, partial(clinicians.discharge, people, patient, visit, course))
