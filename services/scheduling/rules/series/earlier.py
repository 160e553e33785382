"""What else a patient is given: gaps are counted from it, of whatever series or of none it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import on_the_wall
from services.scheduling.rules.clinic.slots import driving_ban
from services.scheduling.rules.series.gaps import WEEK_DAYS, local_days
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Earlier:
    """When an infusion begins, or began, and until when its patient may not drive after it."""

    begins_at: datetime
    no_drive_until: datetime


def broken_by_earlier(
    protocol: InfusionProtocol,
    earlier: Sequence[Earlier],
    starts: Sequence[datetime],
    zone: ZoneInfo,
    field: Callable[[int], str],
) -> list[Broken]:
    """What of these infusions is too near to one outside their series, in either direction of time.

    There is no longest gap between two series, and one may follow another after years.
    """
    given = [_day(each.begins_at, zone) for each in earlier]
    broken: list[Broken] = []
    for n, start in enumerate(starts):
        day = _day(start, zone)
        near = [each for each in given if abs((day - each).days) < protocol.gap_min_days]
        if near:
            broken.append(_too_near(protocol, near[-1], day, field(n)))
        broken += _wrong_week(protocol, given, [_day(each, zone) for each in starts], n, field)
    return broken


def broken_by_ban(earlier: Sequence[Earlier], now: datetime, field: str) -> list[Broken]:
    """Whether the driving ban of an earlier infusion has not ended."""
    return [driving_ban(field)] if any(now < each.no_drive_until for each in earlier) else []


def advice_on_way_in(earlier: Sequence[Earlier], starts_at: datetime, zone: ZoneInfo) -> list[str]:
    """What to arrange for a visit that begins in a driving ban: its patient does not drive there.

    FAQ: you will need a ride to and from the infusion.
    """
    bans = [each.no_drive_until for each in earlier if each.begins_at < starts_at]
    until = max(bans, default=starts_at)
    if until <= starts_at:
        return []
    return [
        f"The patient may not drive until {on_the_wall(until, zone)}, after an infusion; have"
        " somebody bring them, unless they join from home."
    ]


def _too_near(protocol: InfusionProtocol, given: date, day: date, field: str) -> Broken:
    apart = local_days(abs((day - given).days))
    return Broken(
        "series_gap",
        f"The patient has an infusion outside this series on {given}, {apart} from {day}; right"
        f" would be at least {protocol.gap_min_days}.",
        protocol.sources["gap_min_days"],
        field,
    )


def _wrong_week(
    protocol: InfusionProtocol,
    given: Sequence[date],
    wished: Sequence[date],
    n: int,
    field: Callable[[int], str],
) -> list[Broken]:
    """Whether the week that ends with an infusion is over the cap because of other series."""
    in_week = [day for day in given if 0 <= (wished[n] - day).days < WEEK_DAYS]
    if protocol.weekly_cap is None or not in_week:
        return []
    count = len(in_week) + sum(0 <= (wished[n] - day).days < WEEK_DAYS for day in wished[: n + 1])
    if count <= protocol.weekly_cap:
        return []
    return [
        Broken(
            "series_week",
            f"The infusion on {wished[n]} would be one of {count} within seven days, those outside"
            f" this series counted; right would be at most {protocol.weekly_cap}.",
            protocol.sources["weekly_cap"],
            field(n),
        )
    ]


@dataclass(frozen=True, slots=True)
class Rest:
    """The days on which a patient has no infusion, near those that are `given` outside a series."""

    gap_min_days: int
    source: str
    given: tuple[date, ...]

    def why_not(self, day: date) -> Broken | None:
        """Why no infusion is planned for a day, if it is too near to another one."""
        near = [each for each in self.given if abs((day - each).days) < self.gap_min_days]
        if not near:
            return None
        until = near[-1] + timedelta(days=self.gap_min_days)
        return Broken(
            "series_gap",
            f"The patient has an infusion of another series, or outside any, on {near[-1]}; the"
            f" next is given from {until} on.",
            self.source,
            "preferences",
        )


def rest_after(
    protocol: InfusionProtocol, earlier: Sequence[Earlier], zone: ZoneInfo
) -> Rest | None:
    """Which days the infusions outside a series leave none of it to be planned for."""
    if not earlier:
        return None
    given = tuple(_day(each.begins_at, zone) for each in earlier)
    return Rest(protocol.gap_min_days, protocol.sources["gap_min_days"], given)


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
