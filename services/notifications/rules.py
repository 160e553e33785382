"""The rule sheet of messages: when each falls due, and until when it still helps.

Pure: the time is passed in. "FAQ" is the clinic's own public FAQ. Spans before a visit are elapsed
time; a decent hour is one on the clock of the clinic's wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.events.notifications import Channel, Purpose
from shared.events.scheduling import VisitType

NO_FOOD = timedelta(hours=2)  # FAQ: "no food for two hours prior, but liquids are fine"
SPRAY_NO_DRIVING_H = 4  # FAQ: "not to drive for 4 hours after using the nasal spray"
FIRST_RIDE_REMINDER = timedelta(hours=48)  # the clinic's ladder: ask two days before ...
SECOND_RIDE_REMINDER = timedelta(hours=24)  # ... and again the day before
RIDE_CAN_BE_FOUND = timedelta(hours=1)  # the clinic's choice: later than that, staff call
MEAL_NOTICE = timedelta(hours=2)  # the clinic's choice: told before the last meal is planned
DAY_BEGINS = time(8)  # 47 CFR 64.1200(c)(1): no calls before 8 a.m. at the called party's place
DAY_ENDS = time(21)  # ... and none after 9 p.m.
EVENING = time(18)  # the clinic's choice for visits too early to be told about the same day

REMINDERS = (Purpose.RIDE_REMINDER_48H, Purpose.RIDE_REMINDER_24H, Purpose.FASTING_REMINDER)
OF_A_VISIT = frozenset({*REMINDERS, Purpose.APPOINTMENT_MOVED})
"""What speaks of a visit's time, and no longer holds once the visit is moved or cancelled."""

CHANNELS = {
    Purpose.RIDE_REMINDER_48H: Channel.SMS,
    Purpose.RIDE_REMINDER_24H: Channel.SMS,
    Purpose.FASTING_REMINDER: Channel.SMS,
    Purpose.APPOINTMENT_MOVED: Channel.SMS,
    Purpose.NO_DRIVING: Channel.SMS,
    Purpose.SPRAY_NO_DRIVING: Channel.SMS,
    Purpose.CHAIR_OFFERED: Channel.SMS,
    Purpose.RECEIPT: Channel.EMAIL,
    Purpose.PAYMENT_FAILED: Channel.SMS,
    Purpose.PAY_LINK: Channel.EMAIL,
    Purpose.SUPERBILL: Channel.EMAIL,
    Purpose.SUPERBILL_CORRECTED: Channel.EMAIL,
    Purpose.ESTIMATE: Channel.EMAIL,
    Purpose.CARD_EXPIRING: Channel.EMAIL,
}


