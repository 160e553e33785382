"""When a drip ended: what can be said of it, what takes it back, and when nobody has said it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import on_the_wall
from services.scheduling.rules.visits.drips import Busy
from shared.refusals import Broken

SOURCE = "FAQ: no driving for 6 hours, which count from the actual end of the infusion"


def broken_by_ended_at(
    ended_at: datetime, started_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether a drip can have ended then: not before it started, nor later on."""
    if ended_at > now:
        detail = f"It is {on_the_wall(now, zone)}; say when the drip ended, or wait until it has."
        return [Broken("ended_in_future", detail, SOURCE, "ended_at")]
    if ended_at < started_at:
        since = on_the_wall(started_at, zone)
        detail = f"The drip was started at {since}; right would be a moment from then until now."
        return [Broken("ended_before_start", detail, SOURCE, "ended_at")]
    return []


def broken_by_told(*, told: bool, gone: bool) -> list[Broken]:
    """Whether somebody was told already what follows from the end: the biller, or the patient."""
    if told:
        return [
            Broken(
                "end_told",
                "What ran is on record and told with this end: the stay is billed by it. Note in"
                " the chart what it was, count the driving ban from the later of the two (of who"
                " has gone it is extended, and told anew), and have billing correct its superbill.",
                "an end is corrected until the record of the dose says that something ran",
                "ended_at",
            )
        ]
    if gone:
        return [
            Broken(
                "ban_told",
                "The patient has gone, and was told until when not to drive. If the drip ended"
                " later, extend the ban (ban-extensions): they are told the later hour at once."
                " Call them too.",
                SOURCE,
                "ended_at",
            )
        ]
    return []


def broken_by_same(stopped_at: datetime, ended_at: datetime | None) -> list[Broken]:
    if ended_at != stopped_at:
        return []
    detail = "This is the end on record; right would be another, or none if the drip goes on."
    return [Broken("end_unchanged", detail, "a correction changes something", "ended_at")]


def broken_by_going_on(
    appointment_id: UUID, chair_id: UUID, patient_id: UUID, busy: Sequence[Busy], zone: ZoneInfo
) -> list[Broken]:
    """Whether a drip that was ended by mistake can be the one that runs: nobody else's does."""
    return [
        Broken(
            "drip_running",
            f"Visit {each.appointment_id} has the chair or the patient since"
            f" {on_the_wall(each.started_at, zone)}, so this drip has ended; say when.",
            "one patient per chair, one infusion at a time per patient",
            "ended_at",
        )
        for each in busy
        if each.appointment_id != appointment_id
        and (each.chair_id == chair_id or (each.patient_id == patient_id and not each.stopped_at))
    ]


def broken_by_aborted(*, aborted: bool, ended_at: datetime | None) -> list[Broken]:
    if not aborted or ended_at is not None:
        return []
    return [
        Broken(
            "aborted_stays",
            "An infusion that was aborted is told as such, and its series lacks it; correct its"
            " end, and record what ran of it.",
            "InfusionAborted is said once",
            "ended_at",
        )
    ]


def broken_by_extending(until_before: datetime | None, until: datetime) -> list[Broken]:
    """Whether the ban of who has gone is longer: what was told is never taken back."""
    if until_before is None:
        detail = "The patient has not gone; correct the end, and they are told the right hour then."
        return [Broken("ban_not_told", detail, SOURCE, "ended_at")]
    if until <= until_before:
        detail = (
            "The ban that the patient was told is as long, or longer, and stays; right would be an"
            " end later than the one on record."
        )
        return [Broken("ban_not_longer", detail, SOURCE, "ended_at")]
    return []


LOOK_AT_DRIP = (
    "The drip should be over by now. Look at it: stop it, or say when it ended, completed or"
    " aborted."
)
