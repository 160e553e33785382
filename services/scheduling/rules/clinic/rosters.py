"""Which visits a roster leaves nobody to watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy, Roster, broken_by_nurses


@dataclass(frozen=True, slots=True)
class Watched:
    """A chair's time that a nurse watches: of a visit, or of a plan that is held."""

    appointment_id: UUID
    starts_at: datetime
    ends_at: datetime


def beyond(policy: Policy, roster: Roster, booked: Sequence[Watched], zone: ZoneInfo) -> list[UUID]:
    """Of what is booked, by time, those for which no nurse of this roster is left.

    Whoever comes first is watched first. Days on which another roster is in force are its own.
    """
    kept: list[Watched] = []
    left: list[UUID] = []
    for each in booked:
        if policy.roster_on(each.starts_at.astimezone(zone).date()) != roster:
            continue
        kept = [one for one in kept if one.ends_at > each.starts_at]
        beside = [(one.starts_at, one.ends_at) for one in kept]
        if broken_by_nurses(policy, each.starts_at, each.ends_at, beside, zone, "starts_at"):
            left.append(each.appointment_id)
        else:
            kept.append(each)
    return left
