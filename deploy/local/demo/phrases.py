"""Events in a few words, for the timeline. What an event carries is ids, codes, times and cents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

from shared.events import Event, billing, notifications, pharmacy, scheduling
from shared.events.notifications import Channel, Purpose
from shared.money import dollars

Clock = Callable[[datetime], str]
"""A moment as the clock on the clinic's wall shows it."""

PURPOSES = {
    Purpose.RIDE_REMINDER_48H: "ride reminder, 48 h before",
    Purpose.RIDE_REMINDER_24H: "ride reminder, 24 h before",
    Purpose.FASTING_REMINDER: "no food from 2 h before",
    Purpose.APPOINTMENT_MOVED: "the visit has a new time",
    Purpose.NO_DRIVING: "no driving for now",
    Purpose.SPRAY_NO_DRIVING: "no driving for 4 h after each use",
    Purpose.RECEIPT: "receipt",
    Purpose.PAYMENT_FAILED: "a payment did not go through",
    Purpose.SUPERBILL: "the superbill is ready",
}

CHANNELS = {Channel.SMS: "text", Channel.EMAIL: "mail"}


def together(events: Sequence[Event], clock: Clock) -> str:
    """Events in a row, in the order in which they were said; many visits at once are counted."""
    shown: list[str] = []
    for name, same in groupby(events, key=lambda event: type(event).__name__):
        alike = list(same)
        if len(alike) > 1 and name.startswith("Appointment"):
            shown.append(f"{name} ({len(alike)})")
        else:
            shown += [" ".join(filter(None, (name, detail(one, clock)))) for one in alike]
    return " → ".join(shown)


def detail(event: Event, clock: Clock) -> str:
    """What tells an event from others of its kind."""
    found = ""
    match event:
        case billing.ChargePosted() | billing.PaymentCaptured():
            found = dollars(event.amount_cents)
        case billing.OutsidePaymentRecorded():
            found = f"{dollars(event.amount_cents)} {event.tender}"
        case billing.PaymentDeclined():
            found = event.reason
        case billing.SuperbillIssued():
            found = event.number
        case scheduling.AppointmentMoved() | scheduling.AppointmentBooked():
            found = f"to {clock(event.starts_at)}"
        case scheduling.PatientDischarged():
            found = f"no driving until {clock(event.no_drive_until)}"
        case scheduling.SeriesCompleted() | scheduling.SeriesStopped():
            found = f"after {event.infusions_completed} infusions"
        case notifications.MessageNotSent():
            found = f"{event.purpose} {event.reason}"
        case pharmacy.PrescriptionRefused():
            found = event.reason
        case _:
            pass
    return found
