"""What the files say about a visit, put on the clock. Pure: rules of the clinic, no services.

The driver acts by it and the expectations count by it. "FAQ" is the clinic's own public FAQ.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from deploy.local.export.records import Card, Clinic, Course, Patient, Series, Visit

CLEARANCE_MISSING = "clearance_missing"
SCREENING_MISSING = "screening_missing"
NOT_FASTED = "not_fasted"
ENTRY_EVERY = timedelta(minutes=15)
"""As an entry falls due, by the practice's figure monitor_every_min."""


def patient_of(clinic: Clinic, series: Series) -> Patient:
    return clinic.patients[series.patient]


def takes_place(series: Series, visit: Visit) -> Course | None:
    """What happened at a visit; nothing, once its series is stopped."""
    if series.stopped_at is not None and visit.starts_at >= series.stopped_at:
        return None
    return visit.course


def refused_at_start(patient: Patient, course: Course, starts_at: datetime) -> str | None:
    """Why the drip may not start at a moment.

    FAQ: "uncontrolled blood pressure [is a concern] that may require a more in-depth clearance";
    "no food for two hours prior".
    """
    if not may_start_from(patient, starts_at):
        return CLEARANCE_MISSING if patient.concerns else SCREENING_MISSING
    return None if course.fasted else NOT_FASTED


def may_start_from(patient: Patient, at: datetime) -> bool:
    """Whether a clinician has screened the patient by then, or cleared what was found."""
    known = known_at(patient)
    return known is not None and known <= at


def known_at(patient: Patient) -> datetime | None:
    """When a clinician says that infusions may start; never without one."""
    signed = patient.clearance if patient.concerns else patient.screening
    return None if signed is None else signed.at


def started_at(patient: Patient, visit: Visit, course: Course) -> datetime | None:
    """When the drip started: as planned, or once a clinician said that it may; else never."""
    match refused_at_start(patient, course, visit.starts_at):
        case None:
            return visit.starts_at
        case "clearance_missing" | "screening_missing" if course.fasted:
            return known_at(patient)
        case _:
            return None


def completed_at(patient: Patient, visit: Visit, course: Course) -> datetime | None:
    started = started_at(patient, visit, course)
    return None if started is None else started + course.drip


def entries_between(started: datetime, left: datetime) -> Iterator[datetime]:
    """When the nurse enters vitals in the chart, while the drip runs and after it."""
    at = started + ENTRY_EVERY
    while at < left:
        yield at
        at += ENTRY_EVERY


def card_on_file(clinic: Clinic, patient: Patient, at: datetime) -> Card | None:
    """The newest card that the patient had saved by then."""
    saved = [card for card in clinic.cards_of(patient) if card.saved_at <= at]
    return saved[-1] if saved else None
