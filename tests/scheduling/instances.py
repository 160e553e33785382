"""Clinics made up for the planner: chairs, hours, nurses, and what is booked already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.clinic.policy import (
    Closure,
    OpeningHours,
    Policy,
    Roster,
    Shift,
    VisitFigures,
    Window,
    at_wall,
)
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series.protocols import InfusionProtocol
from tests.scheduling.figures import MOOD, MOOD_MIN, NO_DRIVE_MIN, PLANNING

ALEXANDRIA = ZoneInfo("America/New_York")
MONDAY = date(2026, 10, 5)
BEFORE = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = date(2020, 1, 1)
PATIENT, OTHER_PATIENT = UUID(int=1), UUID(int=2)
WEEK = range(1, 8)


def chair(n: int) -> UUID:
    return UUID(int=1000 + n)


def visit(
    booked_min: int | None = MOOD_MIN, *, recovery_min: int = 0, every_min: int = 15
) -> VisitFigures:
    return VisitFigures(
        LONG_AGO,
        "Made up",
        booked_min,
        recovery_min,
        120,
        NO_DRIVE_MIN,
        ride_needed=True,
        chair_needed=True,
        start_every_min=every_min,
        drug="Made up",
        route=None,
        is_controlled=False,
        gap_min_days=None,
        least_age_years=None,
        begins_in_ban=False,
        room_needed=False,
        dose_needed=True,
        dose_unit="mg",
        vitals_needed=True,
        orientation_needed=True,
        sources={"no_drive_min": "made up", "fasting_min": "made up"},
    )


def hours(
    from_: int = 9, until: int = 17, weekdays: Iterable[int] = WEEK, since: date = LONG_AGO
) -> OpeningHours:
    windows = tuple(Window(weekday, from_ * 60, until * 60) for weekday in weekdays)
    return OpeningHours(since, windows, "made up hours")


def roster(nurses: int, chairs_per_nurse: int, from_: int = 0, until: int = 24) -> Roster:
    shifts = tuple(Shift(Window(day, from_ * 60, until * 60), nurses) for day in WEEK)
    return Roster(LONG_AGO, chairs_per_nurse, shifts, "made up roster")


def place(
    *,
    chairs: int = 1,
    taken: Sequence[Slot] = (),
    now: datetime | None = None,
    protocol: InfusionProtocol = MOOD,
    figures: VisitFigures | None = None,
    open_: OpeningHours | None = None,
    nurses: Roster | None = None,
    closures: Sequence[Closure] = (),
    zone: ZoneInfo = ALEXANDRIA,
    planning: Planning = PLANNING,
) -> Place:
    policy = Policy(
        visits=(figures or visit(),),
        planning=planning,
        protocols=((LONG_AGO, protocol),),
        hours=(open_ or hours(),),
        rosters=() if nurses is None else (nurses,),
        closures=tuple(closures),
    )
    return Place(zone, policy, [chair(n) for n in range(chairs)], taken, PATIENT, now or BEFORE)


def booked(
    day: date,
    from_min: int,
    until_min: int,
    *,
    n: int = 0,
    patient: UUID = OTHER_PATIENT,
    zone: ZoneInfo = ALEXANDRIA,
) -> Slot:
    """A visit by the wall clock's minutes of one day."""
    return Slot(at_wall(day, from_min, zone), at_wall(day, until_min, zone), chair(n), patient)


def filled(
    chairs: int, fill: float, days: int, seed: int, *, from_: int = 9, until: int = 21
) -> list[Slot]:
    """A share of all mood visits that fit into the chairs, each day from opening on."""
    dice = Random(seed)  # noqa: S311  # a fixed disorder
    return [
        booked(
            MONDAY + timedelta(days=day),
            minute,
            minute + MOOD_MIN,
            n=n,
            patient=UUID(int=dice.getrandbits(64) + 3),
        )
        for day in range(days)
        for n in range(chairs)
        for minute in range(from_ * 60, until * 60 - MOOD_MIN + 1, MOOD_MIN)
        if dice.random() < fill
    ]


def wishes(days: int = 30, earliest: date = MONDAY, **fields: object) -> Preferences:
    latest = earliest + timedelta(days=days - 1)
    return Preferences(earliest, latest, **fields)  # type: ignore[arg-type]  # a builder
