"""Events and codes in a few words, for the timeline. Events carry ids, codes, times and cents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from deploy.local.export.records import Fault
from shared.events import Event, billing, notifications, pharmacy, scheduling
from shared.events.billing import TenderKind
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
    Purpose.SUPERBILL_CORRECTED: "the superbill was corrected",
    Purpose.ESTIMATE: "the estimate is ready",
    Purpose.CARD_EXPIRING: "the card on file expires",
}

CHANNELS = {Channel.SMS: "text", Channel.EMAIL: "mail"}

TENDERS = {
    TenderKind.CARD: "card",
    TenderKind.HSA_CARD: "health savings card",
    TenderKind.CARE_CREDIT: "CareCredit",
    TenderKind.CASH: "cash",
    TenderKind.CHECK: "check",
    TenderKind.PREPAID: "prepaid package",
}

SYSTEMS = {
    "stripe": "Stripe",
    "pharmacy": "the pharmacy",
    "signing": "the signing vendor",
    "sms": "the text carrier",
    "smtp": "the mail server",
}

FAULTS = {
    "status_before": "answers {status} and does nothing",
    "status_after": "does what it is asked and answers {status}",
    "lost_answer": "does what it is asked, and the answer is lost",
    "hang": "leaves the call without an answer",
    "slow": "answers late",
    "duplicate": "tells the same twice",
    "reorder": "tells things out of order",
    "delay": "tells things late",
    "drop": "does not tell",
    "forged_signature": "is imitated by a stranger",
    "future_timestamp": "signs as of a time to come",
}

_UNWELCOME = (
    billing.PaymentDeclined,
    notifications.MessageNotSent,
    pharmacy.PrescriptionHeld,
    pharmacy.PrescriptionRefused,
    scheduling.PatientHeld,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One event in a row, or several that are alike."""

    name: str
    detail: str
    welcome: bool


def together(events: Sequence[Event], clock: Clock) -> Iterator[Said]:
    """Events in the order in which they were said; what is said of many visits at once is one."""
    for name, same in groupby(events, key=lambda event: type(event).__name__):
        alike = list(same)
        welcome = not isinstance(alike[0], _UNWELCOME)
        if len(alike) > 1 and name.startswith("Appointment"):
            yield Said(name, f"({len(alike)})", welcome)
            continue
        unsent = [event for event in alike if isinstance(event, notifications.MessageNotSent)]
        if unsent:
            yield Said(name, _unsent(unsent), welcome)
            continue
        for one in alike:
            yield Said(name, detail(one, clock), welcome)


def detail(event: Event, clock: Clock) -> str:
    """What tells an event from others of its kind."""
    found = ""
    match event:
        case billing.ChargePosted() | billing.PaymentCaptured():
            found = dollars(event.amount_cents)
        case billing.OutsidePaymentRecorded() | billing.PackagePaid():
            found = f"{dollars(event.amount_cents)} by {TENDERS[event.tender]}"
        case (
            billing.PaymentDeclined() | pharmacy.PrescriptionHeld() | pharmacy.PrescriptionRefused()
        ):
            found = words(event.reason)
        case billing.SuperbillIssued() | billing.SuperbillCorrected():
            found = event.number
        case billing.EstimateIssued():
            found = f"{event.number}, {dollars(event.total_cents)}"
        case scheduling.AppointmentMoved() | scheduling.AppointmentBooked():
            found = f"to {clock(event.starts_at)}"
        case scheduling.PatientDischarged() | scheduling.DrivingBanExtended():
            found = f"no driving until {clock(event.no_drive_until)}"
        case scheduling.SeriesCompleted() | scheduling.SeriesStopped():
            found = f"after {event.infusions_completed} infusions"
        case _:
            pass
    return found


def _unsent(events: Sequence[notifications.MessageNotSent]) -> str:
    """Which messages are not sent, and why, each reason once."""
    reasons = {words(event.reason): None for event in events}
    purposes = {PURPOSES[event.purpose]: None for event in events}
    return f"{'; '.join(purposes)} ({', '.join(reasons)})"


def words(code: str) -> str:
    """A code as a person reads it."""
    return code.replace("_", " ")


def fault(kind: str, status: int | None) -> str:
    """What goes wrong, as the end of a sentence that begins with who."""
    return FAULTS[kind].format(status=status or "an error")


def ordered(order: Fault) -> str:
    """What is ordered to go wrong from now on."""
    return (
        f"From now on {SYSTEMS[order.system]} {fault(order.kind, order.status)} "
        f"({order.route}, {times(order.times)})."
    )


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