class NotSent(StrEnum):
    """Why a message did not go and will not."""

    MOMENT_PASSED = "moment_passed"
    APPOINTMENT_MOVED = "appointment_moved"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    OPTED_OUT = "opted_out"
    NUMBER_INVALID = "number_invalid"
    NUMBER_UNREACHABLE = "number_unreachable"
    ADDRESS_INVALID = "address_invalid"
    ADDRESS_REFUSED = "address_refused"
    MAIL_REFUSED = "mail_refused"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a visit asks of its patient: a ride home, and for how long before to eat nothing."""

    ride: bool
    no_food: timedelta


_OF_AN_INFUSION, _OF_A_SESSION = Needs(ride=True, no_food=NO_FOOD), Needs(False, timedelta(0))
_INFUSIONS = frozenset({VisitType.KETAMINE_MOOD, VisitType.KETAMINE_PAIN})


def needs_of(visit_type: VisitType, *, ride_needed: bool | None, fasting_min: int | None) -> Needs:
    """What a booking says that its visit asks for.

    One from before bookings said it is judged by its type. FAQ: driver and empty stomach belong to
    infusions; a preparation session needs neither.
    """
    of_type = _OF_AN_INFUSION if visit_type in _INFUSIONS else _OF_A_SESSION
    return Needs(
        of_type.ride if ride_needed is None else ride_needed,
        of_type.no_food if fasting_min is None else timedelta(minutes=fasting_min),
    )


class AppointmentState(StrEnum):
    BOOKED = "booked"
    CANCELLED = "cancelled"
    DISCHARGED = "discharged"


@dataclass(frozen=True, slots=True)
class Appointment:
    """What the rules need to know of a visit."""

    starts_at: datetime
    revision: int
    state: AppointmentState
    ride_confirmed: bool
    no_food: timedelta = NO_FOOD


@dataclass(frozen=True, slots=True)
class Reminder:
    """One message planned for a visit; `dropped` when its moment had passed at planning."""

    purpose: Purpose
    due_at: datetime
    dropped: bool


def plan_reminders(
    needs: Needs, starts_at: datetime, zone: ZoneInfo, now: datetime
) -> list[Reminder]:
    """The reminders of a visit, of what it asks for.

    A visit booked late has no use for the first ride reminder, the second one says the same: the
    first is dropped. The others go at once while they still help.
    """
    planned = []
    for purpose in REMINDERS:
        if not (needs.no_food if purpose is Purpose.FASTING_REMINDER else needs.ride):
            continue
        due_at = reminder_due_at(purpose, starts_at, zone, needs.no_food)
        late = purpose is Purpose.RIDE_REMINDER_48H and due_at < now
        dropped = late or now >= helps_until(purpose, starts_at, needs.no_food)
        planned.append(Reminder(purpose, due_at if dropped else max(due_at, now), dropped))
    return planned


def reminder_due_at(
    purpose: Purpose, starts_at: datetime, zone: ZoneInfo, no_food: timedelta = NO_FOOD
) -> datetime:
    """When a reminder goes out if the visit is booked in good time."""
    match purpose:
        case Purpose.RIDE_REMINDER_48H:
            return starts_at - FIRST_RIDE_REMINDER
        case Purpose.RIDE_REMINDER_24H:
            return starts_at - SECOND_RIDE_REMINDER
        case Purpose.FASTING_REMINDER:
            return fasting_due_at(starts_at, zone, no_food)
        case _:
            raise ValueError(f"{purpose} is no reminder")


def fasting_due_at(starts_at: datetime, zone: ZoneInfo, no_food: timedelta = NO_FOOD) -> datetime:
    """Two hours before food stops if the hour is decent at the clinic, else the evening before."""
    told = (no_food_from(starts_at, no_food) - MEAL_NOTICE).astimezone(zone)
    if DAY_BEGINS <= told.time() <= DAY_ENDS:
        return told.astimezone(starts_at.tzinfo)
    day_before = told.date() if told.time() > DAY_ENDS else told.date() - timedelta(days=1)
    return datetime.combine(day_before, EVENING, zone).astimezone(starts_at.tzinfo)


def no_food_from(starts_at: datetime, no_food: timedelta = NO_FOOD) -> datetime:
    return starts_at - no_food


def helps_until(purpose: Purpose, starts_at: datetime, no_food: timedelta = NO_FOOD) -> datetime:
    """The moment from which a message about a visit is no longer worth sending."""
    match purpose:
        case Purpose.RIDE_REMINDER_48H:
            return starts_at - SECOND_RIDE_REMINDER  # from here the second one says it
        case Purpose.RIDE_REMINDER_24H:
            return starts_at - RIDE_CAN_BE_FOUND
        case Purpose.FASTING_REMINDER:
            return no_food_from(starts_at, no_food)
        case _:
            return starts_at


def untrue_because(
    purpose: Purpose, revision: int, appointment: Appointment, now: datetime
) -> NotSent | None:
    """Why a message about a visit must not go out now, if anything forbids it."""
    if appointment.state is AppointmentState.CANCELLED:
        return NotSent.APPOINTMENT_CANCELLED
    if appointment.revision != revision:
        return NotSent.APPOINTMENT_MOVED
    if now >= helps_until(purpose, appointment.starts_at, appointment.no_food):
        return NotSent.MOMENT_PASSED
    return None
