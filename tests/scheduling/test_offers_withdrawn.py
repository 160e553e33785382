"""Nobody is asked about a chair that they need no more: what is offered to them is withdrawn."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.races import nobody_deadlocks
from tests.scheduling.test_treatments import book
from tests.scheduling.test_waiting_treatments import BOOSTER, order, wish_for
from tests.scheduling.test_waitlist import DAY, HOUR, free_one, lacking, movers, offers, wait

__all__ = ["nobody_deadlocks"]


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens("09:00", "20:00")
    await clinic.opens("09:00", "20:00", visit_type=BOOSTER)


async def wishes(clinic: Clinic, state: str = "waiting") -> list[str]:
    found = await clinic.get("/waitlist", location_id=clinic.location_id, state=state)
    return [each["wish_id"] for each in found["items"]]


async def withdrawn(clinic: Clinic, offer: dict[str, Any]) -> bool:
    await clinic.let_fall_due()
    accept = f"/offers/{offer['offer_id']}/accept"
    return await clinic.refused(accept, {}) == [("offer_withdrawn", "offer_id")]


async def one_who_lacks(clinic: Clinic) -> tuple[dict[str, Any], dict[str, Any]]:
    """A series that lost its second, and the chair at noon of the 10th offered to it."""
    booked = await clinic.series(every(3, 6))
    series = await lacking(clinic, NOON + HOUR, 4, 2)
    await wait(clinic, series)
    await free_one(clinic, booked)
    [offer] = await offers(clinic)
    return series, offer


async def test_who_is_booked_otherwise_is_asked_no_more(clinic: Clinic) -> None:
    series, offer = await one_who_lacks(clinic)
    other = {"chair_id": await clinic.chair(), "starts_at": (NOON + 3 * DAY).isoformat()}
    await clinic.post(f"/series/{series['series_id']}/appointments", other)
    assert await withdrawn(clinic, offer)
    assert await wishes(clinic) == []
    assert await wishes(clinic, "filled") == [offer["wish_id"]]


async def test_whose_series_ends_is_asked_no_more(clinic: Clinic) -> None:
    series, offer = await one_who_lacks(clinic)
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Made up."})
    assert await withdrawn(clinic, offer)
    assert await wishes(clinic, "withdrawn") == [offer["wish_id"]]


async def one_who_would_move(clinic: Clinic) -> dict[str, Any]:
    booked = await clinic.series(every(3, 6))
    await movers(clinic, 1)
    await free_one(clinic, booked, 1)
    [offer] = await offers(clinic)
    clinic.clock.step(timedelta(minutes=1))
    return offer


async def visit_of(clinic: Clinic, offer: dict[str, Any]) -> dict[str, Any]:
    [row] = await clinic.rows(
        "SELECT appointment_id FROM waiting_wishes WHERE wish_id = :id", id=offer["wish_id"]
    )
    return {"appointment_id": str(row.appointment_id)}


async def test_whose_visit_is_moved_otherwise_waits_on_and_has_no_old_offer(clinic: Clinic) -> None:
    offer = await one_who_would_move(clinic)
    later = {"starts_at": (NOON + DAY + 2 * HOUR).isoformat()}
    await clinic.step(await visit_of(clinic, offer), "move", later)
    assert await withdrawn(clinic, offer)
    assert await wishes(clinic) == [offer["wish_id"]]


async def test_whose_visit_is_cancelled_is_asked_no_more(clinic: Clinic) -> None:
    offer = await one_who_would_move(clinic)
    await clinic.step(await visit_of(clinic, offer), "cancel", {"reason": "patient_asked"})
    assert await withdrawn(clinic, offer)
    assert await wishes(clinic, "withdrawn") == [offer["wish_id"]]


async def test_who_has_another_visit_then_is_not_asked_to_be_in_two(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    patient_id = await clinic.patient()
    wish = await clinic.post("/waitlist", wish_for(clinic, patient_id, **order(clinic)))
    await free_one(clinic, booked)
    [offer] = await offers(clinic)
    starts = datetime.fromisoformat(offer["starts_at"])
    await clinic.series(every(3, 6, starts), patient_id=patient_id, chair_id=await clinic.chair())
    assert await withdrawn(clinic, offer)
    assert await wishes(clinic) == [wish["wish_id"]]


async def test_a_treatment_that_is_booked_otherwise_is_waited_for_no_more(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    patient_id = await clinic.patient()
    wish = await clinic.post("/waitlist", wish_for(clinic, patient_id, **order(clinic)))
    await free_one(clinic, booked)
    [offer] = await offers(clinic)
    clinic.clock.step(timedelta(minutes=1))
    await book(clinic, NOON + 20 * DAY, chair_id=await clinic.chair(), patient_id=patient_id)
    assert await withdrawn(clinic, offer)
    assert await wishes(clinic, "filled") == [wish["wish_id"]]


async def test_the_chair_that_somebody_lets_go_is_offered_on_at_once(clinic: Clinic) -> None:
    """Who takes one of two chairs leaves the other to the next, before its offers run out."""
    chairs = [clinic.chair_id, await clinic.chair()]
    booked = [await clinic.series(every(3, 6), chair_id=chair) for chair in chairs]
    waiting = await movers(clinic, 4)
    for series in booked:
        await free_one(clinic, series, 1)
    made = await offers(clinic)
    kept = [each for each in made if each["chair_id"] == chairs[1]]
    assert [each["wish_id"] for each in kept] == [each["wish_id"] for each in waiting[:3]]
    for each in kept[1:]:
        await clinic.post(f"/offers/{each['offer_id']}/decline", {})
    taken = next(
        each
        for each in made
        if (each["chair_id"], each["wish_id"]) == (chairs[0], waiting[0]["wish_id"])
    )
    await clinic.post(f"/offers/{taken['offer_id']}/accept", {})
    await clinic.let_fall_due()
    [last] = [each for each in await offers(clinic) if each["chair_id"] == chairs[1]]
    assert last["wish_id"] == waiting[3]["wish_id"]


@pytest.mark.parametrize("desk_first", [True, False] * 2)
async def test_who_accepts_as_the_desk_books_otherwise_has_one_and_no_offer(
    clinic: Clinic,
    desk_first: bool,  # noqa: FBT001  # a table's column
) -> None:
    series, offer = await one_who_lacks(clinic)
    other = {"chair_id": await clinic.chair(), "starts_at": (NOON + 3 * DAY).isoformat()}
    both = [
        clinic.send(f"/offers/{offer['offer_id']}/accept", {}),
        clinic.send(f"/series/{series['series_id']}/appointments", other),
    ]
    answers = await asyncio.gather(
        *(reversed(both) if desk_first else both),
        *(clinic.let_fall_due() for _ in range(2)),
    )
    assert sorted(each.status_code for each in answers if each is not None) in (
        [200, 409],
        [201, 409],
    )
    await clinic.let_fall_due()
    assert await offers(clinic) == []
    assert await wishes(clinic) == []
    [(there,)] = await clinic.rows(
        "SELECT count(*) FROM appointments WHERE series_id = :id AND state = 'booked'",
        id=series["series_id"],
    )
    assert there == 6
