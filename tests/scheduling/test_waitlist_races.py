"""Many who wait, many chairs, all at once: one has each chair, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.races import nobody_deadlocks
from tests.scheduling.test_waitlist import HOUR, free_one, movers, offers, wait

__all__ = ["nobody_deadlocks"]


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens("09:00", "20:00")


async def freed(clinic: Clinic, count: int, who: int) -> list[dict[str, Any]]:
    """So many chairs that are free on the 7th, each offered to all who wait."""
    chairs = [clinic.chair_id, *[await clinic.chair() for _ in range(count - 1)]]
    booked = [
        await clinic.series(every(3, 6, NOON + n * HOUR), chair_id=chair)
        for n, chair in enumerate(chairs)
    ]
    await movers(clinic, who)
    for series in booked:
        await free_one(clinic, series, 1)
    return await offers(clinic)


def send(clinic: Clinic, offer: dict[str, Any], answer: str) -> Any:
    return clinic.send(f"/offers/{offer['offer_id']}/{answer}", {})


async def test_who_is_offered_several_chairs_and_accepts_all_of_them_has_one(
    clinic: Clinic,
) -> None:
    """Whoever accepts one chair lets the others go, which others accept at the same moment."""
    made = await freed(clinic, 3, 3)
    assert len(made) == 9
    answers = await asyncio.gather(*(send(clinic, each, "accept") for each in made))
    counts = Counter(each.status_code for each in answers)
    assert counts == {200: 3, 409: 6}
    won = [each.json() for each in answers if each.status_code == 200]
    assert len({each["patient_id"] for each in won}) == 3
    assert len({each["chair_id"] for each in won}) == 3
    rules = {v["rule"] for a in answers if a.status_code == 409 for v in a.json()["violations"]}
    assert rules <= {"offer_lost", "offer_declined"}
    assert await offers(clinic) == []


async def test_who_accepts_declines_and_leaves_at_once_ends_up_one_way(clinic: Clinic) -> None:
    made = await freed(clinic, 3, 3)
    leavers = {each["wish_id"] for each in made[:3]}
    answers = await asyncio.gather(
        *(send(clinic, each, "accept") for each in made),
        *(send(clinic, each, "decline") for each in reversed(made)),
        *(clinic.send(f"/waitlist/{each}/withdraw", {}) for each in leavers),
        clinic.let_fall_due(),
        clinic.let_fall_due(),
    )
    assert {each.status_code for each in answers if each is not None} <= {200, 201, 409}
    await clinic.let_fall_due()
    taken = await offers(clinic, "taken")
    assert len({each["wish_id"] for each in taken}) == len(taken)
    assert len({each["chair_id"] for each in taken}) == len(taken)


async def test_a_freed_chair_is_accepted_offered_and_booked_by_others_at_once(
    clinic: Clinic,
) -> None:
    """One of them has it, whichever way they came."""
    made = await freed(clinic, 1, 3)
    others = [await clinic.patient() for _ in range(12)]
    wishes = [
        clinic.wish(each, [NOON, *every(3, 5, NOON + timedelta(days=3, hours=2 + n % 5))])
        for n, each in enumerate(others)
    ]
    answers = await asyncio.gather(
        *(send(clinic, each, "accept") for each in made),
        *(clinic.send("/series", wish) for wish in wishes),
        *(clinic.let_fall_due() for _ in range(3)),
    )
    asked = [each for each in answers if each is not None]
    assert {each.status_code for each in asked} <= {200, 201, 409}
    assert [each.status_code for each in asked].count(409) == len(asked) - 1
    at_noon = await clinic.rows(
        "SELECT count(*) FROM appointments WHERE chair_id = :chair AND starts_at = :noon"
        " AND state = 'booked'",
        chair=clinic.chair_id,
        noon=NOON,
    )
    assert at_noon == [(1,)]


async def test_who_leaves_as_the_last_of_their_times_passes_waits_for_no_timer(
    clinic: Clinic,
) -> None:
    """The timer has the row that leaving takes away, and asks for the list that leaving has."""
    until = NOON - 2 * HOUR
    window = {"from": clinic.clock.now().isoformat(), "until": until.isoformat()}
    wishes = []
    for _ in range(8):
        series = await clinic.series(every(3, 6, NOON + HOUR), chair_id=await clinic.chair())
        first = series["appointments"][0]["appointment_id"]
        wishes.append(await wait(clinic, series, appointment_id=first, windows=[window]))
    clinic.clock.step_to(until)
    answers = await asyncio.gather(
        *(clinic.send(f"/waitlist/{each['wish_id']}/withdraw", {}) for each in wishes),
        *(clinic.let_fall_due() for _ in range(4)),
    )
    assert {each.status_code for each in answers if each is not None} <= {201, 200, 409}
    await clinic.let_fall_due()
    assert (await clinic.get("/waitlist", location_id=clinic.location_id))["items"] == []
