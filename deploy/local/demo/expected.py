"""What must have happened, computed from the export by rules written here by hand.

This asks no service and imports none: it is the other witness. "FAQ" is the clinic's own public
FAQ; "ladder" is the clinic's reminder ladder; the pharmacy's pace is that of the simulated one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from deploy.local.demo import course as on_clock
from deploy.local.export.records import Clinic, Course, Patient, Series, Visit
from shared.events.notifications import Channel, Purpose
from shared.events.scheduling import VisitType

NO_DRIVING = timedelta(hours=6)  # FAQ: "No driving for 6 hours after an infusion"
NO_FOOD = timedelta(hours=2)  # FAQ: "We recommend no food for two hours prior"
FIRST_REMINDER = timedelta(hours=48)  # ladder
SECOND_REMINDER = timedelta(hours=24)  # ladder
RIDE_HELPS_UNTIL = timedelta(hours=1)  # ladder: later than that, staff call
MEAL_NOTICE = timedelta(hours=2)  # ladder: the patient hears of it before the meal
DECENT_FROM, DECENT_UNTIL = time(8), time(21)  # 47 CFR 64.1200(c)(1)
EVENING_BEFORE = time(18)  # ladder: where two hours' notice would come at an indecent hour
SPRAY_RULE = "4 hours"  # FAQ: "You are not to drive for 4 hours after using the nasal spray"
PHARMACY_TAKES = timedelta(minutes=20) + timedelta(hours=4) + timedelta(days=1) + timedelta(days=3)
WITH_REMINDERS = frozenset({VisitType.KETAMINE_MOOD, VisitType.KETAMINE_PAIN})

MAILED = frozenset({Purpose.RECEIPT, Purpose.SUPERBILL, Purpose.ESTIMATE})
"""Receipts and documents go by mail; everything else by text."""

ESTIMATED_AHEAD_DAYS = 3  # 45 CFR 149.610(b)(1)(vi): business days from the booking on
DAYS_OFF = frozenset(
    {
        *(date(2026, month, day) for month, day in ((11, 11), (11, 26), (12, 25))),
        *(date(2027, month, day) for month, day in ((1, 1), (1, 18), (2, 15), (5, 31), (6, 18))),
        *(date(2027, month, day) for month, day in ((7, 5), (9, 6), (10, 11), (11, 11), (11, 25))),
        *(date(2027, 12, day) for day in (24, 31)),
    }
)
"""Federal holidays as opm.gov lists them for the years in which a demonstration is set."""


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One message to one patient. `says` is something that its text must hold."""

    at: datetime
    purpose: Purpose
    says: str = ""

    @property
    def channel(self) -> Channel:
        return Channel.EMAIL if self.purpose in MAILED else Channel.SMS


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount at a moment."""

    at: datetime
    amount_cents: int


@dataclass(slots=True)
class Expected:
    """Everything that must have happened to one patient, and nothing else may have."""

    patient: Patient
    refused_starts: list[tuple[str, str]] = field(default_factory=list)
    infusions: int = 0
    charges: int = 0
    unpaid: int = 0
    card_payments: list[Money] = field(default_factory=list)
    declines: list[Money] = field(default_factory=list)
    outside_payments: list[Money] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    prescriptions: list[str] = field(default_factory=list)
    orders: int = 0
    estimates: list[int] = field(default_factory=list)

    @property
    def last_at(self) -> datetime:
        """The last moment at which something is expected; a message goes with everything."""
        moments = [message.at for message in self.messages]
        return max(moments, default=self.patient.registered_at)

    @property
    def superbills(self) -> list[int]:
        """One for each payment of a charge, with its amount."""
        return [paid.amount_cents for paid in (*self.card_payments, *self.outside_payments)]


def expect(clinic: Clinic) -> dict[str, Expected]:
    """What must have happened to each patient, by patient."""
    expected = {key: Expected(patient) for key, patient in clinic.patients.items()}
    declined_from: dict[str, datetime] = {}
    for series in clinic.series.values():
        patient = on_clock.patient_of(clinic, series)
        found = expected[series.patient]
        zone = clinic.locations[series.location].zone
        completed: list[datetime] = []
        _estimate(clinic, found, series, zone)
        for visit in clinic.visits_of(series):
            found.messages += reminders(series, visit, zone)
            ended = _visit(clinic, found, series, visit, zone, declined_from)
            completed += [] if ended is None else [ended]
        if len(completed) == len(clinic.visits_of(series)):
            _prescription(found, series, max(completed))
        assert patient is found.patient
    return expected


def reminders(series: Series, visit: Visit, zone: ZoneInfo) -> list[Message]:
    """The reminders that go out for a visit, each for a time that holds at that moment."""
    if series.visit_type not in WITH_REMINDERS:
        return []
    periods = [(visit.booked_for, series.booked_at, visit.move.at if visit.move else None)]
    if visit.move is not None:
        periods.append((visit.move.to, visit.move.at, None))
    sent = []
    if visit.move is not None:
        sent.append(Message(visit.move.at, Purpose.APPOINTMENT_MOVED))
    for starts_at, known_from, known_until in periods:
        ends = [end for end in (known_until, series.stopped_at) if end is not None]
        for message in _ladder(starts_at, known_from, zone):
            if all(message.at < end for end in ends):
                sent.append(message)  # noqa: PERF401  # two conditions in one expression read worse
    return sent


def _ladder(starts_at: datetime, known_from: datetime, zone: ZoneInfo) -> list[Message]:
    """The reminders of one planned time. What is known late is sent at once while it helps."""
    ladder = []
    first = starts_at - FIRST_REMINDER
    if first >= known_from:
        ladder.append(Message(first, Purpose.RIDE_REMINDER_48H))
    second = max(starts_at - SECOND_REMINDER, known_from)
    if second < starts_at - RIDE_HELPS_UNTIL:
        ladder.append(Message(second, Purpose.RIDE_REMINDER_24H))
    fast = max(_fasting_at(starts_at, zone), known_from)
    if fast < starts_at - NO_FOOD:
        last_meal = (starts_at - NO_FOOD).astimezone(zone)
        ladder.append(Message(fast, Purpose.FASTING_REMINDER, says=_clock(last_meal)))
    return ladder


def _fasting_at(starts_at: datetime, zone: ZoneInfo) -> datetime:
    told = (starts_at - NO_FOOD - MEAL_NOTICE).astimezone(zone)
    if DECENT_FROM <= told.time() <= DECENT_UNTIL:
        return told
    day_before = starts_at.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(day_before, EVENING_BEFORE, zone)


def _visit(
    clinic: Clinic,
    found: Expected,
    series: Series,
    visit: Visit,
    zone: ZoneInfo,
    declined_from: dict[str, datetime],
) -> datetime | None:
    """What one visit leads to. Returns when its infusion ended, if it took place."""
    course = on_clock.takes_place(series, visit)
    if course is None:
        return None
    patient = found.patient
    if course.issuer_declines is not None:
        declined_from[patient.patient] = visit.starts_at
    rule = on_clock.refused_at_start(patient, course, visit.starts_at)
    if rule is not None:
        found.refused_starts.append((visit.visit, rule))
    ended = on_clock.completed_at(patient, visit, course)
    if ended is None:
        return None
    found.infusions += 1
    until = (ended + NO_DRIVING).astimezone(zone)
    discharged = ended + course.discharged_after
    found.messages.append(Message(discharged, Purpose.NO_DRIVING, says=_clock(until)))
    paid = _money(clinic, found, series, course, ended, zone, declined_from.get(patient.patient))
    if paid is not None:
        # It names the dose that ran, which is on record as the drip ends.
        found.messages.append(Message(paid, Purpose.SUPERBILL))
    return ended


def _money(
    clinic: Clinic,
    found: Expected,
    series: Series,
    course: Course,
    ended: datetime,
    zone: ZoneInfo,
    declined_from: datetime | None,
) -> datetime | None:
    """One charge for a completed infusion, by card or settled outside. Returns when it is paid."""
    fee = fee_on(clinic, series.visit_type, ended.astimezone(zone).date())
    if fee is None:
        return None
    found.charges += 1
    paid_at: datetime | None = None
    if course.outside_payment is not None:
        paid_at = course.outside_payment.paid_at
        found.outside_payments.append(Money(paid_at, fee))
    else:
        for tried_at in (ended, course.tried_again_at):
            if tried_at is None or paid_at is not None:
                continue
            card = on_clock.card_on_file(clinic, found.patient, tried_at)
            spoilt = declined_from is not None and (card is None or card.saved_at < declined_from)
            if card is not None and not spoilt:
                paid_at = tried_at
                found.card_payments.append(Money(tried_at, fee))
                continue
            if card is not None:
                found.declines.append(Money(tried_at, fee))
            found.messages.append(Message(tried_at, Purpose.PAYMENT_FAILED))
            if card is None and tried_at == ended:
                found.messages.append(Message(tried_at, Purpose.PAY_LINK))
    if paid_at is None:
        found.unpaid += 1
        return None
    found.messages.append(Message(paid_at, Purpose.RECEIPT))
    return paid_at


def fee_on(clinic: Clinic, visit_type: VisitType, day: date) -> int | None:
    """The fee in force on a local day: the newest that has begun."""
    begun = [
        fee for fee in clinic.fees if fee.visit_type is visit_type and fee.effective_from <= day
    ]
    return max(begun, key=lambda fee: fee.effective_from).amount_cents if begun else None


def _estimate(clinic: Clinic, found: Expected, series: Series, zone: ZoneInfo) -> None:
    """One for all infusions as booked, at the booking, where that is early enough for any."""
    days = [visit.booked_for.astimezone(zone).date() for visit in clinic.visits_of(series)]
    day, ahead = series.booked_at.astimezone(zone).date(), 0
    while day < max(days):
        ahead += day.weekday() < 5 and day not in DAYS_OFF  # noqa: PLR2004  # Monday to Friday
        day += timedelta(days=1)
    fees = [fee_on(clinic, series.visit_type, day) for day in days]
    if ahead < ESTIMATED_AHEAD_DAYS or None in fees:
        return
    found.estimates.append(sum(fee for fee in fees if fee))
    found.messages.append(Message(series.booked_at, Purpose.ESTIMATE))


def _prescription(found: Expected, series: Series, completed_at: datetime) -> None:
    """FAQ: "The prescription is sent to the pharmacy ... at the end of the ... series"."""
    if series.signed_at is None or series.signed_at < completed_at:
        found.prescriptions.append("awaiting_signature")
        return
    found.prescriptions.append("delivered")
    found.orders += 1
    delivered_at = series.signed_at + PHARMACY_TAKES
    found.messages.append(Message(delivered_at, Purpose.SPRAY_NO_DRIVING, says=SPRAY_RULE))


def _clock(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"  # noqa: PLR2004  # noon
