"""Whole series booked by desks at the same time: scheduling as it is, and check-then-insert.

Each wish is six mood infusions in one chair, three days apart, for a patient who has none. Every
tenth wish is had twice: two desks ask for the same chair and hours, one right after the other, each
for a patient of its own. Both ways answer the same wishes on a place of their own in each round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from bench.bare import connect
from bench.desk.people import CLINICIAN, LOCATION, PATIENT
from bench.desk.process import Desk, desk_of
from bench.figures import Latency, Rate
from bench.ground import Ground
from bench.load import SERIES_OF
from bench.sizes import Sizes
from services.scheduling.rules.clinic.policy import at_wall
from shared.clock import real_now

CLIENTS = 20
CHAIRS = 20
TWIN_EVERY = 10
HOURS = range(9, 17)
EVERY_DAYS = 3
VISITS_EACH = SERIES_OF

SCHEDULING = "services.scheduling"
CHECK_THEN_INSERT = "bench.ways.check_then_insert"
CONSTRAINTS = ("ex_appointments_chair", "ex_appointments_led_by", "ex_appointments_patient")

_DOUBLE = """
SELECT count(*)
  FROM appointments AS one
  JOIN appointments AS other
    ON other.chair_id = one.chair_id AND other.appointment_id > one.appointment_id
   AND other.starts_at < one.ends_at AND one.starts_at < other.ends_at
"""
_KEPT = """
SELECT (SELECT count(*) FROM series) AS series,
       (SELECT count(*) FROM appointments) AS visits,
       (SELECT count(*) FROM outbox WHERE headers->>'ce_type' = 'scheduling.AppointmentBooked')
       + (SELECT count(*) FROM event_log WHERE headers->>'ce_type' = 'scheduling.AppointmentBooked')
       AS said
"""

Wish = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What one way did, over all rounds."""

    rates: list[float] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    booked: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Booked:
    """Series per second, how long each wish took, and what came of them."""

    rate: Rate
    delay: Latency
    booked: int
    refused: int
    double: int
    """Pairs of visits that have one chair at one time."""


@dataclass(frozen=True, slots=True)
class Bookings:
    """Scheduling as it is, and the same routes with a check and an insert."""

    scheduling: Booked
    check_then_insert: Booked
    twins: int
    """Wishes that another desk had at the same time, for each way."""

    @property
    def given_twice(self) -> int:
        """Series that check-then-insert gave to two patients."""
        return self.check_then_insert.double // VISITS_EACH

    @property
    def ratio(self) -> float:
        return self.scheduling.rate.median / self.check_then_insert.rate.median


async def measure(ground: Ground, sizes: Sizes, step: Callable[[], object]) -> Bookings:
    """Both ways, round by round in turn. `step` is called after each."""
    async with AsyncExitStack() as both:
        desks = [
            await both.enter_async_context(desk_of(ground, module))
            for module in (SCHEDULING, CHECK_THEN_INSERT)
        ]
        await unguard(desks[1])
        tallies = [Tally(), Tally()]
        for _ in range(sizes.rounds):
            for desk, tally in zip(desks, tallies, strict=True):
                await _round(desk, sizes.bookings, tally)
                step()
        scheduling, check_then_insert = [
            await _told(desk, tally) for desk, tally in zip(desks, tallies, strict=True)
        ]
    twins = sizes.rounds * (sizes.bookings // TWIN_EVERY)
    return Bookings(scheduling, check_then_insert, twins)


async def unguard(desk: Desk) -> None:
    """Take away the constraints that make double booking impossible."""
    connection = await connect(desk.database.url)
    try:
        for constraint in CONSTRAINTS:
            await connection.execute(f"ALTER TABLE appointments DROP CONSTRAINT {constraint}")
    finally:
        await connection.close()


async def _round(desk: Desk, count: int, tally: Tally) -> None:
    """Book at a place of the round's own, by so many clients at a time."""
    wishes = await _prepare(desk, count)
    waiting = iter(wishes)

    async def client() -> None:
        for wish in waiting:
            began = perf_counter()
            answer = await desk.send("/series", wish)
            tally.took_s.append(perf_counter() - began)
            if answer.status_code == httpx.codes.CONFLICT:
                tally.refused += 1
            else:
                answer.raise_for_status()
                tally.booked += 1

    before, began = tally.booked, perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    tally.rates.append((tally.booked - before) / (perf_counter() - began))


async def _prepare(desk: Desk, count: int) -> list[Wish]:
    """A place with chairs, patients, and what is asked for them."""
    location = (await desk.post("/locations", LOCATION))["location_id"]
    prescriber = (await desk.post("/clinicians", CLINICIAN))["clinician_id"]
    chairs = [
        (await desk.post(f"/locations/{location}/chairs", {"name": f"Chair {n}"}))["chair_id"]
        for n in range(CHAIRS)
    ]
    wishes = list(_wishes(count, chairs))
    patients = iter(await _patients(desk, len(wishes)))
    return [
        {
            "patient_id": patient_id,
            "prescriber_id": prescriber,
            "location_id": location,
            "visit_type": "ketamine_mood",
            "diagnoses": ["F33.1"],
            "appointments": appointments,
        }
        for patient_id, appointments in zip(patients, wishes, strict=True)
    ]


def _wishes(count: int, chairs: Sequence[str]) -> Iterator[list[dict[str, str]]]:
    """`count` series of which no two meet, and every tenth of them a second time."""
    zone = ZoneInfo(LOCATION["zone"])
    first = real_now().astimezone(zone).date() + timedelta(days=2)
    for number in range(count):
        place = number // len(chairs)
        hour = HOURS[place % len(HOURS)]
        turn = place // len(HOURS)
        course, later = divmod(turn, EVERY_DAYS)
        day = first + timedelta(days=later + course * EVERY_DAYS * VISITS_EACH)
        appointments = [
            {
                "chair_id": chairs[number % len(chairs)],
                "starts_at": at_wall(
                    day + timedelta(days=EVERY_DAYS * n), hour * 60, zone
                ).isoformat(),
            }
            for n in range(VISITS_EACH)
        ]
        yield appointments
        if (number + 1) % TWIN_EVERY == 0:
            yield appointments


async def _patients(desk: Desk, count: int) -> list[str]:
    """Patients who are on file and have no series."""
    waiting = iter(range(count))

    async def register() -> list[str]:
        return [(await desk.post("/patients", PATIENT))["patient_id"] for _ in waiting]

    found = await asyncio.gather(*(register() for _ in range(CLIENTS)))
    return [patient_id for some in found for patient_id in some]


async def _told(desk: Desk, tally: Tally) -> Booked:
    """The figures of one way. Raises if it left other rows than one series and six visits each."""
    connection = await connect(desk.database.url)
    try:
        double = await connection.fetchval(_DOUBLE)
        kept = dict(await connection.fetchrow(_KEPT))
    finally:
        await connection.close()
    visits = tally.booked * VISITS_EACH
    if kept != {"series": tally.booked, "visits": visits, "said": visits}:
        raise AssertionError(f"{tally.booked} series left other rows: {kept}")
    return Booked(
        Rate(tuple(tally.rates)),
        Latency.of_seconds(tally.took_s),
        tally.booked,
        tally.refused,
        double,
    )
