"""A visit's life: which step may follow which. What opens a step's gates stands in `gates`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import on_the_wall
from shared.events.scheduling import CancelReason, RideMode
from shared.refusals import Broken


class VisitState(StrEnum):
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    CLEARED = "cleared"
    RUNNING = "running"
    COMPLETED = "completed"
    RECOVERING = "recovering"
    DISCHARGED = "discharged"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    SENT_HOME = "sent_home"
    ABORTED = "aborted"
    LEFT = "left"
    """Walked out after the drip, against advice; of an aborted one `left_at` says it."""
    ATTENDED = "attended"
    """A session took place."""


class Step(StrEnum):
    """What staff do with a visit. The value completes "can be …"."""

    MOVE = "moved"
    CANCEL = "cancelled"
    STOP = "cancelled with its series"
    RECORD_RIDE = "given a ride"
    CHECK_IN = "checked in"
    SEND_HOME = "sent home"
    TAKE_VITALS = "given vitals"
    OVERRIDE = "given an override"
    PREMEDICATE = "premedicated"
    PLAN_DOSE = "given a planned dose"
    CLEAR = "cleared to start"
    START = "started"
    COMPLETE = "completed"
    ABORT = "aborted"
    CORRECT_END = "given another end"
    RECORD_DOSE = "given the dose that ran"
    NOTE_ADVERSE_EVENT = "given an adverse event"
    SEE_RIDE = "given the ride that was seen"
    DISCHARGE = "discharged"
    TRANSFER = "transferred"
    WALK_OUT = "walked out of"
    ATTEND = "attended"
    UNDO_CHECK_IN = "taken back from check-in"
    UNDO_NO_SHOW = "taken back from no-show"


COMING = (VisitState.BOOKED, VisitState.CONFIRMED)
HERE = (VisitState.CHECKED_IN, VisitState.CLEARED)
AFTER = (VisitState.COMPLETED, VisitState.RECOVERING, VisitState.ABORTED)

FROM: dict[Step, tuple[VisitState, ...]] = {
    Step.MOVE: COMING,
    Step.CANCEL: COMING,
    Step.STOP: (*COMING, *HERE),
    # A driver may fall ill while the drip runs; the patient leaves with whoever comes.
    Step.RECORD_RIDE: (*COMING, *HERE, VisitState.RUNNING, *AFTER),
    # Somebody who has eaten waits in the clinic and is asked again.
    Step.CHECK_IN: (*COMING, *HERE),
    Step.SEND_HOME: HERE,
    Step.TAKE_VITALS: (*HERE, VisitState.RUNNING, *AFTER),
    Step.OVERRIDE: (*HERE, *AFTER),
    Step.PREMEDICATE: (*HERE, VisitState.RUNNING),
    Step.PLAN_DOSE: (*COMING, *HERE),
    Step.CLEAR: (VisitState.CHECKED_IN,),
    Step.START: (VisitState.CLEARED,),
    Step.COMPLETE: (VisitState.RUNNING,),
    Step.ABORT: (VisitState.RUNNING,),
    Step.CORRECT_END: AFTER,
    # The record of a drug is owed whether its patient stayed or not.
    Step.RECORD_DOSE: (*AFTER, VisitState.LEFT),
    # A fall at home is one too.
    Step.NOTE_ADVERSE_EVENT: (
        *HERE,
        VisitState.RUNNING,
        *AFTER,
        VisitState.DISCHARGED,
        VisitState.LEFT,
    ),
    Step.SEE_RIDE: AFTER,
    Step.DISCHARGE: AFTER,
    Step.TRANSFER: AFTER,
    Step.WALK_OUT: (*HERE, VisitState.RUNNING, *AFTER),
    Step.ATTEND: (VisitState.CHECKED_IN,),
    Step.UNDO_CHECK_IN: (VisitState.CHECKED_IN,),
    Step.UNDO_NO_SHOW: (VisitState.NO_SHOW,),
}
"""From which states each step may be taken."""

PASSES: frozenset[tuple[VisitState, VisitState]] = frozenset(
    {
        (VisitState.BOOKED, VisitState.CONFIRMED),
        (VisitState.BOOKED, VisitState.CHECKED_IN),
        (VisitState.BOOKED, VisitState.CANCELLED),
        (VisitState.BOOKED, VisitState.NO_SHOW),
        (VisitState.CONFIRMED, VisitState.BOOKED),
        (VisitState.CONFIRMED, VisitState.CHECKED_IN),
        (VisitState.CONFIRMED, VisitState.CANCELLED),
        (VisitState.CONFIRMED, VisitState.NO_SHOW),
        (VisitState.NO_SHOW, VisitState.BOOKED),
        (VisitState.NO_SHOW, VisitState.CONFIRMED),
        (VisitState.CHECKED_IN, VisitState.BOOKED),
        (VisitState.CHECKED_IN, VisitState.CONFIRMED),
        (VisitState.CHECKED_IN, VisitState.CLEARED),
        (VisitState.CHECKED_IN, VisitState.SENT_HOME),
        (VisitState.CHECKED_IN, VisitState.CANCELLED),
        (VisitState.CHECKED_IN, VisitState.ATTENDED),
        (VisitState.CLEARED, VisitState.CHECKED_IN),
        (VisitState.CLEARED, VisitState.RUNNING),
        (VisitState.CLEARED, VisitState.SENT_HOME),
        (VisitState.CLEARED, VisitState.CANCELLED),
        (VisitState.RUNNING, VisitState.COMPLETED),
        (VisitState.RUNNING, VisitState.ABORTED),
        (VisitState.COMPLETED, VisitState.RUNNING),
        (VisitState.RECOVERING, VisitState.RUNNING),
        (VisitState.COMPLETED, VisitState.RECOVERING),
        (VisitState.COMPLETED, VisitState.ABORTED),
        (VisitState.RECOVERING, VisitState.ABORTED),
        (VisitState.COMPLETED, VisitState.DISCHARGED),
        (VisitState.RECOVERING, VisitState.DISCHARGED),
        (VisitState.COMPLETED, VisitState.LEFT),
        (VisitState.RECOVERING, VisitState.LEFT),
        (VisitState.LEFT, VisitState.ABORTED),
    }
)
"""Every change of state there is. The database has the same rows, and lets no other happen."""

OPEN = frozenset({*COMING, *HERE, VisitState.RUNNING})
"""Still to be given, or being given."""

GIVEN = frozenset(
    {VisitState.COMPLETED, VisitState.RECOVERING, VisitState.DISCHARGED, VisitState.LEFT}
)

FREED = frozenset({VisitState.CANCELLED, VisitState.NO_SHOW, VisitState.SENT_HOME})
"""Never begun: the chair is free, and nothing was given."""

LOST = FREED | {VisitState.ABORTED}
"""Not given, or not to its end: the series is one infusion short.

