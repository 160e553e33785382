"""Sessions that a clinician leads: what may be booked as one, and when one took place.

Nothing is given in a session and no chair is taken, so none of an infusion's gates stands before
it. Its leader stands where an infusion has its chair.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.refusals import Broken

LONGEST_SESSION = timedelta(hours=12)
"""As long as the table of visit types lets a visit be, for a mistyped hour."""


def broken_by_type(
    *, chair_needed: bool, booked_min: int | None, chair_source: str
) -> list[Broken]:
    """Whether visits of a type can be booked as sessions at all."""
    if chair_needed:
        return [
            Broken(
                "chair_needed",
                "Such a visit needs a chair; a session is booked without one.",
                chair_source,
                "visit_type",
            )
        ]
    if booked_min is None:
        return [
            Broken(
                "duration_missing",
                "No length is on record for such a session; record it with its source first.",
                "the visit types on record",
                "visit_type",
            )
        ]
    return []


def as_of_leader(broken: Broken) -> Broken:
    """A slot's refusal, told of a session: what would be its chair is its leader."""
    if broken.rule != "chair_taken":
        return broken
    detail = "The clinician leads another session in this time; take another time."
    return Broken("leader_taken", detail, "one session at a time per clinician", "starts_at")


def chair_of_session() -> Broken:
    return Broken(
        "session_chair",
        "A session takes no chair; leave it out, or name another leader.",
        "a session is a conversation: nothing is given",
        "chair_id",
    )


def leader_of_infusion() -> Broken:
    return Broken(
        "infusion_leader",
        "An infusion is led by nobody; leave it out, or name another chair.",
        "an infusion's clinician is recorded as it starts",
        "led_by",
    )


def broken_by_attendance(
    started_at: datetime, ended_at: datetime, booked_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether a session can have been held then, by the day it was booked for."""
    day, booked = (each.astimezone(zone).date() for each in (started_at, booked_at))
    wrong: list[tuple[str, str, str]] = []
    if ended_at > now:
        wrong.append(("ended_at", "session_to_come", "A session is recorded once it has ended."))
    if ended_at <= started_at:
        wrong.append(("ended_at", "session_times", "A session ends after it has started."))
    elif ended_at - started_at > LONGEST_SESSION:
        hours = LONGEST_SESSION // timedelta(hours=1)
        said = f"No session lasts more than {hours} hours; look at both times again."
        wrong.append(("ended_at", "session_times", said))
    if day != booked:
        said = f"The session is booked for {booked}, and this is {day}; look at the time again."
        wrong.append(("started_at", "visit_day", said))
    source = "what is charged for is when a session was really held"
    return [Broken(rule, said, source, field) for field, rule, said in wrong]
