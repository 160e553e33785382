"""`docs/benchmarks-desk.md`: the front desk's figures in words and tables."""

from __future__ import annotations

from bench.desk.bookings import CHAIRS, CLIENTS, Booked, Bookings
from bench.desk.day_view import DayViews
from bench.desk.plans import Planned
from bench.desk.results import AIM_CHAIRS, AIM_FILL, AIM_MS, Results
from bench.page import QUICK, measured_on, of_delay, of_rate, table

_HEAD = """\
# Benchmarks of the front desk

Written by `make bench`, or by `python -m bench desk` alone, which measures everything below in one
run; what is compared takes turns, round by round, and rates are medians of the rounds. The numbers
alone are in [`benchmarks.json`](benchmarks.json), the other figures of the practice in
[`benchmarks.md`](benchmarks.md). Ratios travel between machines; absolute figures do not.

![Plans, bookings and the day's list](benchmarks-desk.svg)
"""

_PLANS = """\
## Plans

Eight mood infusions within thirty days, Monday to Saturday, 9:00 to 19:00, in a place with so many
chairs, of which so much is booked: the best plan and two to choose from. Milliseconds, p50 / p99.
`free starts` is what every question has to find first, `search` chooses among them. The search
beside OR-Tools is in [decision 12](decisions/12-planner-search.md).
"""

_BOOKINGS = """\
## Bookings

{clients} clients at a time book whole series of six visits over HTTP, at a place with {chairs}
chairs. Each tenth series is asked for twice, by two desks one right after the other.

- **scheduling**: the process as it runs. It holds patient and chairs until the commit, and
  exclusion constraints stand behind that;
- **check, then insert**: the same process, rules, rows and events. It looks whether chair and
  patient are free and inserts; nothing is held, and the constraints are taken away.

A double booking is a pair of visits that have one chair at one time.
"""

_DAY_VIEW = """\
## The day's list

`GET /appointments` for one place and one day, as the desk asks it: {visits} visits, one page, one
request after the other. Both calendars are equally dense; the larger has more places and more days.
"""


def write(results: Results) -> str:
    """The page."""
    bookings, views = results.bookings, results.day_views
    visits = f"{views.visits_a_day}"
    return "\n".join(
        [
            _HEAD,
            *([QUICK] if results.quick else []),
            measured_on(results.at, results.took_s),
            table(("", "this machine"), results.machine.items()),
            _PLANS,
            _plans(results),
            _BOOKINGS.format(clients=CLIENTS, chairs=CHAIRS),
            _bookings(bookings),
            _DAY_VIEW.format(visits=visits),
            _day_views(views),
        ]
    )


def _plans(results: Results) -> str:
    aimed = results.aimed_at.whole
    return (
        table(
            ("chairs", "booked", "free starts", "search", "together"),
            (_planned(planned) for planned in results.plans),
        )
        + f"\nThe aim is a median of at most {AIM_MS} ms with {AIM_CHAIRS} chairs, {AIM_FILL:.0%}"
        + f" booked: **{aimed.p50_ms:.0f} ms**.\n"
    )


def _planned(planned: Planned) -> tuple[str, ...]:
    delays = (planned.free_starts, planned.search, planned.whole)
    shown = (f"{delay.p50_ms:.0f} / {delay.p99_ms:.0f}" for delay in delays)
    return (str(planned.chairs), f"{planned.fill:.0%}", *shown)


def _bookings(found: Bookings) -> str:
    head = ("way", "series/s", "least to most", "p50", "p99", "booked", "refused", "double")
    rows = (
        _booked("scheduling", found.scheduling),
        _booked("check, then insert", found.check_then_insert),
    )
    return (
        table(head, rows)
        + f"\nScheduling books {found.ratio:.2f} times as fast as check-then-insert, which of"
        + f" {found.twins} series that two desks asked for booked {found.given_twice} twice.\n"
    )


def _booked(name: str, found: Booked) -> tuple[str, ...]:
    counts = (str(found.booked), str(found.refused), f"{found.double} visits")
    return (name, *of_rate(found.rate), *of_delay(found.delay), *counts)


def _day_views(found: DayViews) -> str:
    rows = (
        (f"{size:,}", *of_delay(delay))
        for size, delay in zip(found.sizes, found.delays, strict=True)
    )
    return table(("visits stored", "p50", "p99"), rows) + (
        f"\nWith {found.sizes[1] // found.sizes[0]:,} times the visits a median day takes"
        f" **{found.ratio:.2f} times** as long.\n"
    )
