"""The day's list of one place, with few and with many visits stored.

Ten visits a day in each of a place's twenty chairs. What grows is the number of places and of days;
a day of one place has two hundred visits at either size, which are one page. The exclusion
constraints are taken away before: no list reads their indexes, and a million visits would be let
past them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from bench.bare import connect
from bench.desk.bookings import SCHEDULING, unguard
from bench.desk.process import Desk, desk_of
from bench.figures import Latency
from bench.ground import Ground
from bench.sizes import Sizes

CHAIRS = 20
VISITS_A_DAY = 10  # per chair
ONE_DAY = CHAIRS * VISITS_A_DAY
FIRST = datetime(2026, 3, 2, 12, tzinfo=UTC)
WARM_UP = 20

_FILL = (
    """
    INSERT INTO clinicians (clinician_id, name, credential, npi, license_number, phone, address)
    SELECT gen_random_uuid(), 'Nora Madeup', 'NP', '1987654328', '0', '+12025550101', '{}'
    """,
    """
    INSERT INTO locations (location_id, name, zone, legal_name, ein, npi, phone, address)
    SELECT gen_random_uuid(), 'Place ' || n, 'America/New_York', 'Made Up LLC', '12-3456789',
           '1245319599', '+12025550100', '{}'
      FROM generate_series(1, $places::int) AS n
    """,
    """
    INSERT INTO chairs (chair_id, location_id, name)
    SELECT gen_random_uuid(), location_id, 'Chair ' || n
      FROM locations, generate_series(1, $chairs::int) AS n
    """,
    """
    INSERT INTO patients (patient_id, card, concerns, screening, registered_at)
    SELECT gen_random_uuid(), '', '', 'not_screened', now()
      FROM generate_series(0, $visits::int / 6)
    """,
    """
    INSERT INTO series (series_id, patient_id, prescriber_id, location_id, visit_type, diagnoses,
                        planned_infusions, state, booked_at)
    SELECT gen_random_uuid(), patient_id, clinician_id, location_id, 'ketamine_mood', '', 6,
           'booked', now()
      FROM patients, clinicians, (SELECT location_id FROM locations LIMIT 1)
    """,
    """
    INSERT INTO appointments (appointment_id, patient_id, series_id, sequence_no, location_id,
                              chair_id, visit_type, starts_at, ends_at, state, revision)
    SELECT gen_random_uuid(), patient_id, series_id, 1 + n % 6, location_id, chair_id,
           'ketamine_mood', starts_at, starts_at + interval '50 min', 'booked', 0
      FROM generate_series(0, $visits::int - 1) AS n
      JOIN (SELECT series_id, patient_id, row_number() OVER () - 1 AS course FROM series) AS s
        ON course = n / 6
      JOIN (SELECT chair_id, location_id, row_number() OVER () - 1 AS seat FROM chairs) AS c
        ON seat = n / $days::int / 10
     CROSS JOIN LATERAL (SELECT $first::timestamptz + n % $days::int * interval '1 day'
                                + n / $days::int % 10 * interval '1 h') AS t (starts_at)
    """,
    "ANALYZE",
)
"""Six visits of a patient are on six days in a row, so no two of them meet."""


@dataclass(frozen=True, slots=True)
class DayViews:
    """How long a day's list takes, by how many visits are stored."""

    visits_a_day: int
    """In one place."""
    sizes: tuple[int, int]
    delays: tuple[Latency, Latency]

    @property
    def ratio(self) -> float:
        """The median at the larger size to that at the smaller."""
        small, large = self.delays
        return large.p50_ms / small.p50_ms


async def measure(ground: Ground, sizes: Sizes, step: Callable[[], object]) -> DayViews:
    """Both sizes, round by round in turn. `step` is called after each."""
    async with AsyncExitStack() as both:
        views = []
        for places, days in sizes.calendars:
            desk = await both.enter_async_context(desk_of(ground, SCHEDULING))
            views.append(await _filled(desk, places, days))
        samples: tuple[list[float], list[float]] = ([], [])
        for number in range(sizes.rounds):
            for view, into in zip(views, samples, strict=True):
                dice = Random(number)  # noqa: S311  # a disorder that can be had again
                into.extend(await view.look(sizes.day_views, dice))
                step()
    small, large = (places * days * ONE_DAY for places, days in sizes.calendars)
    fewer, more = map(Latency.of_seconds, samples)
    return DayViews(ONE_DAY, (small, large), (fewer, more))


@dataclass(frozen=True, slots=True)
class View:
    """One process whose calendar is full."""

    desk: Desk
    places: list[UUID]
    days: int

    async def look(self, times: int, dice: Random) -> list[float]:
        """Seconds for each of so many days of places, taken at random; the first are not told."""
        took_s = [await self._look_once(dice) for _ in range(WARM_UP + times)]
        return took_s[WARM_UP:]

    async def _look_once(self, dice: Random) -> float:
        since = FIRST + timedelta(days=dice.randrange(self.days))
        took_s, page = await self.desk.seconds_to_read(
            "/appointments",
            location_id=dice.choice(self.places),
            **{"from": since.isoformat(), "to": (since + timedelta(days=1)).isoformat()},
            limit=ONE_DAY,
        )
        if len(page["items"]) != ONE_DAY:
            raise AssertionError(f"a day has {len(page['items'])} visits instead of {ONE_DAY}")
        return took_s


async def _filled(desk: Desk, places: int, days: int) -> View:
    """Have a calendar full of visits."""
    await unguard(desk)
    values = {
        "$places": str(places),
        "$chairs": str(CHAIRS),
        "$visits": str(places * days * ONE_DAY),
        "$days": str(days),
        "$first": f"'{FIRST.isoformat()}'",
    }
    connection = await connect(desk.database.url)
    try:
        for statement in _FILL:
            whole = statement
            for name, value in values.items():
                whole = whole.replace(name, value)
            await connection.execute(whole)
        rows = await connection.fetch("SELECT location_id FROM locations ORDER BY name")
    finally:
        await connection.close()
    return View(desk, [row["location_id"] for row in rows], days)
