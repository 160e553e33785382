"""A visit's life: which step may follow which, and the gates before the drip starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.events.scheduling import CancelReason, RideMode
from shared.refusals import Broken


class VisitState(StrEnum):
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    RUNNING = "running"
    COMPLETED = "completed"
    DISCHARGED = "discharged"
    CANCELLED = "cancelled"
    SENT_HOME = "sent_home"


class Step(StrEnum):
    """What staff do with a visit. The value completes "can be …"."""

    MOVE = "moved"
    CANCEL = "cancelled"
    STOP = "cancelled with its series"
    RECORD_RIDE = "given a ride"
    CHECK_IN = "checked in"
    SEND_HOME = "sent home"
    START = "started"
    COMPLETE = "completed"
    DISCHARGE = "discharged"


FROM: dict[Step, tuple[VisitState, ...]] = {
    Step.MOVE: (VisitState.BOOKED,),
    Step.CANCEL: (VisitState.BOOKED,),
    Step.STOP: (VisitState.BOOKED, VisitState.CHECKED_IN),
    # A driver may fall ill while the drip runs; the patient leaves with whoever comes.
    Step.RECORD_RIDE: (
        VisitState.BOOKED,
        VisitState.CHECKED_IN,
        VisitState.RUNNING,
        VisitState.COMPLETED,
    ),
    # Somebody who has eaten waits in the clinic and is asked again.
    Step.CHECK_IN: (VisitState.BOOKED, VisitState.CHECKED_IN),
    Step.SEND_HOME: (VisitState.CHECKED_IN,),
    Step.START: (VisitState.CHECKED_IN,),
    Step.COMPLETE: (VisitState.RUNNING,),
    Step.DISCHARGE: (VisitState.COMPLETED,),
}
"""From which states each step may be taken."""

OPEN = frozenset({VisitState.BOOKED, VisitState.CHECKED_IN, VisitState.RUNNING})
"""Still to be given, or being given."""

GIVEN = frozenset({VisitState.COMPLETED, VisitState.DISCHARGED})

LOST = frozenset({VisitState.CANCELLED, VisitState.SENT_HOME})
"""Never to be given: the chair is free, and the series is one infusion short."""


class SendHomeReason(StrEnum):
    """Why a patient who came is not infused. It may say how they are, so it is sealed."""

    NOT_FASTED = "not_fasted"
    NO_RIDE = "no_ride"
    UNWELL = "unwell"
    BLOOD_PRESSURE = "blood_pressure"
    PATIENT_ASKED = "patient_asked"
    CLINIC_ASKED = "clinic_asked"


def broken_by_step(step: Step, state: VisitState) -> list[Broken]:
    """What forbids a step in this state of the visit."""
    if state in FROM[step]:
        return []
    right = " or ".join(map(_said, FROM[step]))
    return [
        Broken(
            "visit_state",
            f"The visit is {_said(state)}; only one that is {right} can be {step.value}.",
            "a visit's life: booked, checked in, running, completed, discharged",
            "appointment_id",
        )
    ]


def _said(state: VisitState) -> str:
    return state.value.replace("_", " ")


def broken_by_cancelling(reason: CancelReason, starts_at: datetime, now: datetime) -> list[Broken]:
    """Whether a visit can be cancelled for this reason."""
    if reason is not CancelReason.NO_SHOW or starts_at <= now:
        return []
    return [
        Broken(
            "not_missed_yet",
            f"The visit begins at {starts_at:%Y-%m-%d %H:%M} UTC; a patient misses it once it has"
            " begun.",
            "the calendar",
            "reason",
        )
    ]


def broken_by_revision(seen: int, found: int) -> list[Broken]:
    """Whether somebody changed the visit after the one who asks looked at it."""
    if seen == found:
        return []
    return [
        Broken(
            "changed_meanwhile",
            f"The visit is at revision {found}, not {seen}; look again and decide anew.",
            "two changes of one visit are decided one after the other",
            "revision",
        )
    ]


def broken_by_day(
    starts_at: datetime, ends_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether this is the visit's own local day, or its time past midnight."""
    day, today = starts_at.astimezone(zone).date(), now.astimezone(zone).date()
    if day == today or starts_at <= now < ends_at:
        return []
    return [
        Broken(
            "visit_day",
            f"The visit is booked for {day}, and today is {today}; move it to today, or wait.",
            "FAQ: spaced 2 to 5 days apart, which holds for what is given, not only for what is"
            " booked",
            "starts_at",
        )
    ]


def broken_by_ride(mode: RideMode, driver_name: str | None) -> list[Broken]:
    if mode is RideMode.RIDESHARE or driver_name is not None:
        return []
    return [
        Broken(
            "driver_unnamed",
            "A driver has a name; give it, or record a rideshare.",
            "FAQ: you will need a driver to take you home (or an Uber)",
            "driver_name",
        )
    ]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must be known of a visit before the drip starts."""

    patient_held: bool
    ride_recorded: bool
    fasted: bool | None


def broken_by_gates(ready: Readiness) -> list[Broken]:
    """What is missing before the drip may start."""
    broken: list[Broken] = []
    if ready.patient_held:
        broken.append(
            Broken(
                "clearance_missing",
                "The patient is held; a clearance must be recorded first.",
                "FAQ: active liver, heart disease, and uncontrolled blood pressure are concerns"
                " that may require a more in-depth clearance",
                "clearance",
            )
        )
    if not ready.ride_recorded:
        broken.append(
            Broken(
                "ride_missing",
                "No ride home is recorded; record a driver or a rideshare.",
                "FAQ: you will need a driver to take you home (or an Uber)",
                "ride",
            )
        )
    if not ready.fasted:
        broken.append(
            Broken(
                "not_fasted",
                "Nobody has asked when the patient last ate; check in first."
                if ready.fasted is None
                else "The patient has eaten within the last two hours; wait, and ask again.",
                "FAQ: no food for two hours prior, but liquids are fine",
                "fasted",
            )
        )
    return broken


def no_drive_until(stopped_at: datetime, no_drive_min: int) -> datetime:
    """End of the driving ban: elapsed time from the actual end of the infusion."""
    return stopped_at + timedelta(minutes=no_drive_min)
