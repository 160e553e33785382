"""What is booked, or held, where its place cannot give it: what stands in the way, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy, broken_by_hours, nurses_busy
from services.scheduling.rules.clinic.rosters import Watched, beyond
from services.scheduling.rules.clinic.slots import ChairPlace, broken_by_service
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Standing:
    """A visit that is to come, or a plan's part that is held. A session has no chair."""

    appointment_id: UUID
    visit_type: str
    starts_at: datetime
    ends_at: datetime
    chair: ChairPlace | None


def displaced(
    standing: Sequence[Standing], policies: dict[str, Policy], zone: ZoneInfo
) -> dict[UUID, list[Broken]]:
    """Of what stands at a place, by time, whatever has no open hours, no nurse or no chair.

    `policies` by visit type. The rules are those of a booking.
    """
    found: dict[UUID, list[Broken]] = {}
    for each in standing:
        policy = policies[each.visit_type]
        broken = broken_by_hours(policy, each.starts_at, each.ends_at, zone, "starts_at")
        if each.chair is not None:
            broken = [*broken, *broken_by_service(each.chair, "chair_id")]
        if broken:
            found[each.appointment_id] = broken
    for appointment_id, no_nurse in unwatched(standing, policies, zone):
        found.setdefault(appointment_id, []).append(no_nurse)
    return found


def unwatched(
    standing: Sequence[Standing], policies: dict[str, Policy], zone: ZoneInfo
) -> list[tuple[UUID, Broken]]:
    """Those for which no nurse of the roster in force is left. Rosters are the place's own."""
    watched = [
        Watched(each.appointment_id, each.starts_at, each.ends_at)
        for each in standing
        if each.chair is not None
    ]
    policy = next(iter(policies.values()), None)
    if policy is None:
        return []
    return [
        (appointment_id, nurses_busy(roster, "starts_at"))
        for roster in policy.rosters
        for appointment_id in beyond(policy, roster, watched, zone)
    ]


def what_to_do(*, held: bool) -> str:
    if held:
        return "Release the hold, and plan anew with the patient."
    return "Move the visit to a time or chair that is free, or cancel it, and tell the patient."
