"""Every legal plan of a small clinic, counted out from the clinic's rules, a minute at a time.

Written without the planner and without the rules that judge a booking: what both should agree with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from math import ceil, inf
from uuid import UUID

from services.scheduling.rules.clinic.policy import VisitFigures
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series.protocols import InfusionProtocol

MINUTE = timedelta(minutes=1)
OUTSIDE_POINTS = 1_000_000
BEYOND_DAYS = 21
HOUR_MIN = 60


@dataclass(frozen=True)
class Time:
    """A moment on the clinic's grid within its hours, and what is in its way, by rule."""

    at: datetime
    wall_min: int
    within: bool
    lacks: frozenset[str]


@dataclass(frozen=True)
class Enumerated:
    """A clinic, and who asks for what."""

    where: Place
    protocol: InfusionProtocol
    wished: Preferences

    def moment(self, day: date, minute: int) -> datetime:
        shown = datetime.combine(day, time.min) + timedelta(minutes=minute)
        return shown.replace(tzinfo=self.where.zone).astimezone(UTC)

    def figures(self) -> VisitFigures:
        [figures] = self.where.policy.visits
        return figures

    def dates(self, beyond: int = 0) -> list[date]:
        span = (self.wished.latest - self.wished.earliest).days + 1
        return [self.wished.earliest + timedelta(days=n) for n in range(span + beyond)]

    def closed(self, day: date) -> bool:
        return any(each.first_on <= day <= each.last_on for each in self.where.policy.closures)

    def too_near_to_another(self, day: date) -> bool:
        return any(
            abs((day - each).days) < self.protocol.gap_min_days
            for each in self.where.given_elsewhere
        )

    def times(self, day: date) -> list[Time]:
        """Every start within the hours, legal or not; closed days and other series aside."""
        where, figures = self.where, self.figures()
        lasts = timedelta(minutes=figures.holds_min)
        found = []
        [hours] = where.policy.hours
        for window in (each for each in hours.windows if each.weekday == day.isoweekday()):
            closes = self.moment(day, window.until_min)
            for minute in range(window.from_min, window.until_min, figures.start_every_min):
                at = self.moment(day, minute)
                shown = at.astimezone(where.zone)
                if shown.hour * 60 + shown.minute != minute or at + lasts > closes:
                    continue
                within = (
                    self.wished.earliest <= day <= self.wished.latest
                    and day.isoweekday() in self.wished.weekdays
                    and self.wished.from_min <= minute
                    and minute + figures.holds_min <= self.wished.until_min
                )
                found.append(Time(at, minute, within, frozenset(self._lacks(day, at, at + lasts))))
        return found

    def _lacks(self, day: date, begins: datetime, ends: datetime) -> Iterator[str]:
        where = self.where
        minutes = [begins + n * MINUTE for n in range((ends - begins) // MINUTE)]

        def takes(slot: Slot) -> bool:
            return any(slot.starts_at <= each < slot.ends_at for each in minutes)

        near = [each for each in where.taken if each.starts_at < ends and begins < each.ends_at]
        if begins <= where.now:
            yield "bookable_time"
        elif begins < where.now + self.figures().fasting_min * MINUTE:
            yield "fasting_notice"
        if not self._patient_is_free(begins, ends):
            yield "patient_taken"
        if not any(
            not any(takes(each) for each in near if each.chair_id == one) for one in where.chairs
        ):
            yield "chair_taken"
        there = {*where.chairs, *where.out_of_service}
        watched = [each for each in near if each.chair_id in there]
        if any(not self._is_watched(day, each, watched) for each in minutes):
            yield "nurses_busy"
        rooms = [one for one in where.rooms if self._is_free(one, minutes)]
        if self.figures().room_needed and not rooms:
            yield "room_taken"

    def _patient_is_free(self, begins: datetime, ends: datetime) -> bool:
        """Neither in another visit nor in the ban after one, and in nobody's ban afterwards."""
        figures = self.figures()
        drives_from = ends + timedelta(minutes=figures.no_drive_min - figures.recovery_min)
        for other in self.where.taken:
            if other.patient_id != self.where.patient_id:
                continue
            if begins < other.ends_at and other.starts_at < ends:
                return False
            other_drives_from = other.no_drive_until or other.ends_at
            if other.ends_at <= begins < other_drives_from:
                return False
            if other.minds_ban and ends <= other.starts_at < drives_from:
                return False
        return True

    def _is_watched(self, day: date, at: datetime, watched: Sequence[Slot]) -> bool:
        if not self.where.policy.rosters:
            return True
        [roster] = self.where.policy.rosters
        on_duty = sum(
            shift.nurses
            for shift in roster.shifts
            if shift.window.weekday == day.isoweekday()
            and self.moment(day, shift.window.from_min)
            <= at
            < self.moment(day, shift.window.until_min)
        )
        busy = sum(each.starts_at <= at < each.ends_at for each in watched)
        return busy < on_duty * roster.chairs_per_nurse

    def _is_free(self, room: UUID, minutes: Sequence[datetime]) -> bool:
        used = [each for each in self.where.rooms_used if each.room_id == room]
        return not any(each.starts_at <= at < each.ends_at for each in used for at in minutes)

    def legal(self, day: date) -> list[Time]:
        if self.closed(day) or self.too_near_to_another(day):
            return []
        return [each for each in self.times(day) if not each.lacks]

    def plans(self, count: int, days: Sequence[date]) -> Iterator[tuple[date, ...]]:
        """Every choice of so many of these days that keeps the gaps and the weekly cap."""
        protocol = self.protocol

        def keeps_cap(chosen: tuple[date, ...]) -> bool:
            if protocol.weekly_cap is None:
                return True
            last = chosen[-1]
            given = (*chosen, *self.where.given_elsewhere)
            return sum(0 <= (last - each).days < 7 for each in given) <= protocol.weekly_cap

        def after(chosen: tuple[date, ...]) -> Iterator[tuple[date, ...]]:
            if len(chosen) == count:
                yield chosen
                return
            for day in days:
                gap = (day - chosen[-1]).days if chosen else protocol.gap_min_days
                longer = (*chosen, day)
                if protocol.gap_min_days <= gap <= protocol.gap_max_days and keeps_cap(longer):
                    yield from after(longer)

        return after(())

    def fewest_points(self, count: int, *, strict: bool) -> float:
        """Of all legal plans; infinite where there is none.

        One that is not `strict` may leave the wishes, each time for more than all else costs.
        """
        dates = self.dates(beyond=0 if strict else BEYOND_DAYS)
        legal = {day: self.legal(day) for day in dates}
        if strict:
            legal = {day: [each for each in times if each.within] for day, times in legal.items()}
        open_days = [day for day in dates if legal[day]]
        asked = [each for times in legal.values() for each in times if each.within]
        usual = self._usual_times(asked)
        of_day = {
            (day, at): min(self._time_points(each, at) for each in legal[day])
            for day in open_days
            for at in usual
        }
        best = inf
        for days in self.plans(count, open_days):
            points = self._day_points(days)
            best = min(best, *(points + sum(of_day[day, at] for day in days) for at in usual))
        return best

    def fewest_points_apart(self, count: int, first: Sequence[date], usual_min: int) -> float:
        """Of plans within the wishes at this usual time that share at most half of these dates."""
        legal = {day: [one for one in self.legal(day) if one.within] for day in self.dates()}
        open_days = [day for day in legal if legal[day]]
        of_day = {
            day: min(self._time_points(each, usual_min) for each in legal[day]) for day in open_days
        }
        return min(
            (
                self._day_points(days) + sum(of_day[day] for day in days)
                for days in self.plans(count, open_days)
                if 2 * len({*days} & {*first}) <= count
            ),
            default=inf,
        )

    def fewest_points_at_usual_times(self, count: int) -> float:
        """As `fewest_points`, of plans within the wishes that keep their own driving bans.

        Each visit has the start of its day that is the nearest to the plan's usual time.
        """
        asked = {day: [one for one in self.legal(day) if one.within] for day in self.dates()}
        open_days = [day for day in asked if asked[day]]
        best = inf
        for usual in self._usual_times([one for times in asked.values() for one in times]):
            nearest = {
                day: min(asked[day], key=lambda one: (self._time_points(one, usual), one.at))
                for day in open_days
            }
            for days in self.plans(count, open_days):
                if self.keep_bans([nearest[day].at for day in days]):
                    points = sum(self._time_points(nearest[day], usual) for day in days)
                    best = min(best, self._day_points(days) + points)
        return best

    def keep_bans(self, starts: Sequence[datetime]) -> bool:
        """Whether no infusion begins while its patient may not drive after the one before."""
        figures = self.figures()
        keeps_min = figures.holds_min + max(figures.no_drive_min - figures.recovery_min, 0)
        return all(one + keeps_min * MINUTE <= other for one, other in pairwise(starts))

    def _usual_times(self, within: Sequence[Time]) -> list[int]:
        """The full hours from the earliest free start asked for to the latest, or that start."""
        if not within:
            return [self.wished.from_min]
        first, last = (pick(each.wall_min for each in within) for pick in (min, max))
        full = [hour * HOUR_MIN for hour in range(25) if first <= hour * HOUR_MIN <= last]
        return full or [first]

    def _time_points(self, each: Time, usual_min: int) -> int:
        away = abs(each.wall_min - usual_min)
        outside = 0 if each.within else OUTSIDE_POINTS
        return ceil(away / self.where.policy.planning.plan_step_min) + outside

    def _day_points(self, days: Sequence[date]) -> int:
        planning, protocol = self.where.policy.planning, self.protocol
        points = (days[0] - self.wished.earliest).days * planning.plan_wait_points
        points += (days[-1] - days[0]).days * planning.plan_course_points
        for one, other in pairwise(days):
            longer = (other - one).days - protocol.gap_advised_days
            points += max(longer, 0) * planning.plan_long_gap_points
        if protocol.weekly_advised is not None:
            for last in days:
                in_week = sum(0 <= (last - each).days < 7 for each in days)
                more = max(in_week - protocol.weekly_advised, 0)
                points += more * planning.plan_crowded_week_points
        return points

    def most_infusions(self, count: int) -> int:
        """How many infusions, up to so many, fit within the wishes."""
        free = [day for day in self.dates() if any(each.within for each in self.legal(day))]
        return max((n for n in range(1, count + 1) if any(self.plans(n, free))), default=0)