What ran of an aborted one was given: the gaps count it, unless nothing ran.
"""


def awaits_dose(state: VisitState, ran: bool | None) -> bool:  # noqa: FBT001  # what is on record
    """Whether a drip is over, and nobody said yet whether anything of it ran."""
    over = (VisitState.COMPLETED, VisitState.RECOVERING, VisitState.LEFT)
    return ran is None and state in over


def broken_by_dose_awaited(numbers: Sequence[int]) -> list[Broken]:
    """Whether infusions are over of which nobody said what ran, by their numbers."""
    return [
        Broken(
            "dose_not_recorded",
            f"What ran of infusion {number} is not on record; record it first: it counts as given"
            " only if anything did.",
            "21 CFR 1304.22(c): what is administered of a controlled substance is recorded",
            "series_id",
        )
        for number in numbers
    ]


class SendHomeReason(StrEnum):
    """Why a patient who came is not infused. It may say how they are, so it is sealed."""

    NOT_FASTED = "not_fasted"
    NO_RIDE = "no_ride"
    UNWELL = "unwell"
    BLOOD_PRESSURE = "blood_pressure"
    PATIENT_ASKED = "patient_asked"
    CLINIC_ASKED = "clinic_asked"
    LEFT_UNSEEN = "left_unseen"
    """Nobody sent them: they walked out before the drip."""


def broken_by_step(step: Step, state: VisitState) -> list[Broken]:
    """What forbids a step in this state of the visit."""
    if state in FROM[step]:
        return []
    right = " or ".join(map(_said, FROM[step]))
    return [
        Broken(
            "visit_state",
            f"The visit is {_said(state)}; only one that is {right} can be {step.value}.",
            "a visit's life: booked, confirmed, checked in, cleared, running, completed,"
            " recovering, discharged",
            "appointment_id",
            found=state,
        )
    ]


def _said(state: VisitState) -> str:
    return state.value.replace("_", " ")


def state_when_cancelled(reason: CancelReason) -> VisitState:
    return VisitState.NO_SHOW if reason is CancelReason.NO_SHOW else VisitState.CANCELLED


def broken_by_cancelling(
    reason: CancelReason, missed_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether a visit can be cancelled for this reason; from `missed_at` on it may be missed."""
    if reason is not CancelReason.NO_SHOW or missed_at <= now:
        return []
    return [
        Broken(
            "not_missed_yet",
            f"The patient may still come; the visit counts as missed from"
            f" {on_the_wall(missed_at, zone)} on.",
            "the house's figure no_show_after_min",
            "reason",
        )
    ]


