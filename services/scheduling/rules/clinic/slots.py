"""A chair and a patient for a while: what may be booked, and what others have already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.scheduling.rules.clinic.house import Planning
from shared.refusals import Broken, unknown

AHEAD_SOURCE = "the house's figure bookable_ahead_days"


@dataclass(frozen=True, slots=True)
class Slot:
    """A chair or a patient for a while. Half-open: what ends at ten does not meet what begins.

    `no_drive_until` is the end of the driving ban after an infusion: until then the patient, and
    not the chair, has no other that `minds_ban`. `room_id` is the room that it needs, if any.
    """

    starts_at: datetime
    ends_at: datetime
    chair_id: UUID
    patient_id: UUID
    no_drive_until: datetime | None = None
    minds_ban: bool = True
    room_id: UUID | None = None

    def meets(self, other: Slot) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    @property
    def patient_until(self) -> datetime:
        if self.no_drive_until is None:
            return self.ends_at
        return max(self.ends_at, self.no_drive_until)

    def is_banned_by(self, other: Slot) -> bool:
        """Whether this one begins after another of the patient's, inside a ban that it minds."""
        return self.minds_ban and other.ends_at <= self.starts_at < other.patient_until


@dataclass(frozen=True, slots=True)
class Drip:
    """When an infusion began and ended, and what its type's figures say of the time after it."""

    started_at: datetime
    stopped_at: datetime | None
    recovery_min: int

    def until(self, starts_at: datetime, ends_at: datetime, now: datetime) -> datetime:
        """When its chair is free: as planned at the earliest, and recovered from at the earliest.

        One that runs has its chair for as long as it was booked from its start on, and is at least
        not over before the recovery that is still to come.
        """
        recovery = timedelta(minutes=self.recovery_min)
        if self.stopped_at is not None:
            return max(ends_at, self.stopped_at + recovery)
        return max(ends_at, self.started_at + (ends_at - starts_at), now + recovery)


def broken_by_taken(wished: Slot, taken: Sequence[Slot], chair: str, time: str) -> list[Broken]:
    """What of a wished slot others have already. `chair` and `time` are the request's fields."""
    met = [slot for slot in taken if wished.meets(slot)]
    broken: list[Broken] = []
    if any(slot.chair_id == wished.chair_id for slot in met):
        broken.append(
            Broken(
                "chair_taken",
                "Another visit, booked or held, has this chair in this time; take another chair or"
                " time.",
                "one patient per chair",
                chair,
            )
        )
    if any(slot.patient_id == wished.patient_id for slot in met):
        broken.append(
            Broken(
                "patient_taken",
                "The patient has another visit in this time; take another time.",
                "one visit at a time per patient",
                time,
            )
        )
    mine = [slot for slot in taken if slot.patient_id == wished.patient_id]
    if any(wished.is_banned_by(slot) for slot in mine):
        broken.append(driving_ban(time))
    if any(slot.is_banned_by(wished) for slot in mine):
        broken.append(
            Broken(
                "driving_ban_after",
                "The patient could not drive yet as another of their visits begins; take another"
                " time, or move that visit first.",
                BAN_SOURCE,
                time,
            )
        )
    return broken


BAN_SOURCE = "FAQ: no driving for 6 hours after an infusion; its effects last as long"


def driving_ban(field: str) -> Broken:
    return Broken(
        "driving_ban",
        "The patient may not drive yet in this time, after an infusion; take a later time.",
        BAN_SOURCE,
        field,
    )


@dataclass(frozen=True, slots=True)
class ChairPlace:
    """Where a chair stands, and since when it is out of service."""

    location_id: UUID
    out_since: datetime | None


def broken_by_chair(chair: ChairPlace | None, location_id: UUID, field: str) -> list[Broken]:
    """Whether a chair can take a visit at this location."""
    if chair is None:
        return [unknown("chair", field)]
    if chair.location_id == location_id:
        return broken_by_service(chair, field)
    return [
        Broken(
            "chair_elsewhere",
            "This chair stands at another location; take one of the series' location.",
            "a series is given at one location",
            field,
        )
    ]


def broken_by_service(chair: ChairPlace, field: str) -> list[Broken]:
    if chair.out_since is None:
        return []
    detail = "This chair is out of service; take another one."
    return [Broken("chair_out", detail, "the clinic's records", field)]


def broken_by_time(
    planning: Planning, starts_at: datetime, now: datetime, field: str
) -> list[Broken]:
    """What forbids booking any visit at this moment."""
    ahead_days = planning.bookable_ahead_days
    if starts_at <= now:
        passed = "This time has passed; a visit is booked for a time to come."
        return [Broken("bookable_time", passed, "the calendar", field)]
    if starts_at > now + timedelta(days=ahead_days):
        far = f"This is more than {ahead_days} days ahead; book nearer visits."
        return [Broken("bookable_time", far, AHEAD_SOURCE, field)]
    return []
