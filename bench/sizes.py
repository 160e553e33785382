"""How much is measured: in full, and in the short form that only tries every piece."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rounds are taken in turn by what is compared. Seconds are real time."""

    rounds: int
    events: int
    """Per round, where many are decided together."""
    events_one_by_one: int
    """Per round, where each has a transaction of its own."""
    delay_s: float
    """Per round, for how long events are said at a steady rate."""
    story_s: tuple[float, ...]
    """For how long the story is told at each of its rates."""
    grown_delay_s: float
    backlogs: tuple[int, int]
    tables: tuple[int, int]
    chairs: tuple[int, ...]
    """The places that are planned for."""
    plans: int
    """Questions to the planner, of each size of place."""
    bookings: int
    """Series that are asked for per round, each tenth of them twice."""
    calendars: tuple[tuple[int, int], tuple[int, int]]
    """Places and days of the smaller and of the larger calendar."""
    day_views: int
    """Per round, at each size."""
    charges: int
    """Per round, by the workers."""
    charges_one_by_one: int
    notices: int
    """Webhooks of a burst, each tenth of them for the second time; a burst per round."""
    superbills: int
    ledgers: tuple[int, int]
    """Transfers in the smaller and in the larger ledger."""
    looks: int
    """At each of the ledger's pages."""


FULL = Sizes(
    rounds=5,
    events=20_000,
    events_one_by_one=1_000,
    delay_s=6.0,
    story_s=(40.0, 10.0),
    grown_delay_s=15.0,
    backlogs=(1_000, 100_000),
    tables=(10_000, 1_000_000),
    chairs=(5, 20, 100),
    plans=20,
    bookings=200,
    calendars=((5, 10), (50, 100)),
    day_views=100,
    charges=400,
    charges_one_by_one=60,
    notices=5_000,
    superbills=120,
    ledgers=(10_000, 1_000_000),
    looks=20,
)

QUICK = Sizes(
    rounds=1,
    events=1_000,
    events_one_by_one=50,
    delay_s=1.0,
    story_s=(2.0, 1.0),
    grown_delay_s=1.0,
    backlogs=(100, 1_000),
    tables=(100, 1_000),
    chairs=(20,),
    plans=1,
    bookings=40,
    calendars=((1, 6), (2, 12)),
    day_views=5,
    charges=12,
    charges_one_by_one=3,
    notices=60,
    superbills=6,
    ledgers=(600, 1_200),
    looks=2,
)