ONE_AFTER_THE_OTHER = "two changes of one visit are decided one after the other"


def broken_by_revision(seen: int, found: int) -> list[Broken]:
    """Whether somebody changed the visit after the one who asks looked at it."""
    if seen == found:
        return []
    return [
        Broken(
            "changed_meanwhile",
            f"The visit is at revision {found}, not {seen}; look again and decide anew.",
            ONE_AFTER_THE_OTHER,
            "revision",
            found=str(found),
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


def is_a_name(words: str | None) -> bool:
    """Whether somebody can be called by it: a dash, a phone's digits or a face are no name."""
    return words is not None and any(map(str.isalpha, words))


def broken_by_ride(mode: RideMode, driver_name: str | None) -> list[Broken]:
    if is_a_name(driver_name) or (driver_name is None and mode is RideMode.RIDESHARE):
        return []
    return [
        Broken(
            "driver_unnamed",
            "A driver has a name, written in letters; give it, or record a rideshare without one.",
            "FAQ: you will need a driver to take you home (or an Uber)",
            "driver_name",
        )
    ]


def is_unsettled(
    state: VisitState, starts_at: datetime, ends_at: datetime, now: datetime, zone: ZoneInfo
) -> bool:
    """Whether a visit's day is over and nobody said what became of it."""
    past = starts_at.astimezone(zone).date() < now.astimezone(zone).date() and ends_at <= now
    return past and state in (*COMING, *HERE)


def broken_by_unsettled(numbers: Sequence[int]) -> list[Broken]:
    """Whether infusions are past of which nobody said what became of them, by their numbers."""
    return [
        Broken(
            "visit_unsettled",
            f"The day of infusion {number} is past, and nobody said what became of it; record it"
            " first: cancelled, missed or sent home.",
            "gaps are counted from what was given",
            "appointment_id",
        )
        for number in numbers
    ]


def broken_by_chart(*, begun: bool) -> list[Broken]:
    """Whether something followed from a check-in, so that it is no mere mistake any more."""
    if not begun:
        return []
    return [
        Broken(
            "chart_begun",
            "Something is on the chart of this visit since; send the patient home instead.",
            "what is on a chart is never taken back",
            "appointment_id",
        )
    ]


def no_drive_until(stopped_at: datetime, no_drive_min: int) -> datetime:
    """End of the driving ban: elapsed time from the actual end of the infusion."""
    return stopped_at + timedelta(minutes=no_drive_min)
