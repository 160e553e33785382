"""A gap of a series that will be too long: until when it can be saved, and when to say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import at_wall, on_the_wall
from services.scheduling.rules.series.gaps import SIGN_OR_STOP, gap_in_days
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol

LOOK_AGAIN = timedelta(days=1)
"""How long a look at the free chairs is good for: others book them meanwhile."""


@dataclass(frozen=True, slots=True)
class OpenGap:
    """The first gap that is too long, or ends with no infusion at all though some are missing.

    An infusion on a day from `earliest` to `due_by` saves it.
    """

    after: Infusion
    warn_on: date
    earliest: date
    due_by: date


def open_gap(
    protocol: InfusionProtocol, standing: Sequence[Infusion], zone: ZoneInfo, *, missing: bool
) -> OpenGap | None:
    """The gap that needs somebody, by the infusions from the last given one on, earliest first."""
    for earlier, later in pairwise(standing):
        if gap_in_days(earlier, later, zone) > protocol.gap_max_days:
            return _gap_after(protocol, earlier, zone)
    if standing and missing:
        return _gap_after(protocol, standing[-1], zone)
    return None


def _gap_after(protocol: InfusionProtocol, after: Infusion, zone: ZoneInfo) -> OpenGap:
    day = after.starts_at.astimezone(zone).date()
    return OpenGap(
        after,
        day + timedelta(days=protocol.gap_advised_days),
        day + timedelta(days=protocol.gap_min_days),
        day + timedelta(days=protocol.gap_max_days),
    )


def breaks_at(gap: OpenGap, zone: ZoneInfo) -> datetime:
    """The moment from which the gap is too long: the midnight that ends its last day."""
    return at_wall(gap.due_by + timedelta(days=1), 0, zone)


def raise_at(
    gap: OpenGap, free: Sequence[datetime], now: datetime, lead_h: int, zone: ZoneInfo
) -> datetime:
    """When to say that a gap is at risk, by the starts at which a chair is free that saves it.

    On the day from which a gap is longer than advised, and at latest `lead_h` before the last free
    start. With no free start left there is nothing to wait for.
    """
    if not free:
        return now
    return min(at_wall(gap.warn_on, 0, zone), max(free) - timedelta(hours=lead_h))


def what_to_do(breaks: datetime, zone: ZoneInfo, *, broken: bool) -> str:
    """What saves a gap that is too long from the moment `breaks` on, or who decides once it is."""
    if not broken:
        return (
            "Book the missing infusion, or re-plan the series, for a time before"
            f" {on_the_wall(breaks, zone)}."
        )
    return f"The longest gap is broken, and the prescriber decides: {SIGN_OR_STOP}."


def advice_on_gap(gap: OpenGap, today: date) -> list[str]:
    """What to say of a series whose next infusion was due before today."""
    if today <= gap.due_by:
        return []
    return [
        f"The infusion after infusion {gap.after.sequence_no} was due by {gap.due_by}, with which"
        f" the longest gap is over; the prescriber decides: {SIGN_OR_STOP}."
    ]
